/** The axes along which colours and pixels of the training images vary, for PCA colour and whitening: few runs load them. */
import type { Dataset } from '../../datasets/dataset.ts';
import { eigenSymmetric, symmetric } from './eigen.ts';
import { unitOf } from './statistics.ts';

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

/** Directions as rows [r, d], the one of the largest variance first, and the variances. */
interface Axes {
  readonly values: Float64Array;
  readonly axes: Float64Array;
}

/** The axes of the images' variances; there are at most as many as images. */
function principalAxes(dataset: Dataset, indices: Uint32Array, mean: ArrayLike<number>): Axes {
  const { shape, train } = dataset;
  const [c, h, w] = shape;
  const unit = unitOf(dataset);
  const d = c * h * w;
  const used = indices.subarray(0, d > WHITEN_SIZE ? WHITEN_SIZE : 10000);
  const centred = (i: number, out: Float64Array) => {
    for (let k = 0; k < d; k++) out[k] = (train.images[i * d + k]! / unit - mean[k]!) / Math.sqrt(used.length);
    return out;
  };
  return used.length >= d ? axesOfMany(used, centred, d) : axesOfFew(used, centred, d);
}

/** An image less the mean, over the root of their number. */
type Centred = (i: number, out: Float64Array) => Float64Array;

/** By the covariance [d, d]. */
function axesOfMany(used: Uint32Array, centred: Centred, d: number): Axes {
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

/** By the products of images X X^T, which have the variances of X^T X; X^T turns their axes into those. */
function axesOfFew(used: Uint32Array, centred: Centred, d: number): Axes {
  const m = used.length;
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
