/**
 * A folder of PNG and JPEG images by class as a data set: `<folder>/<class>/**`, or `<folder>/train/<class>` and `<folder>/test/<class>`.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { check, DescentError, named, say } from '../../engine/check.ts';
import { checkLabels, first, makeSplit, type Dataset, type Limits, type Split } from '../dataset.ts';
import { datasetFolder, makeFolder } from './cache.ts';
import type { FetchOptions } from './fetch.ts';
import { readPacked, writePacked, type Header } from './packed.ts';

export interface FolderOptions extends Limits, Pick<FetchOptions, 'dataDir' | 'onNote'> {
  /** Height and width in pixels to which images are cropped (around the centre, to a square) and resized; 32 by default. */
  readonly imageSize?: number | undefined;
  /** Chooses which fifth of each class is held back for testing where the folder has no `test/`. */
  readonly seed?: number | undefined;
  /** Bytes of decoded images that are held in memory, 1 GiB by default; more stay in the cache's file and are read when needed. */
  readonly resident?: number | undefined;
}

/** An image file; `stamp` changes when the file does. */
interface Item {
  readonly path: string;
  readonly label: number;
  readonly stamp: string;
}

/**
 * Reads a folder of images. Classes are the subfolders in alphabetical order; samples come in an order shuffled by path and seed. Decoded
 * images are cached as one file, made anew when an image is added, removed or changed. Throws for a single or an empty class, an unreadable
 * image, and grey images among coloured ones.
 */
export async function openFolder(folder: string, options: FolderOptions = {}): Promise<Dataset> {
  const root = resolve(folder);
  const who = basename(root);
  const { imageSize = 32, seed = 0, resident = 2 ** 30 } = options;
  check(
    Number.isInteger(imageSize) && imageSize > 0 && imageSize <= 1024,
    say`${named('imageSize', imageSize)}: a whole number from 1 to 1024 is accepted`,
  );
  const found = await findImages(folder, root, seed);
  const { classes, train, test } = found;
  const order = [...train, ...test];

  const stamps = order.map(item => [item.path, item.label, item.stamp]);
  const key = digest(JSON.stringify([classes, imageSize, train.length, stamps])).slice(0, 16);
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
    if (!stored) {
      return first(makeSplit(who, images.subarray(from * size, to * size), own, header.shape, classes.length), limit);
    }
    checkLabels(who, own, classes.length);
    return first({ images, labels: own, n: to - from, stored: stored(from) }, limit);
  };
  return {
    name: who,
    shape: header.shape,
    classes,
    train: part(0, header.train, options.limitTrain),
    test: part(header.train, header.train + header.test, options.limitTest),
  };
}

interface Found {
  readonly classes: readonly string[];
  readonly train: readonly Item[];
  readonly test: readonly Item[];
}

/** The images below `root` by class and split, each split in its shuffled order. `folder` is the name in messages. */
async function findImages(folder: string, root: string, seed: number): Promise<Found> {
  const tops = await subfolders(root);
  const given = tops.includes('train') && tops.includes('test');
  const classes = given ? await subfolders(join(root, 'train')) : tops;
  const few = classes.length ? `one class only ('${classes[0]}')` : 'no class';
  check(classes.length > 1, `${folder}: ${few}`, 'at least two subfolders of PNG or JPEG images are needed, one a class');
  const tested = given ? await subfolders(join(root, 'test')) : [];
  const unknown = tested.find(name => !classes.includes(name));
  check(unknown === undefined, `${folder}: class '${unknown}' is in test/ but not in train/`, `known: ${classes.join(', ')}`);

  const shuffled = (items: readonly Item[]): Item[] => {
    const places = new Map(items.map(item => [item, digest(`${seed}\n${item.path}`)]));
    return [...items].sort((a, b) => (places.get(a)! < places.get(b)! ? -1 : 1));
  };
  const train: Item[] = [];
  const test: Item[] = [];
  for (const [label, name] of classes.entries()) {
    const own = shuffled(await list(root, given ? join('train', name) : name, label));
    check(own.length, `${folder}: class '${name}' has no PNG or JPEG image`, 'add some or remove its folder');
    const fifth = own.length > 1 ? Math.max(1, Math.round(own.length / 5)) : 0;
    const held = given ? await list(root, join('test', name), label) : own.splice(0, fifth);
    train.push(...own);
    test.push(...held);
  }
  const advice = given ? 'put some into test/' : 'at least two a class are needed, or train/ and test/ folders';
  check(test.length, `${folder}: ${train.length} images leave none for testing`, advice);
  return { classes, train: shuffled(train), test: shuffled(test) };
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const visible = (name: string) => !name.startsWith('.');

async function subfolders(path: string): Promise<string[]> {
  const names = await readdir(path).catch((e: Error) => {
    throw new DescentError(`${path}: cannot be read (${e.message})`, 'a folder of images by class is accepted');
  });
  // links count as what they lead to
  const states = await Promise.all(names.map(name => stat(join(path, name)).catch(() => undefined)));
  return names.filter((name, i) => visible(name) && states[i]?.isDirectory()).sort();
}

/** The images below `root/inside`, at any depth. */
async function list(root: string, inside: string, label: number): Promise<Item[]> {
  const names = await readdir(join(root, inside), { recursive: true }).catch(() => []);
  const images = names.filter(name => /\.(png|jpe?g)$/i.test(name) && visible(basename(name))).sort();
  return Promise.all(
    images.map(async name => {
      const { size, mtimeMs } = await stat(join(root, inside, name));
      return { path: join(inside, name).replaceAll('\\', '/'), label, stamp: `${size} ${mtimeMs}` };
    }),
  );
}

/**
 * The images [n, channels, size, size] in bytes, some at a time; `channels` is 1 or 3, that of every file, and told with the first.
 * Transparent parts become white.
 */
async function* decode(
  folder: string,
  root: string,
  items: readonly Item[],
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
  const { default: sharp } = await import('sharp');
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
