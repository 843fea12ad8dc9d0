/**
 * A folder of images by class as a data set: `<folder>/<class>/**`, or `<folder>/train/<class>` and `<folder>/test/<class>`, with
 * `<folder>/val/<class>` beside them or without.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve as resolvePath } from 'node:path';
import { check, DescentError, named, say } from '../../engine/check.ts';
import { checkLabels, first, makeSplit, type Dataset, type Limits, type Split } from '../dataset.ts';
import { whyUnread } from '../pictures.ts';
import { checkLeft, departures, isVisible, splitFolder, type FolderItem, type FolderSplit } from '../folder.ts';
import { checkResize } from '../framing.ts';
import { sidesOf } from '../../engine/spec.ts';
import type { FolderOptions as Reading } from '../host.ts';
import { datasetFolder, makeFolder } from './cache.ts';
import { decoder, framed, readable } from './decode.ts';
import type { FetchOptions } from './fetch.ts';
import { readPacked, removeUnread, writePacked, type Header } from './packed.ts';
import { sha256 } from './sha256.ts';

export interface FolderOptions extends Limits, Reading, Pick<FetchOptions, 'dataDir' | 'onNote'> {
  /** Bytes of decoded images that are held in memory, 1 GiB by default; more stay in the cache's file and are read when needed. */
  readonly resident?: number | undefined;
  /** Told what the images are before they are decoded; where it throws, none is. */
  readonly onFound?: ((found: Pick<Dataset, 'classes' | 'shape'>) => void) | undefined;
}

/**
 * Reads a folder of images. Classes are the subfolders in alphabetical order; samples come in an order shuffled by path (see splitFolder).
 * Images are grey where all files are. Decoded images are cached as one file, made anew when an image is added, removed or changed; files
 * that nothing has read for a week go then. Throws for a single or an empty class, and for an unreadable image where such are not to be skipped.
 */
export async function openFolder(folder: string, options: FolderOptions = {}): Promise<Dataset> {
  const root = resolvePath(folder);
  const who = basename(root);
  const { imageSize = 32, resize, skipBroken = false, ignoreLabel, resident = 2 ** 30 } = options;
  const sides = sidesOf(named('imageSize'), imageSize);
  checkResize(named('resize'), resize, sides);
  const reads = await readable();
  const { files, others, folders } = await filesBelow(folder, root, path => path.includes('/') && reads(path));
  const parted = await splitFolder(folder, files, { digest: sha256, reads, folders, ignoreLabel });
  const order = [...parted.train, ...parted.test];

  const stamps = order.map(item => [item.path, item.label, item.stamp]);
  const key = sha256(JSON.stringify([2, parted.classes, sides, resize, parted.train.length, stamps])).slice(0, 16);
  const store = await makeFolder(datasetFolder('folders', options.dataDir));
  const cached = join(store, `${who}-${key}.bin`);
  const kept = await readPacked(cached, resident).catch(() => undefined);
  if (!kept) await decodeInto(cached, { folder, root, sides, resize, skipBroken }, parted, options.onFound);
  const { header, labels, images, stored } = kept ?? (await readPacked(cached, resident));
  if (!kept) await removeUnread(store);
  const [bad] = header.broken;
  if (bad && !skipBroken) throw unreadable(folder, bad);
  const items = without(header.broken, order);
  checkLeft(folder, parted.classes, items.slice(0, header.train), items.slice(header.train));
  if (!kept) options.onNote?.(decodedNote(who, header));
  const validation = without(header.broken, parted.train.slice(0, parted.validation)).length;
  const limitTrain = options.limitTrain === undefined ? undefined : validation + options.limitTrain;
  const size = header.shape.reduce((a, b) => a * b);
  const part = (from: number, to: number, limit: number | undefined): Split => {
    const own = labels.subarray(from, to);
    const names = items.slice(from, to).map(item => item.path);
    if (!stored) {
      return first({ ...makeSplit(who, images.subarray(from * size, to * size), own, header.shape, parted.classes.length), names }, limit);
    }
    checkLabels(who, own, parted.classes.length);
    return first({ images, labels: own, n: to - from, stored: stored(from), names }, limit);
  };
  const leftOut = [...others, ...parted.leftOut].sort();
  return {
    name: who,
    shape: header.shape,
    classes: parted.classes,
    digest: key,
    notes: departures(who, { leftOut, broken: header.broken.map(([path]) => path), grey: header.grey }),
    train: part(0, header.train, limitTrain),
    ...(validation > 0 && { validation }),
    test: part(header.train, header.train + header.test, options.limitTest),
  };
}

/** Decodes the images of a folder into one file: grey, where all are. `onFound` hears what they are before, and may throw. */
async function decodeInto(file: string, source: Source, parted: FolderSplit<unknown>, onFound: FolderOptions['onFound']): Promise<void> {
  const order = [...parted.train, ...parted.test];
  const { grey, coloured } = await looks(source, order);
  const channels = coloured ? 3 : 1;
  const shape = [channels, ...source.sides] as const;
  onFound?.({ classes: parted.classes, shape });
  const broken: [path: string, error: string][] = [];
  await writePacked(file, decode(source, order, channels, broken), () => {
    const kept = without(broken, order);
    const train = without(broken, parted.train).length;
    const counts = { train, test: kept.length - train, broken, grey: coloured ? grey : 0 };
    return [{ format: 2, classes: parted.classes, shape, ...counts }, Uint16Array.from(kept, item => item.label)];
  });
}

const decodedNote = (who: string, { train, test, classes, shape }: Header): string =>
  `${who}: decoded ${train} + ${test} images of ${classes.length} classes to ${shape.join('x')}`;

/** The items that are not broken. */
function without<I extends FolderItem>(broken: Header['broken'], items: readonly I[]): readonly I[] {
  const paths = new Set(broken.map(([path]) => path));
  return paths.size ? items.filter(item => !paths.has(item.path)) : items;
}

const unreadable = (folder: string, [path, error]: Header['broken'][number]): DescentError =>
  new DescentError(`${folder}: cannot read the image ${path} (${error})`, 'replace or remove it', say`give ${named('skipBroken', true)}`);

interface File {
  readonly path: string;
  /** Changes when the file does. */
  readonly stamp: string;
}

/**
 * All files below `root` that `reads` takes for images by their paths in it, all other files, and the folders; `folder` is its name in
 * messages. Links count as what they lead to, but a folder that was read already is not entered again: its images would be of two classes,
 * and a link to a folder above would never end.
 */
export async function filesBelow(
  folder: string,
  root: string,
  reads: (path: string) => boolean,
): Promise<{ files: File[]; others: string[]; folders: string[] }> {
  const files: File[] = [];
  const others: string[] = [];
  const folders: string[] = [];
  const entered = new Set<string>();
  const walk = async (inside: string): Promise<void> => {
    const real = await realpath(join(root, inside));
    check(!entered.has(real), `${folder}: ${inside} leads to a folder that is read already`, 'remove the link');
    entered.add(real);
    const names = await readdir(join(root, inside)).catch((e: Error) => {
      throw new DescentError(
        `${inside ? `${folder}/${inside}` : folder}: cannot be read (${e.message})`,
        'a folder of images by class is accepted',
      );
    });
    for (const name of names.filter(isVisible).sort()) {
      const path = inside ? `${inside}/${name}` : name;
      const state = await stat(join(root, path)).catch(() => undefined);
      if (state?.isDirectory()) {
        folders.push(path);
        await walk(path);
      } else if (reads(path)) {
        const why = name.includes('\ufffd') ? 'has a name that is not UTF-8' : 'is a link that leads nowhere';
        check(state, `${folder}: ${path} ${why}`, 'rename or remove it');
        check(state.isFile(), `${folder}: ${path} is a pipe, socket or device, not a file`, 'remove it');
        files.push({ path, stamp: `${state.size} ${state.mtimeMs}` });
      } else others.push(path);
    }
  };
  await walk('');
  return { files, others, folders };
}

/** Where images come from and what becomes of them. */
interface Source {
  /** The folder's name in messages. */
  readonly folder: string;
  readonly root: string;
  readonly sides: readonly [h: number, w: number];
  readonly resize: number | undefined;
  readonly skipBroken: boolean;
}

/** Images that are decoded together. */
const TOGETHER = 64;

/** How many images are grey and coloured by their headers; those of unreadable files are neither. */
async function looks({ root }: Source, items: readonly FolderItem[]): Promise<{ grey: number; coloured: number }> {
  const sharp = await decoder();
  const count = { grey: 0, coloured: 0 };
  for (let from = 0; from < items.length; from += TOGETHER) {
    const some = items.slice(from, from + TOGETHER);
    for (const space of await Promise.all(some.map(({ path }) => spaceOf(sharp(join(root, path)))))) {
      if (space) count[space === 'b-w' || space === 'grey16' ? 'grey' : 'coloured']++;
    }
  }
  return count;
}

const spaceOf = (image: { metadata(): Promise<{ space?: string }> }): Promise<string | undefined> =>
  image.metadata().then(
    ({ space }) => space,
    () => undefined,
  );

/**
 * The images [n, channels, h, w] in bytes, some at a time, on white where they are transparent. Those that cannot be read are added to
 * `broken`, or thrown.
 */
async function* decode(
  source: Source,
  items: readonly FolderItem[],
  channels: 1 | 3,
  broken: [path: string, error: string][],
): AsyncGenerator<Uint8Array> {
  const [h, w] = source.sides;
  const plane = h * w;
  for (let from = 0; from < items.length; from += TOGETHER) {
    // errors come in file order once the batch is done, so that the same folder always gives the same message
    const decoded = await Promise.all(items.slice(from, from + TOGETHER).map(item => decodeOne(source, item.path, channels)));
    const bad = decoded.flatMap(({ path, error }) => (error === undefined ? [] : ([[path, error]] as [string, string][])));
    if (bad[0] && !source.skipBroken) throw unreadable(source.folder, bad[0]);
    broken.push(...bad);
    const good = decoded.flatMap(({ pixels }) => pixels ?? []);
    const images = new Uint8Array(good.length * channels * plane);
    for (const [i, pixels] of good.entries()) {
      const at = i * channels * plane;
      for (let p = 0, byte = 0; p < plane; p++) {
        for (let c = 0; c < channels; c++) images[at + c * plane + p] = pixels[byte++]!;
      }
    }
    yield images;
  }
}

interface Decoded {
  readonly path: string;
  readonly pixels?: Buffer;
  readonly error?: string;
}

/** The pixels [h, w, channels] of a file, or why they cannot be had. */
async function decodeOne({ root, sides, resize }: Source, path: string, channels: 1 | 3): Promise<Decoded> {
  const file = join(root, path);
  try {
    const { width, height } = (await (await decoder())(file).metadata()).autoOrient;
    const image = await framed(file, [width, height], sides, resize);
    const pixels = await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
    return { path, pixels };
  } catch (e) {
    return { path, error: whyUnread(e) };
  }
}
