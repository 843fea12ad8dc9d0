/**
 * A folder of images by class as a data set: `<folder>/<class>/**`, or `<folder>/train/<class>` and `<folder>/test/<class>`.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { check, DescentError, named, say } from '../../engine/check.ts';
import { optional } from '../../engine/node/optional.ts';
import { checkLabels, first, makeSplit, type Dataset, type Limits, type Split } from '../dataset.ts';
import { isImage, isVisible, splitFolder, type FolderItem } from '../folder.ts';
import { datasetFolder, makeFolder } from './cache.ts';
import type { FetchOptions } from './fetch.ts';
import { readPacked, writePacked, type Header } from './packed.ts';
import { sha256 } from './sha256.ts';

export interface FolderOptions extends Limits, Pick<FetchOptions, 'dataDir' | 'onNote'> {
  /** Height and width in pixels to which images are cropped (around the centre, to a square) and resized; 32 by default. */
  readonly imageSize?: number | undefined;
  /** Bytes of decoded images that are held in memory, 1 GiB by default; more stay in the cache's file and are read when needed. */
  readonly resident?: number | undefined;
}

/**
 * Reads a folder of images. Classes are the subfolders in alphabetical order; samples come in an order shuffled by path (see splitFolder).
 * Decoded images are cached as one file, made anew when an image is added, removed or changed. Throws for a single or an empty class, an
 * unreadable image, and grey images among coloured ones.
 */
export async function openFolder(folder: string, options: FolderOptions = {}): Promise<Dataset> {
  const root = resolve(folder);
  const who = basename(root);
  const { imageSize = 32, resident = 2 ** 30 } = options;
  check(
    Number.isInteger(imageSize) && imageSize > 0 && imageSize <= 1024,
    say`${named('imageSize', imageSize)}: a whole number from 1 to 1024 is accepted`,
  );
  const { files, folders } = await imageFiles(folder, root);
  const { classes, train, test } = await splitFolder(folder, files, sha256, folders);
  const order = [...train, ...test];

  const stamps = order.map(item => [item.path, item.label, item.stamp]);
  const key = sha256(JSON.stringify([classes, imageSize, train.length, stamps])).slice(0, 16);
  const cached = join(await makeFolder(datasetFolder('folders', options.dataDir)), `${who}-${key}.bin`);
  let packed = await readPacked(cached, resident).catch(() => undefined);
  if (!packed) {
    let channels = 0;
    const images = decode(folder, root, order, imageSize, seen => void (channels = seen));
    const counts = { train: train.length, test: test.length };
    const header = (): Header => ({ format: 1, classes, shape: [channels, imageSize, imageSize], ...counts });
    await writePacked(
      cached,
      header,
      Uint16Array.from(order, item => item.label),
      images,
    );
    packed = await readPacked(cached, resident);
    const what = `${train.length} + ${test.length} images of ${classes.length} classes`;
    options.onNote?.(`${who}: decoded ${what} to ${header().shape.join('x')}`);
  }
  const { header, labels, images, stored } = packed;
  const size = header.shape.reduce((a, b) => a * b);
  const part = (from: number, to: number, limit: number | undefined): Split => {
    const own = labels.subarray(from, to);
    const names = order.slice(from, to).map(item => item.path);
    if (!stored) {
      return first({ ...makeSplit(who, images.subarray(from * size, to * size), own, header.shape, classes.length), names }, limit);
    }
    checkLabels(who, own, classes.length);
    return first({ images, labels: own, n: to - from, stored: stored(from), names }, limit);
  };
  return {
    name: who,
    shape: header.shape,
    classes,
    train: part(0, header.train, options.limitTrain),
    test: part(header.train, header.train + header.test, options.limitTest),
  };
}

interface File {
  readonly path: string;
  /** Changes when the file does. */
  readonly stamp: string;
}

/**
 * All image files below `root`, and its folders; `folder` is its name in messages. Links count as what they lead to, but a folder that was
 * read already is not entered again: its images would be of two classes, and a link to a folder above would never end.
 */
async function imageFiles(folder: string, root: string): Promise<{ files: File[]; folders: string[] }> {
  const files: File[] = [];
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
      } else if (isImage(path) && inside) {
        const unreadable = name.includes('\ufffd') ? 'has a name that is not UTF-8' : 'is a link that leads nowhere';
        check(state, `${folder}: ${path} ${unreadable}`, 'rename or remove it');
        check(state.isFile(), `${folder}: ${path} is a pipe, socket or device, not a file`, 'remove it');
        files.push({ path, stamp: `${state.size} ${state.mtimeMs}` });
      }
    }
  };
  await walk('');
  return { files, folders };
}

/**
 * The images [n, channels, size, size] in bytes, some at a time; `channels` is 1 or 3, that of every file, and told with the first.
 * Transparent parts become white.
 */
async function* decode(
  folder: string,
  root: string,
  items: readonly FolderItem[],
  size: number,
  tell: (channels: number) => void,
): AsyncGenerator<Uint8Array> {
  const plane = size * size;
  const batch = 64;
  let channels = 0;
  for (let from = 0; from < items.length; from += batch) {
    // errors are thrown in file order once the batch is done, so that the same folder always gives the same message
    const decoded = await Promise.all(items.slice(from, from + batch).map(item => decodeOne(root, item.path, size)));
    let images = new Uint8Array();
    for (const [i, image] of decoded.entries()) {
      if (!image.pixels) {
        throw new DescentError(`${folder}: cannot read the image ${image.path} (${image.error})`, 'replace or remove it');
      }
      if (!channels) {
        channels = image.channels;
        tell(channels);
      }
      if (!i) images = new Uint8Array(decoded.length * channels * plane);
      const kind = (c: number) => (c === 1 ? 'grey' : 'coloured');
      check(
        image.channels === channels,
        `${folder}: images of mixed channels: ${image.path} is ${kind(image.channels)}, ${items[0]!.path} is ${kind(channels)}`,
        'convert one or the other',
      );
      const at = i * channels * plane;
      for (let p = 0, byte = 0; p < plane; p++) {
        for (let c = 0; c < channels; c++) images[at + c * plane + p] = image.pixels[byte++]!;
      }
    }
    yield images;
  }
}

type Decoded =
  | { readonly path: string; readonly pixels: Buffer; readonly channels: 1 | 3 }
  | { readonly path: string; readonly pixels?: undefined; readonly error: string };

/** The pixels [size, size, channels] of a file, or why they cannot be had. */
async function decodeOne(root: string, path: string, size: number): Promise<Decoded> {
  const { default: sharp } = await optional('sharp', 'reading pictures', () => import('sharp'));
  try {
    const image = sharp(join(root, path));
    const { space } = await image.metadata();
    const grey = space === 'b-w' || space === 'grey16';
    const fitted = image.autoOrient().resize(size, size, { fit: 'cover' }).flatten({ background: '#fff' });
    const pixels = await fitted
      .toColourspace(grey ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
    return { path, pixels, channels: grey ? 1 : 3 };
  } catch (e) {
    return { path, error: (e as Error).message.split('\n')[0]! };
  }
}
