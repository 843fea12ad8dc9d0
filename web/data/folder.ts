/**
 * A dropped folder of images by class: `<folder>/<class>/**`, or `<folder>/train/<class>` and `<folder>/test/<class>`, as the command line
 * takes it.
 */
import { first, makeSplit, type Dataset, type Split } from '../../datasets/dataset.ts';
import { splitFolder } from '../../datasets/folder.ts';
import { pictureBytes } from '../../datasets/pictures.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { sha256 } from './sha256.ts';

/** A file and its path below the folder. */
export interface FolderFile {
  readonly path: string;
  readonly file: File;
}

/**
 * Every file of a drop, with its path; the folders of the drop are the first parts of the paths. Entries must be taken before the event
 * ends.
 */
export async function filesOf(entries: readonly FileSystemEntry[]): Promise<FolderFile[]> {
  const out: FolderFile[] = [];
  const walk = async (entry: FileSystemEntry, path: string): Promise<void> => {
    if (entry.name.startsWith('.')) return;
    if (entry.isFile) {
      out.push({
        path,
        file: await new Promise<File>((resolve, reject) => {
          (entry as FileSystemFileEntry).file(resolve, reject);
        }),
      });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      // it hands out a hundred at a time
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
        reader.readEntries(resolve, reject);
      });
      if (!some.length) return;
      for (const e of some) await walk(e, `${path}/${e.name}`);
    }
  };
  for (const entry of entries) await walk(entry, entry.name);
  return out;
}

/** Decodes the images to `imageSize` (32 without it), cropped to a square about the middle, and splits them as the command line does. */
export async function openFolder(name: string, files: readonly FolderFile[], config: RunConfig): Promise<Dataset> {
  const { imageSize = 32, limitTrain, limitTest } = config;
  const { classes, train, test } = await splitFolder(name, files, digest);
  const items = [...train, ...test];
  const plane = imageSize * imageSize;
  const rgb = new Uint8Array(items.length * 3 * plane);
  let grey = true;
  for (const [i, { path, file }] of items.entries()) {
    const planes = await pictureBytes(file, [3, imageSize, imageSize], { who: `${name}/${path}` });
    rgb.set(planes, 3 * i * plane);
    for (let p = 0; p < plane; p++) grey &&= planes[p] === planes[plane + p] && planes[p] === planes[2 * plane + p];
  }
  // images without colour have one channel
  const channels = grey ? 1 : 3;
  const size = channels * plane;
  const bytes = new Uint8Array(items.length * size);
  for (let i = 0; i < items.length; i++) bytes.set(rgb.subarray(3 * i * plane, 3 * i * plane + size), i * size);
  const labels = Uint16Array.from(items, i => i.label);
  const shape = [channels, imageSize, imageSize] as const;
  const part = (from: number, to: number, limit: number | undefined): Split =>
    first(makeSplit(name, bytes.subarray(from * size, to * size), labels.subarray(from, to), shape, classes.length), limit);
  return { name, shape, classes, train: part(0, train.length, limitTrain), test: part(train.length, items.length, limitTest) };
}

/** The digest by which a folder is split. */
export const digest = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));
