/** K-FAC: gradients multiplied by the inverse of a Fisher information that is a Kronecker product for each layer. */
import { number } from '../engine/parameter.ts';
import { AT_LEAST_0, COUNT, POSITIVE, SHARE } from '../engine/range.ts';
import { learningRate, rule } from './rule.ts';

/**
 * Martens & Grosse 2015, of convolutions Grosse & Martens 2016: for each dense layer and convolution A = E[a aᵀ] of its inputs, 1 for the
 * bias among them, and G = E[s sᵀ] of the gradients by its outputs, of targets drawn from what the net predicts (the true Fisher
 * information, not the empirical one). Estimated every `every` steps on the batch of the step, as running means whose memory grows to
 * `decay`; `damping` is added to both, split by π = √(tr A dim G / (tr G dim A)). Steps are shortened to η² Σ g · step ≤ `kl` (Ba et al.
 * 2017). Other parameters (of normalisation, recurrent layers, grouped convolutions) move by momentum at the same rate. What else acts on
 * gradients, weight decay and clipping among it, acts on what is made of them here.
 */
export const kfac = rule({
  name: 'kfac',
  about:
    'Slopes by the inverse Fisher information of each dense layer and convolution (K-FAC); other parameters by momentum at the same rate.',
  formula: 'v ← μ v + (G + (√δ/π) I)⁻¹ ∇W (A + π√δ I)⁻¹;  W ← W − η v',
  state: ['v'],
  factors: true,
  cycled: 'momentum',
  hyper: {
    lr: learningRate(0.05),
    momentum: number(0.9, 'share of the last step that is kept', SHARE),
    damping: number(0.01, 'added to the Fisher information', POSITIVE),
    decay: number(0.95, 'memory of the factors, from estimate to estimate', SHARE),
    every: number(10, 'steps between two estimates', COUNT),
    kl: number(1e-3, 'bound of a step by its information, 0 for none', AT_LEAST_0),
  },
  values: ({ kl }, _, lr) => ({ kl_bound: kl / lr ** 2 }),
  update: `
    v = op.momentum * v + g;
    w -= op.lr * v;`,
});
