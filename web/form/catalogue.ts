/** A line and a formula for what can be chosen. The choices themselves come from the catalogues that the command line uses. */
import { models } from '../../models/index.ts';
import { rules } from '../../optim/index.ts';
import { OPTIONS, type RunConfig } from '../../train/config/config.ts';

export interface Explained {
  readonly text: string;
  readonly formula?: string;
}

/** Of optimizers; w weight, g gradient, η rate. One without an entry shows the update as the device computes it. */
const OPTIMIZERS: Readonly<Record<string, Explained>> = {
  sgd: { text: 'A step against the gradient.', formula: 'w ← w − η g' },
  momentum: { text: 'A heavy ball: past gradients keep it rolling.', formula: 'v ← μ v + g;  w ← w − η v' },
  nesterov: { text: 'Momentum that looks ahead before it steps.', formula: 'v ← μ v + g;  w ← w − η (g + μ v)' },
  'nag-c': {
    text: 'Nesterov\u2019s method for convex functions: momentum grows with time.',
    formula: 'x′ ← w − η g;  w ← x′ + k/(k+3) (x′ − x)',
  },
  'nag-sc': {
    text: 'Nesterov\u2019s method for strongly convex functions.',
    formula: 'x′ ← w − η g;  w ← x′ + (1−√(mη))/(1+√(mη)) (x′ − x)',
  },
  adagrad: { text: 'Each weight has its own rate, smaller where slopes were large.', formula: 's ← s + g²;  w ← w − η g / (√s + ε)' },
  adadelta: {
    text: 'Steps in the units of past steps; needs hardly a rate.',
    formula: 'e ← ρe + (1−ρ)g²;  Δ = √(d+ε)/√(e+ε) g;  d ← ρd + (1−ρ)Δ²;  w ← w − ηΔ',
  },
  rmsprop: { text: 'Slopes divided by their recent size.', formula: 'e ← αe + (1−α)g²;  w ← w − η g / (√e + ε)' },
  adam: {
    text: 'Mean slope divided by its recent size, both corrected for their start.',
    formula: 'm ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − η m̂ / (√v̂ + ε)',
  },
  adamw: { text: 'Adam, with weight decay outside the adaptive step.', formula: 'w ← w − ηλw;  then as Adam' },
  amsgrad: { text: 'Adam whose divisor never shrinks.', formula: 'v̄ ← max(v̄, v);  w ← w − η m̂ / (√v̄ + ε)' },
  adamax: { text: 'Adam with the largest recent slope as divisor.', formula: 'u ← max(β₂u, |g| + ε);  w ← w − η m̂ / u' },
  nadam: { text: 'Adam with Nesterov\u2019s look ahead.', formula: 'w ← w − η (μ′m̂ + (1−μ)ĝ) / (√v̂ + ε)' },
  asgd: { text: 'Descent whose average over time is what counts.', formula: 'w ← w − η g;  a ← a + μ (w − a)' },
  rprop: {
    text: 'Signs alone: longer steps while the sign stays, shorter when it flips. For whole-set batches.',
    formula: 'Δ ← Δ · (1.2 or 0.5);  w ← w − sign(g) Δ',
  },
  quickprop: { text: 'Jumps to the vertex of the parabola through the last two slopes.', formula: 'Δ ← Δ · g / (g′ − g);  w ← w + Δ' },
  'natural-gradient': { text: 'Slopes divided by a running Fisher information.', formula: 'F ← ρF + (1−ρ)g²;  w ← w − η g / (F̂ + δ)' },
  lbfgs: {
    text: 'Curvature from the last changes of the slope, and a line search. Stays with its first batch: take a large one.',
    formula: 'w ← w + t d;  d = −H∇f;  H from s = Δw, y = Δ∇f',
  },
  bfgs: { text: 'As lbfgs with the whole matrix: for nets of at most 4,000 weights.', formula: 'H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ' },
  'newton-diagonal': { text: 'Slopes divided by the estimated curvature.', formula: 'w ← w − η g / (|h| + δ)' },
};

/** Of schedules; t updates made, T those of the run. */
const SCHEDULES: Readonly<Record<string, Explained>> = {
  constant: { text: 'The same rate throughout; useful with a warm-up.', formula: 'η(t) = η' },
  step: { text: 'Smaller by a factor every so many updates.', formula: 'η(t) = η γ^⌊t / step_size⌋' },
  multistep: { text: 'Smaller by a factor at each milestone.', formula: 'η(t) = η γ^(milestones passed)' },
  'batch-growth': {
    text: 'The batch grows in place of a falling rate: gradients of several batches make one update.',
    formula: 'batch(t) = batch · times^(milestones passed)',
  },
  exponential: { text: 'Smaller by the same share with every update.', formula: 'η(t) = η e^(−k t)' },
  'inverse-time': { text: 'Falls like one over time.', formula: 'η(t) = η / (1 + k t)' },
  quadratic: { text: 'Falls like one over time squared.', formula: 'η(t) = η / (1 + k t)²' },
  linear: { text: 'A straight line to the end rate.', formula: 'η(t) = η + (end − η) min(t / τ, 1)' },
  polynomial: { text: 'To 0 along a power of the time that is left.', formula: 'η(t) = η (1 − t / T)^power' },
  power: { text: 'A slow power of time.', formula: 'η(t) = η (1 + b t)^−a' },
  cosine: { text: 'Half a cosine down to the least rate.', formula: 'η(t) = η_min + ½ (η − η_min) (1 + cos(π t / T))' },
  sgdr: { text: 'Cosines with warm restarts, each longer than the last.', formula: 'cosine over T₀, T₀·T_mult, T₀·T_mult² … updates' },
  triangular: {
    text: 'Up to the largest rate and down again, over and over.',
    formula: 'η(t) = η + (max_lr − η) · triangle(t / step_size_up)',
  },
  triangular2: { text: 'Triangles half as high each time.', formula: 'height 2^−cycle' },
  'exp-range': { text: 'Triangles whose height shrinks with time.', formula: 'height γ^t' },
  onecycle: {
    text: 'One rise and one long fall, momentum the other way: quick training at large rates.',
    formula: 'max_lr / div → max_lr → max_lr / (div · final_div)',
  },
  plateau: { text: 'Smaller when the validation loss stops falling.', formula: 'η ← factor · η after patience evaluations' },
};

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

/** Of options within a spec, where the name does not say it. */
const KNOBS: Readonly<Record<string, string>> = {
  epochs: 'epochs until the next optimizer',
  lr: 'learning rate',
  momentum: 'share of the last step that is kept',
  beta1: 'memory of the mean slope',
  beta2: 'memory of its size',
  eps: 'keeps the divisor from 0',
  alpha: 'memory, or exponent',
  rho: 'memory',
  weight_decay: 'decoupled pull to 0',
  damping: 'keeps the divisor from 0',
  probes: 'random directions for the curvature',
  epsilon: 'length of a probe',
  history: 'pairs of changes that are kept',
  tolerance_grad: 'ends below this slope',
  tolerance_change: 'ends below this change',
  mu: 'longest jump, in last steps',
  m: 'strong convexity',
  lambd: 'decay',
  t0: 'update at which averaging begins',
  momentum_decay: 'rise of momentum',
  eta_minus: 'factor when the sign flips',
  eta_plus: 'factor while it stays',
  step_min: 'least step',
  step_max: 'greatest step',
  gamma: 'factor',
  k: 'speed of the fall',
  end: 'last rate',
  tau: 'updates until then; 0 is the whole run',
  power: 'exponent',
  total_iters: 'updates until 0; 0 is the whole run',
  T_max: 'updates; 0 is the whole run',
  T_0: 'updates of the first descent',
  T_mult: 'each descent is so many times longer',
  eta_min: 'least rate',
  a: 'exponent',
  b: 'speed of the fall',
  anneal: 'shape of rise and fall',
  max_lr: 'largest rate',
  step_size: 'updates between falls',
  step_size_up: 'updates up',
  milestones: 'updates, as 1000/2000',
  times: 'factor of the batch',
  most: 'batches at most; 0 is no limit',
  pct_start: 'share of the run that rises',
  div_factor: 'first rate = max_lr / this',
  final_div_factor: 'last rate = first / this',
  base_momentum: 'momentum at the largest rate',
  max_momentum: 'momentum at the ends',
  factor: 'of the rate',
  patience: 'evaluations without a better one',
  threshold: 'share that counts as better',
  cooldown: 'evaluations to wait after a fall',
  min_lr: 'least rate',
  warmup: 'updates of linear rise in front',
  warmup_from: 'share of the rate at its start',
  fill: 'what lies beyond the border, or covers',
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

export function explainOptimizer(name: string): Explained {
  const computed = rules[name]?.update.replace(/op\./g, '').replace(/\s+/g, ' ').trim();
  return OPTIMIZERS[name] ?? { text: `The update as the device computes it (${name}).`, formula: computed };
}

export const explainModel = (name: string): Explained => ({ text: `${capital(models[name]?.about ?? name)}.` });
export const explainSchedule = (name: string): Explained => SCHEDULES[name] ?? { text: '' };
export const explainAugmentation = (name: string): Explained => AUGMENTING[name] ?? { text: '' };
export const explainKnob = (name: string): string => KNOBS[name] ?? '';
export const explainOption = (key: keyof typeof OPTIONS): Explained => ({
  text: TEXTS[key] ?? `${capital(OPTIONS[key].help)}.`,
  formula: FORMULAS[key],
});
export const labelOf = (key: keyof typeof OPTIONS): string => LABELS[key] ?? capital(key.replace(/[A-Z]/g, c => ` ${c.toLowerCase()}`));
