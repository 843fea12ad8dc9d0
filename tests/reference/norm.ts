/** Normalisations in float64, two passes each (mean, then the squared distances from it). */
import type { Numbers } from './linear.ts';

/** x [n, c, h, w]. */
export interface Images {
  n: number;
  c: number;
  h: number;
  w: number;
}
export interface Affine {
  weight?: Numbers | undefined;
  bias?: Numbers | undefined;
  eps?: number;
}
export interface Running {
  mean: Numbers;
  var: Numbers;
  momentum?: number;
}

/** Mean and biased variance of the elements that `member` picks out for each of `count` sets. */
function moments(x: Numbers, count: number, setOf: (i: number) => number): { mean: Float64Array; variance: Float64Array; size: number } {
  const mean = new Float64Array(count);
  const variance = new Float64Array(count);
  const size = x.length / count;
  for (let i = 0; i < x.length; i++) mean[setOf(i)]! += x[i]! / size;
  for (let i = 0; i < x.length; i++) variance[setOf(i)]! += (x[i]! - mean[setOf(i)]!) ** 2 / size;
  return { mean, variance, size };
}

type IndexOf = (i: number) => number;

function apply(x: Numbers, mean: Numbers, variance: Numbers, setOf: IndexOf, affineOf: IndexOf, affine: Affine): Float64Array {
  const { weight, bias, eps = 1e-5 } = affine;
  return Float64Array.from(x, (v, i) => {
    const s = setOf(i);
    const a = affineOf(i);
    return ((v - mean[s]!) / Math.sqrt(variance[s]! + eps)) * (weight?.[a] ?? 1) + (bias?.[a] ?? 0);
  });
}

/**
 * Ioffe & Szegedy 2015, as PyTorch. Training: normalises by the batch's biased variance and moves the running statistics by `momentum`
 * (0.1) towards the batch's mean and unbiased variance. Otherwise: normalises by the running ones.
 */
export function batchNorm(
  x: Numbers,
  { c, h, w }: Images,
  affine: Affine,
  running: Running,
  training: boolean,
): { y: Float64Array; mean: Float64Array; var: Float64Array } {
  const channel = (i: number) => Math.floor(i / (h * w)) % c;
  const { momentum = 0.1 } = running;
  const old = { mean: new Float64Array(running.mean), var: new Float64Array(running.var) };
  if (!training) return { y: apply(x, old.mean, old.var, channel, channel, affine), ...old };
  const { mean, variance, size } = moments(x, c, channel);
  return {
    y: apply(x, mean, variance, channel, channel, affine),
    mean: old.mean.map((v, i) => (1 - momentum) * v + momentum * mean[i]!),
    var: old.var.map((v, i) => (1 - momentum) * v + (momentum * variance[i]! * size) / (size - 1)),
  };
}

/** Ba et al. 2016: each row of `size` elements by itself; weight and bias [size]. */
export function layerNorm(x: Numbers, { size }: { size: number }, affine: Affine): Float64Array {
  const row = (i: number) => Math.floor(i / size);
  const { mean, variance } = moments(x, x.length / size, row);
  return apply(x, mean, variance, row, i => i % size, affine);
}

/** Wu & He 2018: each image's channels in `groups` runs; weight and bias [c]. */
export function groupNorm(x: Numbers, { n, c, h, w, groups }: Images & { groups: number }, affine: Affine): Float64Array {
  const group = (i: number) => Math.floor(i / ((c / groups) * h * w));
  const { mean, variance } = moments(x, n * groups, group);
  return apply(x, mean, variance, group, i => Math.floor(i / (h * w)) % c, affine);
}

/** Ulyanov et al. 2016: each channel of each image by itself. */
export const instanceNorm = (x: Numbers, s: Images, affine: Affine): Float64Array => groupNorm(x, { ...s, groups: s.c }, affine);

/**
 * Local response normalisation (Krizhevsky 2012) over `size` neighbouring channels, as PyTorch: x / (k + alpha/size * sum x^2)^beta,
 * the sum over channels i - floor(size/2) to i + floor((size-1)/2). The paper has alpha in place of alpha/size.
 */
export function lrn(x: Numbers, s: Images & { size: number; alpha?: number; beta?: number; k?: number }): Float64Array {
  const { c, h, w, size, alpha = 1e-4, beta = 0.75, k = 1 } = s;
  const plane = h * w;
  return Float64Array.from(x, (v, i) => {
    const channel = Math.floor(i / plane) % c;
    const first = Math.max(0, channel - Math.floor(size / 2));
    const last = Math.min(c - 1, channel + Math.floor((size - 1) / 2));
    let sum = 0;
    for (let j = first; j <= last; j++) sum += x[i + (j - channel) * plane]! ** 2;
    return v / (k + (alpha / size) * sum) ** beta;
  });
}

/** Weight standardisation (Qiao et al. 2019, equation 7): each filter to mean 0 and variance 1, sigma = sqrt(biased variance + eps). */
export function standardise(weight: Numbers, { o, eps = 1e-5 }: { o: number; eps?: number }): Float64Array {
  return layerNorm(weight, { size: weight.length / o }, { eps });
}
