import { check, show } from '../engine/check.ts';

/** Images and their labels. `images` is [n, c, h, w] bytes (NCHW); `labels` [n] indexes the data set's classes. */
export interface Split { readonly images: Uint8Array; readonly labels: Uint16Array; readonly n: number }

/** A data set in memory. `shape` is [c, h, w]; label k means `classes[k]`. */
export interface Dataset {
  readonly name: string;
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
  readonly train: Split;
  readonly test: Split;
}

/** How many samples of each split are wanted: the first ones in the data set's own order. */
export interface Limits { readonly limitTrain?: number | undefined; readonly limitTest?: number | undefined }

/** The first `limit` samples of a split, without copying. */
export function first(split: Split, limit: number = split.n): Split {
  if (limit >= split.n) return split;
  return { images: split.images.subarray(0, split.images.length / split.n * limit), labels: split.labels.subarray(0, limit), n: limit };
}

/** Pairs images with labels, or says what does not fit: the counts, or a label beyond the classes. `who` names the file or folder. */
export function makeSplit(who: string, images: Uint8Array, labels: Uint16Array, shape: readonly number[], classes: number): Split {
  const size = shape.reduce((a, b) => a * b), n = labels.length;
  check(images.length === n * size, `${who}: ${images.length / size} images of ${show(shape)} but ${
    n} labels; the files do not belong together`);
  const wrong = labels.findIndex(label => label >= classes);
  check(wrong < 0, `${who}: label ${labels[wrong]} at image ${wrong}, but there are ${
    classes} classes; the file is corrupt or of another data set`);
  return { images, labels, n };
}
