/** What a data set is: images and labels, or numbers to predict, in two splits, in memory or on disk. */
import { check, kindOf, named, say, show } from '../engine/check.ts';

/** The values of images: bytes that mean 0 to 1, or float32 as they are. */
export type Values = Uint8Array | Float32Array;

/** The label of a training image that has none: it takes part in batches, and its loss counts for nothing. */
export const UNLABELLED = 0xffff;

/** Images that are too many for memory and stay on disk. */
export interface Stored {
  /** The images of these numbers, one after the other: [indices.length, c, h, w]. */
  read(indices: Uint32Array): Promise<Values>;
}

/**
 * Images and their labels. `images` is [n, c, h, w] (NCHW), empty where they are `stored`; `labels` [n] indexes the data set's
 * classes, or is UNLABELLED. Of a regression they are empty, and `targets` [n, outputs] are the numbers to predict.
 */
export interface Split {
  readonly images: Values;
  readonly labels: Uint16Array;
  readonly targets?: Float32Array;
  readonly n: number;
  readonly stored?: Stored;
  /** By image the file that it came from, where each has one: its path below the data set's folder. */
  readonly names?: readonly string[];
}

/**
 * A data set. `shape` is [c, h, w], of tables and the like [features, 1, 1]; label k means `classes[k]`. The values of both splits are bytes
 * where `dtype` does not say otherwise. One with `outputs` is a regression: these are the names of the numbers to predict, and there are no
 * classes.
 */
export interface Dataset {
  readonly name: string;
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
  readonly outputs?: readonly string[];
  /** The names of a table's features, where it has some. */
  readonly inputs?: readonly string[];
  readonly dtype?: 'uint8' | 'float32';
  /** What of a folder's images or a table's columns is not as it lies there, a line each. */
  readonly notes?: readonly string[];
  /** Of a folder or a table: another one where its content is. */
  readonly digest?: string;
  readonly train: Split;
  /** So many of the training images, the first, are for validation, and not trained on: none of the others is held out then. */
  readonly validation?: number;
  readonly test: Split;
}

/** What is predicted: as many numbers as a model has outputs. */
export const outputsOf = ({ classes, outputs }: Pick<Dataset, 'classes' | 'outputs'>): readonly string[] => outputs ?? classes;

/** How many samples of each split are wanted: the first ones in the data set's own order. */
export interface Limits {
  readonly limitTrain?: number | undefined;
  readonly limitTest?: number | undefined;
}

/** Throws where a number of images to take is none. */
export function checkLimits({ limitTrain, limitTest }: Limits): void {
  for (const [key, value] of Object.entries({ limitTrain, limitTest })) {
    const fits = value === undefined || (Number.isInteger(value) && value > 0);
    check(fits, say`${named(key, value)}: a whole number above 0 is accepted`);
  }
}

/** The first `limit` samples of a split, without copying. */
export function first(split: Split, limit: number = split.n): Split {
  if (limit >= split.n) return split;
  const images = split.images.subarray(0, (split.images.length / split.n) * limit);
  const targets = split.targets?.subarray(0, (split.targets.length / split.n) * limit);
  return { ...split, images, labels: split.labels.subarray(0, limit), ...(targets && { targets }), n: limit };
}

/** The targets of the samples `indices`, where a split has some. */
export function targetsAt({ targets, n }: Split, indices: ArrayLike<number>): Float32Array | undefined {
  if (!targets) return undefined;
  const outputs = targets.length / n;
  return Float32Array.from(
    { length: indices.length * outputs },
    (_, i) => targets[indices[Math.floor(i / outputs)]! * outputs + (i % outputs)]!,
  );
}

/** Values as they lie in memory. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Values): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** Values of a type from their bytes, which begin at a multiple of four. */
export const valuesOf = (bytes: Uint8Array, dtype: Dataset['dtype']): Values =>
  dtype === 'float32' ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) : bytes;

/** The bytes of the images of the numbers `indices`, wherever they are; `size` is those of one. Neighbours in memory are not copied. */
export function imagesOf({ images: values, stored }: Split, size: number, indices: Uint32Array): Uint8Array | Promise<Uint8Array> {
  if (stored) return stored.read(indices).then(bytesOf);
  const images = bytesOf(values);
  const from = indices[0] ?? 0;
  if (indices.every((index, i) => index === from + i)) {
    return images.subarray(from * size, (from + indices.length) * size);
  }
  const out = new Uint8Array(indices.length * size);
  for (const [i, index] of indices.entries()) out.set(images.subarray(index * size, (index + 1) * size), i * size);
  return out;
}

/** The numbers `from` to `to` - 1. */
export const numbers = (from: number, to: number): Uint32Array => Uint32Array.from({ length: to - from }, (_, i) => from + i);

/** Pairs images with labels, or says what does not fit: the counts, or a label beyond the classes. `who` names the file or folder. */
export function makeSplit(who: string, images: Values, labels: Uint16Array, shape: readonly number[], classes: number): Split {
  const size = shape.reduce((a, b) => a * b);
  const n = labels.length;
  check(
    images.length === n * size,
    `${who}: ${images.length / size} images of ${show(shape)} but ${n} labels`,
    'the files do not belong together',
  );
  checkLabels(who, labels, classes);
  return { images, labels, n };
}

/** Throws unless a data set is what it should be, as one of a program without types may not be. */
export function checkDataset(dataset: Dataset): void {
  const advice = 'datasetOf({ images, labels }) makes one';
  check(typeof dataset === 'object' && dataset !== null, `data: it is ${kindOf(dataset)}`, advice);
  const { shape, classes, outputs, dtype = 'uint8' } = dataset;
  check(Array.isArray(shape) && shape.length === 3 && shape.every(Number.isInteger), `data: its shape is ${kindOf(shape)}`, advice);
  check(Array.isArray(classes), `data: its classes are ${kindOf(classes)}`, advice);
  check(
    outputs === undefined || (Array.isArray(outputs) && outputs.length && !classes.length),
    `data: its outputs are ${kindOf(outputs)} beside ${classes.length} classes`,
    'give the names of the numbers to predict, and no classes',
  );
  const size = shape[0] * shape[1] * shape[2];
  for (const part of ['train', 'test'] as const) {
    const { images, labels, targets, n, stored }: Partial<Split> = Object(dataset[part]);
    check(Number.isInteger(n), `data: ${part} is ${kindOf(dataset[part])}, without a number n of images`, advice);
    check(images instanceof (dtype === 'float32' ? Float32Array : Uint8Array), `data: the ${part} images are ${kindOf(images)}`, advice);
    check(
      stored || images.length === n! * size,
      `data: ${images.length} values of ${n} ${part} images of ${show(shape)}`,
      `these take ${n! * size}`,
    );
    if (outputs) {
      const isWhole = targets instanceof Float32Array && targets.length === n! * outputs.length;
      check(
        isWhole,
        `data: ${targets?.length ?? 'no'} targets of ${n} ${part} samples`,
        `give ${outputs.length} for each in a Float32Array`,
      );
      const bad = targets!.findIndex(v => !Number.isFinite(v));
      check(bad < 0, `data: target ${bad} of ${part} is ${targets![bad]}`, 'give finite numbers');
      continue;
    }
    check(labels && labels.length === n, `data: ${labels?.length ?? 'no'} labels of ${n} ${part} images`, 'give one for each');
    const wrong = labels.findIndex(label => !(Number.isInteger(label) && label >= 0 && label < classes.length) && label !== UNLABELLED);
    check(
      wrong < 0,
      `data: the label of ${part} image ${wrong} is ${kindOf(labels[wrong])}`,
      `give class numbers of 0 to ${classes.length - 1}`,
    );
  }
}

/** Throws at a label beyond the classes. */
export function checkLabels(who: string, labels: Uint16Array, classes: number): void {
  const wrong = labels.findIndex(label => label >= classes && label !== UNLABELLED);
  check(
    wrong < 0,
    `${who}: label ${labels[wrong]} at image ${wrong}, but there are ${classes} classes`,
    'the file is corrupt or of another data set',
  );
}
