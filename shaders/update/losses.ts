/** WGSL of losses that fewer runs take than cross-entropy (see rowLoss): they are loaded by layers/loss.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { inRuns } from '../kernel/in-runs.ts';
import { CLASSES, weighed, type Loss } from './loss.ts';

/** Negative log likelihood, of log-probabilities: dlogits = -target / rows. */
export const logLikelihood = (p: Loss): string => wgsl`
  for (var c = 0u; c < ${CLASSES}; c++) {
    let t = ${weighed(p, 'c')};
    loss -= select(0.0, t * logits[at + c], t != 0.0);
    #if ${p.train}
    dlogits[at + c] = -t * ${1 / p.rows};
    #endif
  }`;

/** Weston & Watkins: the sum over classes k of target k times the sum over j != k of max(0, margin + x_j - x_k). */
export const hinge = (p: Loss): string => wgsl`
  #if ${p.train}
  for (var c = 0u; c < ${CLASSES}; c++) { dlogits[at + c] = 0.0; }
  #endif
  #if ${p.soft || p.smoothing > 0}
  for (var k = 0u; k < ${CLASSES}; k++) {
  #else
  { let k = truth;
  #endif
    let t = ${weighed(p, 'k')}; let own = logits[at + k];
    var over = 0.0;
    for (var c = 0u; c < ${CLASSES}; c++) {
      let margin = 1.0 + logits[at + c] - own;
      if (!(margin <= 0.0) & (c != k)) { // NaN comes in, and shows in the loss alone
        let slope = select(0.0, 1.0, margin > 0.0);
        loss += t * margin;
        over += slope;
        #if ${p.train}
        dlogits[at + c] += t * slope * ${1 / p.rows};
        #endif
      }
    }
    #if ${p.train}
    dlogits[at + k] -= t * over * ${1 / p.rows};
    #endif
  }`;

/** The mean over classes of f(x, t); `df` is its derivative. */
const elementwise =
  (f: string, df: string) =>
  (p: Loss): string =>
    inRuns(
      'c',
      p.classes,
      ['loss'],
      wgsl`
    let t = goal(c); let v = logits[at + c];
    loss += ${weighed(p, 'c', `(${f})`)} * ${1 / p.classes};
    #if ${p.train}
    dlogits[at + c] = ${weighed(p, 'c', `(${df})`)} * ${1 / p.classes / p.rows};
    #endif`,
      { end: CLASSES },
    );

/** What a label's share counts for on the far side of v, where the loss grows linearly. */
const OTHER = 'select(t, 1.0 - t, v > 0.0)';
/** Binary cross-entropy of sigmoid(x), each class by itself: written so that a loss and a slope near 0 are no differences of numbers near 1. */
export const logistic = elementwise(
  `keep(v, log1p(exp(-abs(v))) + select(abs(v) * ${OTHER}, 0.0, ${OTHER} == 0.0))`,
  'keep(v, (1.0 - t) / (1.0 + exp(-v)) - t / (1.0 + exp(v)))',
);
export const squared = elementwise('(v - t) * (v - t)', '2.0 * (v - t)');
/** The sign of NaN is 0, as PyTorch has it. */
export const absolute = elementwise('abs(v - t)', 'select(select(0.0, -1.0, v < t), 1.0, v > t)');

/** Half the square up to an error of 1, linear beyond it, as torch.nn.HuberLoss with delta 1. */
export const huber = elementwise(
  'keep(v, select(abs(v - t) - 0.5, 0.5 * (v - t) * (v - t), abs(v - t) < 1.0))',
  'keep(v, clamp(v - t, -1.0, 1.0))',
);
