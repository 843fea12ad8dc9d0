/** A line and a formula for what can be chosen. The choices themselves come from the catalogues that the command line uses. */
import { models } from '../../models/index.ts';
import { OPTIONS, type RunConfig } from '../../train/config/config.ts';

export interface Explained {
  readonly text: string;
  readonly formula?: string;
}

/** Of augmentations; r is drawn anew for each image. */
const AUGMENTING: Readonly<Record<string, Explained>> = {
  crop: { text: 'Pads the border and cuts a window of the old size anywhere.', formula: 'x(p + r), |r| ≤ padding' },
  flip: { text: 'Mirrors images at random.', formula: 'x(w − 1 − p) with probability p' },
  scale: { text: 'Enlarges a window to the whole image.', formula: 'x(s p + r), min ≤ s ≤ max' },
  rotate: { text: 'Turns about the centre.', formula: 'x(R p), |angle| ≤ degrees' },
  translate: { text: 'Shifts both ways.', formula: 'x(p + r), |r| ≤ share · side' },
  shear: { text: 'Slants.', formula: 'x(p + tan(r) p_y), |r| ≤ degrees' },
  stretch: { text: 'Wider or narrower, lower or taller.', formula: 'x(s p), |s − 1| ≤ amount' },
  lens: { text: 'Barrel or pincushion, as through a lens.', formula: 'x(p (1 + r |p|²)), |r| ≤ amount' },
  brightness: { text: 'Lighter or darker.', formula: 'x · (1 + r), |r| ≤ amount' },
  contrast: { text: 'More or less contrast.', formula: 'mean + (x − mean)(1 + r), |r| ≤ amount' },
  saturation: { text: 'More or less colour.', formula: 'grey + (x − grey)(1 + r), |r| ≤ amount' },
  pca: { text: 'Shifts colours along the axes in which the training images vary.', formula: 'x + Σ rᵢ λᵢ eᵢ, r ~ N(0, std²)' },
  noise: { text: 'Gaussian noise on every pixel.', formula: 'x + N(0, std²)' },
  cutout: { text: 'Covers a square anywhere.', formula: 'x = fill in a square of size²' },
  augmix: {
    text: 'Mixes chains of mild changes; with consistency the answers are pulled together.',
    formula: 'x′ = (1−m) x + m Σ wᵢ chainᵢ(x)',
  },
  mixup: { text: 'Blends pairs of images and their labels.', formula: 'x = λ xᵢ + (1−λ) xⱼ, λ ~ Beta(α, α)' },
  cutmix: { text: 'Puts a box of one image into another; labels by area.', formula: 'λ ~ Beta(α, α) is the share that stays' },
};

/** Of options of models, where the name does not say it. */
const MODEL_OPTIONS: Readonly<Record<string, string>> = {
  dropout: 'share of units left out',
  drop: 'share of blocks left out',
};

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

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export const explainModel = (name: string): Explained => ({ text: `${capital(models[name]?.about ?? name)}.` });
export const explainAugmentation = (name: string): Explained => AUGMENTING[name] ?? { text: '' };
export const explainModelOption = (name: string): string => MODEL_OPTIONS[name] ?? '';
export const explainOption = (key: keyof typeof OPTIONS): Explained => ({
  text: TEXTS[key] ?? `${capital(OPTIONS[key].help)}.`,
  formula: FORMULAS[key],
});
export const labelOf = (key: keyof typeof OPTIONS): string => LABELS[key] ?? capital(key.replace(/[A-Z]/g, c => ` ${c.toLowerCase()}`));
