/**
 * A dropped folder of images by class: `<folder>/<class>/**`, or `<folder>/train/<class>`, `<folder>/val/<class>` and
 * `<folder>/test/<class>`, as the command line takes it.
 */
import { first, makeSplit, type Dataset, type Split } from '../../datasets/dataset.ts';
import { departures, IN_BROWSER, isImage, isPictureName, isVisible, splitFolder } from '../../datasets/folder.ts';
import { checkResize } from '../../datasets/framing.ts';
import { sidesOf } from '../../engine/spec.ts';
import { pictureBytes } from '../../datasets/pictures.ts';
import { also, faultOf, named, say } from '../../engine/check.ts';
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

/** Decodes the images to `imageSize` (32 without it), cropped about the middle, and splits them as the command line does. */
export async function openFolder(name: string, files: readonly FolderFile[], config: RunConfig): Promise<Dataset> {
  const { imageSize = 32, resize, skipBroken, ignoreLabel, limitTrain, limitTest } = config;
  const [h, w] = sidesOf(named('imageSize'), imageSize);
  checkResize(named('resize'), resize, [h, w]);
  const read = new Map<string, Uint8Array>();
  const broken: string[] = [];
  for (const { path, file } of files.filter(file => isPictureName(file.path) && isVisible(file.path) && file.path.includes('/'))) {
    try {
      read.set(path, await pictureBytes(file, [3, h, w], { who: `${name}/${path}`, resize }));
    } catch (error) {
      if (isImage(path) && !skipBroken) throw also(faultOf(error), say`or give ${named('skipBroken', true)}`);
      if (isImage(path)) broken.push(path); // browsers do not all read the other formats
    }
  }
  const { classes, train, validation, test, leftOut } = await splitFolder(name, files, {
    digest,
    reads: path => read.has(path),
    ignoreLabel,
  });
  const items = [...train, ...test];
  const plane = h * w;
  const grey = items.every(({ path }) => isGrey(read.get(path)!, plane));
  // images without colour have one channel
  const channels = grey ? 1 : 3;
  const size = channels * plane;
  const bytes = new Uint8Array(items.length * size);
  for (const [i, { path }] of items.entries()) bytes.set(read.get(path)!.subarray(0, size), i * size);
  const labels = Uint16Array.from(items, i => i.label);
  const shape = [channels, h, w] as const;
  const part = (from: number, to: number, limit: number | undefined): Split =>
    first(makeSplit(name, bytes.subarray(from * size, to * size), labels.subarray(from, to), shape, classes.length), limit);
  return {
    name,
    shape,
    classes,
    notes: departures(name, {
      leftOut: leftOut.filter(path => !broken.includes(path)),
      broken: broken.sort(),
      grey: 0,
      formats: IN_BROWSER,
    }),
    train: part(0, train.length, limitTrain && validation + limitTrain),
    ...(validation > 0 && { validation }),
    test: part(train.length, items.length, limitTest),
  };
}

/** Whether the three planes of a picture are equal. */
function isGrey(planes: Uint8Array, plane: number): boolean {
  for (let p = 0; p < plane; p++) if (planes[p] !== planes[plane + p] || planes[p] !== planes[2 * plane + p]) return false;
  return true;
}

/** The digest by which a folder is split. */
export const digest = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));
