/** Losses in float64: the mean over the batch. Logits are [n, classes]; gradients come from `numericGradient`. */
import { softmax } from './activation.ts';
import type { Numbers } from './linear.ts';

/** One-hot rows of `labels`, each mixed with the uniform distribution by `smoothing` (Szegedy 2016; PyTorch's label_smoothing). */
export function oneHot(labels: Numbers, classes: number, smoothing = 0): Float64Array {
  return Float64Array.from({ length: labels.length * classes }, (_, i) => {
    return (labels[Math.floor(i / classes)] === i % classes ? 1 - smoothing : 0) + smoothing / classes;
  });
}

/** Softmax cross-entropy against target distributions [n, classes]: -mean_i sum_j t log softmax(x). */
export function crossEntropy(logits: Numbers, targets: Numbers, classes: number): number {
  let total = 0;
  for (let at = 0; at < logits.length; at += classes) {
    let most = -Infinity;
    let sum = 0;
    for (let j = 0; j < classes; j++) most = Math.max(most, logits[at + j]!);
    for (let j = 0; j < classes; j++) sum += Math.exp(logits[at + j]! - most);
    for (let j = 0; j < classes; j++) total -= targets[at + j]! * (logits[at + j]! - most - Math.log(sum));
  }
  return total / (logits.length / classes);
}

/**
 * Multiclass hinge of Weston & Watkins 1999: mean_i sum_{j != y} max(0, margin + x_j - x_y).
 * PyTorch's MultiMarginLoss is this divided by the number of classes.
 */
export function hinge(logits: Numbers, labels: Numbers, classes: number, margin = 1): number {
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    for (let j = 0; j < classes; j++) {
      if (j !== labels[i]) total += Math.max(0, margin + logits[i * classes + j]! - logits[i * classes + labels[i]!]!);
    }
  }
  return total / labels.length;
}

/** Binary cross-entropy of sigmoid(x) against t in [0, 1], the mean over all elements (BCEWithLogitsLoss): softplus(x) - t x. */
export const bceWithLogits = (x: Numbers, t: Numbers): number =>
  mean(x, (v, i) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))) - t[i]! * v);

/** Mean squared error over all elements (MSELoss). */
export const mse = (x: Numbers, t: Numbers): number => mean(x, (v, i) => (v - t[i]!) ** 2);

/** Mean absolute error over all elements (L1Loss). */
export const mae = (x: Numbers, t: Numbers): number => mean(x, (v, i) => Math.abs(v - t[i]!));

/** Half the squared error below 1, the absolute one less a half beyond it (HuberLoss with delta 1). */
export const huber = (x: Numbers, t: Numbers): number =>
  mean(x, (v, i) => (Math.abs(v - t[i]!) < 1 ? 0.5 * (v - t[i]!) ** 2 : Math.abs(v - t[i]!) - 0.5));

/**
 * Jensen-Shannon consistency of K predictions of one batch (AugMix, Hendrycks 2020): mean_i 1/K sum_k KL(p_k || M), M the mean of the
 * softmaxes p_k.
 */
export function jensenShannon(logits: readonly Numbers[], classes: number): number {
  const p = logits.map(x => softmax(x, classes));
  const n = p[0]!.length / classes;
  let total = 0;
  for (let i = 0; i < p[0]!.length; i++) {
    const m = p.reduce((a, q) => a + q[i]!, 0) / p.length;
    for (const q of p) if (q[i]! > 0) total += (q[i]! * Math.log(q[i]! / m)) / p.length;
  }
  return total / n;
}

function mean(x: Numbers, term: (v: number, i: number) => number): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += term(x[i]!, i);
  return total / x.length;
}
