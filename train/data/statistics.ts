/** What normalisation and augmentation must know of the training images; pixels of bytes are in [0, 1], float32 stays as it is. */
import type { Dataset } from '../../datasets/dataset.ts';
import { eigenSymmetric, symmetric } from './eigen.ts';

/**
 * `none` is x/255, or float32 as it is; `mean` subtracts the training set's mean per channel; `meanstd` divides by its deviation too;
 * `meanimage` subtracts its mean image; `pca` and `zca` then decorrelate all pixels and divide by their deviations (zca turns the result back
 * to an image).
 */
export type Normalize = (typeof NORMALIZE)[number];
export const NORMALIZE = ['none', 'mean', 'meanstd', 'meanimage', 'pca', 'zca'] as const;

/** What stands for 1 in the values of a data set. */
const unitOf = ({ dtype }: Pick<Dataset, 'dtype'>): number => (dtype === 'float32' ? 1 : 255);

/** Mean and standard deviation of each channel, and where it is asked for the mean image [c, h, w]. */
export interface Moments {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly image?: readonly number[];
}

/** Mean and deviation of each channel from the exact sums of its `n` bytes and of their squares. */
export function momentsOf(sums: Float64Array, squares: Float64Array, n: number): Moments {
  const std = (k: number) => {
    const spread = BigInt(n) * BigInt(squares[k]!) - BigInt(sums[k]!) ** 2n; // whole numbers: it is the difference of two large ones
    return Math.sqrt(Number(spread)) / n / 255 || 1;
  };
  return { mean: Array.from(sums, sum => sum / n / 255), std: Array.from(sums, (_, k) => std(k)) };
}

/** Mean and deviation of each channel over the images `indices`. Many images of a device are measured there (see measure.ts). */
export function channelMoments(dataset: Dataset, indices: Uint32Array): Moments {
  if (dataset.dtype === 'float32') return floatMoments(dataset, indices);
  const { shape, train } = dataset;
  const [c, h, w] = shape;
  const plane = h * w;
  const sums = new Float64Array(c);
  const squares = new Float64Array(c);
  for (const i of indices) {
    for (let k = 0; k < c; k++) {
      let sum = 0;
      let square = 0;
      for (let at = (i * c + k) * plane, end = at + plane; at < end; at++) {
        const byte = train.images[at]!;
        sum += byte;
        square += byte * byte;
      }
      sums[k]! += sum;
      squares[k]! += square;
    }
  }
  return momentsOf(sums, squares, indices.length * plane);
}

/** As channelMoments, of float32: the mean, then the deviations from it, since a difference of large sums would be rounded. */
function floatMoments({ shape: [c, h, w], train }: Dataset, indices: Uint32Array): Moments {
  const plane = h * w;
  const n = indices.length * plane;
  const means = (value: (v: number, k: number) => number): Float64Array => {
    const sums = new Float64Array(c);
    for (const i of indices) {
      for (let k = 0; k < c; k++) {
        for (let at = (i * c + k) * plane, end = at + plane; at < end; at++) sums[k]! += value(train.images[at]!, k);
      }
    }
    return sums.map(sum => sum / n);
  };
  const mean = means(v => v);
  return {
    mean: [...mean],
    std: Array.from(
      means((v, k) => (v - mean[k]!) ** 2),
      variance => Math.sqrt(variance) || 1,
    ),
  };
}

/**
 * Scale and shift [2, c, h, w] with which x = value * scale + shift is an image normalised as `how` says; without moments x / 255, or float32
 * as it is.
 */
export function scaleAndShift(dataset: Pick<Dataset, 'shape' | 'dtype'>, how: Normalize, moments?: Moments): Float32Array {
  const [c, h, w] = dataset.shape;
  const unit = unitOf(dataset);
  const plane = h * w;
  const out = new Float32Array(2 * c * plane);
  for (let k = 0; k < c; k++) {
    const scale = moments && how === 'meanstd' ? 1 / moments.std[k]! : 1;
    out.fill(scale / unit, k * plane, (k + 1) * plane);
    out.fill(-(moments?.mean[k] ?? 0) * scale, (c + k) * plane, (c + k + 1) * plane);
  }
  if (moments?.image && how !== 'mean' && how !== 'meanstd')
    out.set(
      moments.image.map(v => -v),
      c * plane,
    );
  return out;
}

/** The mean of the images `indices`, [c, h, w]. */
export function meanImage(dataset: Dataset, indices: Uint32Array): number[] {
  const { shape, train } = dataset;
  const [c, h, w] = shape;
  const unit = unitOf(dataset);
  const size = c * h * w;
  const sums = new Float64Array(size);
  for (const i of indices) for (let at = 0, from = i * size; at < size; at++) sums[at]! += train.images[from + at]!;
  return Array.from(sums, s => Math.fround(s / (unit * indices.length)));
}

/** The axes of the colours, each times its variance, as columns [c][c]: what PCA colour adds to all pixels (AlexNet, section 4.1). */
export function colourAxes({ shape: [c, h, w], train }: Dataset, indices: Uint32Array): number[][] {
  const plane = h * w;
  const sum = new Float64Array(c);
  const products = new Float64Array(c * c);
  const count = indices.length * plane;
  for (const image of indices) {
    for (let p = 0; p < plane; p++) {
      for (let i = 0; i < c; i++) {
        const v = train.images[(image * c + i) * plane + p]!;
        sum[i]! += v;
        for (let j = 0; j <= i; j++) products[i * c + j]! += v * train.images[(image * c + j) * plane + p]!;
      }
    }
  }
  const covariance = products.map((_, at) => {
    const i = Math.max(Math.floor(at / c), at % c);
    const j = Math.min(Math.floor(at / c), at % c);
    return (products[i * c + j]! / count - (sum[i]! * sum[j]!) / count ** 2) / 255 ** 2;
  });
  const { values, vectors } = eigenSymmetric(covariance, c);
  return Array.from({ length: c }, (_, i) => Array.from({ length: c }, (_, k) => vectors[k * c + i]! * values[k]!));
}

/** Added to the variances before their root is divided by, so that directions without variance are not blown up. */
const WHITEN_EPS = 1e-2;
/** Values of an image up to which the covariance of 10,000 images is taken apart; for larger ones that of so many images, in like time. */
const WHITEN_SIZE = 1024;

/** The axes (rows [r, d]) of the images' variances, r being at most the number of images, and the variances. */
function principalAxes(dataset: Dataset, indices: Uint32Array, mean: ArrayLike<number>): { values: Float64Array; axes: Float64Array } {
  const { shape, train } = dataset;
  const [c, h, w] = shape;
  const unit = unitOf(dataset);
  const d = c * h * w;
  const used = indices.subarray(0, d > WHITEN_SIZE ? WHITEN_SIZE : 10000);
  const m = used.length;
  const centred = (i: number, out: Float64Array) => {
    for (let k = 0; k < d; k++) out[k] = (train.images[i * d + k]! / unit - mean[k]!) / Math.sqrt(m);
    return out;
  };
  if (m >= d) {
    const covariance = new Float64Array(d * d);
    const x = new Float64Array(d);
    for (const i of used) {
      centred(i, x);
      for (let r = 0; r < d; r++) {
        const f = x[r]!;
        for (let k = 0, at = r * d; k <= r; k++) covariance[at + k]! += f * x[k]!;
      }
    }
    const { values, vectors } = eigenSymmetric(symmetric(d, covariance), d);
    return { values, axes: vectors };
  }
  // X X^T has the variances of X^T X, and X^T turns its axes into those
  const rows = Array.from(used, i => centred(i, new Float64Array(d)));
  const gram = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      const a = rows[i]!;
      const b = rows[j]!;
      for (let k = 0; k < d; k++) sum += a[k]! * b[k]!;
      gram[i * m + j] = sum;
    }
  }
  const { values, vectors } = eigenSymmetric(symmetric(m, gram), m);
  const kept = values.filter(v => v > 1e-9 * values[0]!);
  const axes = new Float64Array(kept.length * d);
  for (let r = 0; r < kept.length; r++) {
    for (let i = 0; i < m; i++) {
      const f = vectors[r * m + i]! / Math.sqrt(kept[r]!);
      const row = rows[i]!;
      for (let k = 0, at = r * d; k < d; k++) axes[at + k]! += f * row[k]!;
    }
  }
  return { values: kept, axes };
}

/**
 * W [d, d] with which (x - mean image) W is white: U (L + eps)^-1/2, the components largest first (`pca`), or the same turned back to the
 * pixels, U (L + eps)^-1/2 U^T (`zca`). U L U^T is the covariance of the first 10,000 images, eps is 1e-2. Of images of more than 1,024
 * values it is that of the first 1,024, which has no other axes: `pca` then has zeros there, `zca` a variance of eps.
 */
export function whitening(dataset: Dataset, indices: Uint32Array, mean: ArrayLike<number>, how: 'pca' | 'zca'): Float32Array {
  const [c, h, w] = dataset.shape;
  const d = c * h * w;
  const { values, axes } = principalAxes(dataset, indices, mean);
  const rank = values.length;
  const out = new Float32Array(d * d);
  const scales = values.map(v => 1 / Math.sqrt(Math.max(v, 0) + WHITEN_EPS));
  const rest = 1 / Math.sqrt(WHITEN_EPS);
  const sum = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    if (how === 'pca') {
      for (let k = 0; k < rank; k++) out[i * d + k] = axes[k * d + i]! * scales[k]!;
      continue;
    }
    sum.fill(0);
    sum[i] = rest;
    for (let k = 0; k < rank; k++) {
      const f = axes[k * d + i]! * (scales[k]! - rest);
      for (let j = 0, at = k * d; j < d; j++) sum[j]! += f * axes[at + j]!;
    }
    out.set(sum, i * d);
  }
  return out;
}
