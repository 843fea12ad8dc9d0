/** How the form shows the options of a run. */
import { OPTIONS, type RunConfig } from '../../train/config/config.ts';
import { capital } from '../views/dom.ts';
import type { Hint } from './field.ts';

/** Of the options; what they mean to the numbers. */
const FORMULAS: Readonly<Record<string, string>> = {
  batchSize: 'g = 1/n Σ ∇ℓ(xᵢ)',
  lr: 'w ← w − η · step',
  weightDecay: 'g ← g + λ w',
  l1: 'g ← g + λ sign(w)',
  valSplit: 'gap = validation loss − training loss',
  labelSmoothing: 't ← (1−s) t + s/classes',
  clipNorm: 'g ← g · min(1, c / ‖g‖)',
  clipValue: 'g ← clamp(g, −c, c)',
  maxNorm: '‖wᵣₒᵥ‖ ≤ c',
  ema: 'a ← d a + (1−d) w',
  swa: 'a ← mean of w after each epoch',
  lookahead: 's ← s + ½ (w − s);  w ← s',
  gradNoise: 'g ← g + N(0, η / (1+t)^0.55)',
  normalize: 'x = (byte / 255 − mean) / std',
  epochs: 'steps = epochs · ⌊images / batch⌋',
  accumulate: 'g = 1/a Σ g of a parts',
  bnStats: 'y = γ (x − μ) / √(σ² + ε) + β',
  loss: 'cross-entropy: ℓ = −log p(label)',
};
/** Where the line of the command line is about switching off, or about its files. */
const TEXTS: Partial<Record<keyof RunConfig, string>> = {
  shuffle: 'A new order of the images in each epoch.',
  fuse: 'Elementwise steps join the kernel before them.',
  decayBias: 'L2 and L1 act on biases and normalisation parameters too.',
  lr: 'Length of a step; empty for the optimizer\u2019s own.',
  accumulate: 'Computes each batch in so many parts, to save memory.',
};
/** Names that are not the option's own in words. */
const LABELS: Partial<Record<keyof RunConfig, string>> = {
  lr: 'Learning rate',
  l1: 'L1 penalty',
  weightDecay: 'L2 penalty (weight decay)',
  decayBias: 'Penalties on biases too',
  ema: 'Moving average (EMA)',
  swa: 'Average of epochs (SWA)',
  valSplit: 'Validation share',
  initScheme: 'First weights',
  bnStats: 'Batch-norm statistics',
  fuse: 'Fuse kernels',
  earlyStop: 'Early stopping',
  clipNorm: 'Clip the gradient\u2019s length',
  clipValue: 'Clip its values',
  gradNoise: 'Gradient noise',
  maxNorm: 'Greatest length of weights',
  augment: 'Augmentation',
  order: 'Order of images',
  steps: 'Steps at most',
  precision: 'Precision',
  checkpointActivations: 'Recompute activations',
  limitTrain: 'Training images at most',
  limitTest: 'Test images at most',
  accumulate: 'Parts of a batch',
  logEvery: 'Metrics every',
  imageSize: 'Image size of a folder',
};

export const explainOption = (key: keyof typeof OPTIONS): Hint => ({
  about: TEXTS[key] ?? `${capital(OPTIONS[key].help)}.`,
  formula: FORMULAS[key],
});
export const labelOf = (key: keyof typeof OPTIONS): string => LABELS[key] ?? capital(key.replace(/[A-Z]/g, c => ` ${c.toLowerCase()}`));
