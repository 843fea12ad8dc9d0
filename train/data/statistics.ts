/** What normalisation and augmentation must know of the training images; pixels of bytes are in [0, 1], float32 stays as it is. */
import type { Dataset } from '../../datasets/dataset.ts';

/**
 * `none` is x/255, or float32 as it is; `mean` subtracts the training set's mean per channel; `meanstd` divides by its deviation too;
 * `meanimage` subtracts its mean image; `pca` and `zca` then decorrelate all pixels and divide by their deviations (zca turns the result back
 * to an image).
 */
export type Normalize = (typeof NORMALIZE)[number];
export const NORMALIZE = ['none', 'mean', 'meanstd', 'meanimage', 'pca', 'zca'] as const;

/** What stands for 1 in the values of a data set. */
export const unitOf = ({ dtype }: Pick<Dataset, 'dtype'>): number => (dtype === 'float32' ? 1 : 255);

/** Mean and standard deviation of each channel, and where it is asked for the mean image [c, h, w]. */
export interface Moments {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly image?: readonly number[];
}

/** By name the moments that everyone gives to nets for some data, of pixels in [0, 1]. */
export const KNOWN_MOMENTS = {
  /** torchvision's and timm's. */
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
} as const satisfies Readonly<Record<string, Moments>>;

/** A normalisation, or the name of known moments, which is `meanstd` by these. */
export type NamedNormalize = Normalize | keyof typeof KNOWN_MOMENTS;

/** All that images may be normalised by. */
export const NORMALIZATIONS: readonly string[] = [...NORMALIZE, ...Object.keys(KNOWN_MOMENTS)];

export const isKnown = (name: string | undefined): name is keyof typeof KNOWN_MOMENTS => Object.hasOwn(KNOWN_MOMENTS, name ?? '');

/** Options with the normalisation and its moments in place of a name of these. */
export function withMoments<O extends { readonly normalize?: NamedNormalize | undefined }>(
  o: O,
): Omit<O, 'normalize'> & { readonly normalize: Normalize | undefined } {
  const { normalize, ...others } = o;
  return isKnown(normalize) ? { ...others, normalize: 'meanstd', moments: KNOWN_MOMENTS[normalize] } : { ...others, normalize };
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
