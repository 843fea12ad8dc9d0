/** What surrounds an update, in float64: clipping, noise, penalties and constraints of gradients and weights; averages of weights. */
import type { Numbers } from './linear.ts';

/** sqrt(sum g^2) over all gradients together. */
export const globalNorm = (g: Numbers): number => Math.sqrt(Array.from(g).reduce((a, v) => a + v * v, 0));

/** Pascanu 2013 as PyTorch's clip_grad_norm_: g * min(1, max / (norm + 1e-6)). */
export const clipNorm = (g: Numbers, max: number): Float64Array =>
  new Float64Array(g).map(v => v * Math.min(1, max / (globalNorm(g) + 1e-6)));

export const clipValue = (g: Numbers, max: number): Float64Array => new Float64Array(g).map(v => Math.min(Math.max(v, -max), max));

/** Neelakantan 2015: the standard deviation of the noise at step t (from 0): sqrt(eta / (1 + t)^gamma). */
export const noiseDeviation = (eta: number, t: number, gamma = 0.55): number => Math.sqrt(eta / (1 + t) ** gamma);

/** The gradient with that of l2/2 |w|^2 + l1 |w|_1 added (PyTorch's weight_decay is l2); both at once are the elastic net. */
export const penalise = (g: Numbers, w: Numbers, { l1 = 0, l2 = 0 }): Float64Array =>
  new Float64Array(g).map((v, i) => v + l2 * w[i]! + l1 * Math.sign(w[i]!));

/** Max-norm (Srivastava 2014): the incoming weights of each of `units` outputs, scaled back to length `max` where they are longer. */
export function maxNorm(w: Numbers, units: number, max: number): Float64Array {
  const fan = w.length / units;
  const all = new Float64Array(w);
  const norms = Array.from({ length: units }, (_, u) => globalNorm(all.subarray(u * fan, (u + 1) * fan)));
  return all.map((v, i) => v * Math.min(1, max / norms[Math.floor(i / fan)]!));
}

/** The running mean after the k-th sample (k from 1): SWA (Izmailov 2018), Polyak averaging. */
export const runningMean = (mean: Numbers, w: Numbers, k: number): Float64Array =>
  new Float64Array(mean).map((v, i) => v + (w[i]! - v) / k);

/** Exponential moving average: decay * mean + (1 - decay) * w. */
export const ema = (mean: Numbers, w: Numbers, decay: number): Float64Array =>
  new Float64Array(mean).map((v, i) => decay * v + (1 - decay) * w[i]!);

/** Lookahead (Zhang 2019): every k steps slow += alpha (fast - slow), and fast starts again from slow. */
export const lookahead = (slow: Numbers, fast: Numbers, alpha = 0.5): Float64Array =>
  new Float64Array(slow).map((v, i) => v + alpha * (fast[i]! - v));

/**
 * SWAG (Maddox 2019) of the `samples` of the weights: their mean, the diagonal variance max(E[w^2] - E[w]^2, 0), and the last `rank`
 * columns w_k - mean_k of the low-rank part, mean_k the running mean at that time. A draw is
 * mean + sqrt(var / 2) z1 + D z2 / sqrt(2 (rank - 1)).
 */
export function swag(samples: readonly Numbers[], rank: number) {
  let mean = new Float64Array(samples[0]!.length);
  let square = new Float64Array(mean.length);
  const deviations: Float64Array[] = [];
  for (const [k, w] of samples.entries()) {
    mean = Float64Array.from(runningMean(mean, w, k + 1));
    square = Float64Array.from(
      runningMean(
        square,
        Array.from(w, v => v * v),
        k + 1,
      ),
    );
    deviations.push(mean.map((m, i) => w[i]! - m));
  }
  return { mean, variance: square.map((q, i) => Math.max(q - mean[i]! ** 2, 0)), deviations: deviations.slice(-rank) };
}
