/** The options of a run, each said once: for `descent train`, for config.json and for the page. */
import { AT_LEAST_0, COUNT, SHARE } from '../../engine/range.ts';
import { schemes } from '../../layers/init.ts';
import { losses, NUMERIC } from '../../layers/loss.ts';
import { BOXES } from '../init/schemes.ts';
import { methods } from '../distribute/methods.ts';
import { parseAdversarial } from './adversarial.ts';
import { parseChanges } from './changes.ts';
import { parseClassWeights } from './class-weights.ts';
import { DATA_OPTIONS } from './data-options.ts';
import { parseFactors, parsePatterns } from './groups.ts';
import { boolean, number, oneOf, option, spec, switched, text, type Option } from './option.ts';
import { REGULARISERS } from './regularisers.ts';

/**
 * Steps that runs log for those who look on, whatever is asked for: who has started one waits to see that it learns, and where a step takes
 * a second the first fifty take as long as some have patience.
 */
export const EARLY: readonly number[] = [1, 2, 5, 10, 20];

export const OPTIONS = {
  dataset: option({
    flags: '--dataset <name>',
    help: 'data set to train on: a name with its options as sine:points=100,noise=0.1, a folder of images, or a table as .csv',
    default: 'fashion-mnist',
    type: text,
    group: 'Basics',
    label: 'Data set',
  }),
  optimizer: option({
    flags: '--optimizer <name[:k=v,...]>',
    help: "optimizer, its hyper-parameters under PyTorch's names; adam:epochs=5,lbfgs for one after another; kfac moves what is neither dense nor a convolution by momentum, muon all but matrices and the last layer by nesterov, at the same rate",
    default: 'adam',
    type: text,
    group: 'Basics',
  }),
  lr: option({
    flags: '--lr <rate>',
    help: "learning rate (default: the optimizer's)",
    type: number(AT_LEAST_0),
    group: 'Basics',
    label: 'Learning rate',
    hint: 'Length of a step; empty for the optimizer\u2019s own.',
    formula: 'w ← w − η · step',
  }),
  schedule: option({
    flags: '--schedule <name[:k=v,...]>',
    help: 'learning rate over the run: cosine:warmup=500, onecycle:max_lr=0.1, plateau:factor=0.2,patience=5',
    type: text,
    group: 'Basics',
  }),
  batchSize: option({
    flags: '--batch-size <n>',
    help: 'images a step',
    default: 64,
    type: number(COUNT),
    group: 'Basics',
    formula: 'g = 1/n Σ ∇ℓ(xᵢ)',
  }),
  epochs: option({
    flags: '--epochs <n>',
    help: 'passes over the training images',
    default: 5,
    type: number(COUNT),
    group: 'Basics',
    formula: 'steps = epochs · ⌊images / batch⌋',
  }),
  steps: option({
    flags: '--steps <n>',
    help: 'length of the run in steps, in place of epochs',
    type: number(COUNT),
    group: 'Running',
    label: 'Steps at most',
  }),
  augment: option({
    flags: '--augment <name[:k=v,...],...>',
    help: 'augmentations in the order written: crop,flip,cutout:16',
    type: text,
    group: 'Basics',
    label: 'Augmentation',
  }),
  ...REGULARISERS,
  decayBias: option({
    flags: '--no-decay-bias',
    help: 'no penalty on biases and normalisation parameters',
    default: true,
    type: boolean,
    group: 'Regularisation',
    label: 'Penalties on biases too',
    hint: 'L2 and L1 act on biases and normalisation parameters too.',
  }),
  adversarial: option({
    flags: '--adversarial <pgd[:k=v,...]>',
    help: 'learn on attacked images: pgd:epsilon=8/255,steps=10,size=2/255 moves each batch to where its loss is large, pixels from 0 to 1',
    type: spec([], parseAdversarial),
    group: 'Regularisation',
    label: 'Adversarial training',
    formula: 'min w  E max |δ| ≤ ε  ℓ(x + δ)',
    ofClasses: true,
  }),
  labelSmoothing: option({
    flags: '--label-smoothing <share>',
    help: 'share of each label that goes to all classes alike',
    default: 0,
    type: number(SHARE),
    group: 'Regularisation',
    formula: 't ← (1−s) t + s/classes',
    ofClasses: true,
  }),
  earlyStop: option({
    flags: '--early-stop <n>',
    help: 'end after n epochs without a better validation accuracy (of numbers loss), and restore the best weights; loss:n watches the loss',
    type: text,
    group: 'Regularisation',
    label: 'Early stopping',
  }),
  swag: option({
    flags: '--swag <share>',
    help: 'from this share of the run on, fit a Gaussian to the weights after each epoch; draws from it predict the test images at the end',
    type: number(SHARE),
    ofClasses: true,
  }),
  snapshots: option({
    flags: '--snapshots <n>',
    help: 'n cosine cycles, the weights after each kept for an ensemble',
    type: number(COUNT),
  }),
  accumulate: option({
    flags: '--accumulate <n>',
    help: 'compute each batch in n micro-batches, to save memory',
    default: 1,
    type: number(COUNT),
    group: 'Gradients and averages',
    label: 'Micro-batches',
    hint: 'Computes each batch in so many parts, to save memory.',
    formula: 'g = 1/a Σ g of a micro-batches',
  }),
  ...DATA_OPTIONS,
  seed: option({
    flags: '--seed <n>',
    help: 'decides weights, order, dropout and augmentation',
    default: 0,
    type: number({ integer: true, min: 0, max: 2 ** 32 - 1 }),
    group: 'Weights and loss',
  }),
  init: option({
    flags: '--init <file>',
    help: "weights to start from, .safetensors or .onnx; torchvision's and timm's by their names",
    type: text,
  }),
  head: option({
    flags: '--head <how>',
    help: 'new: a classifier made anew on weights to start from, whose classes may be others',
    type: oneOf(['new']),
  }),
  freeze: option({
    flags: '--freeze <names>',
    help: 'layers and parameters that keep their values, as conv1,bn1,layer*; batch norm in them goes by its running statistics',
    type: spec([], parsePatterns),
  }),
  featureViews: option({
    flags: '--feature-views <n>',
    help: 'augment each image n times once and for all, and train on the features that frozen layers give; an epoch passes over all of them',
    type: number(COUNT),
  }),
  lrOf: option({
    flags: '--lr-of <k=v,...>',
    help: 'factors of the learning rate for some layers or parameters, as layer*=0.1,fc=1; the last that names one counts; stem.bias=1@3 is 0 after 3 epochs',
    type: spec([], parseFactors),
  }),
  weightDecayOf: option({
    flags: '--weight-decay-of <k=v,...>',
    help: 'factors of weight decay in the same way, as *.bias=0',
    type: spec([], parseFactors),
  }),
  initScheme: option({
    flags: '--init-scheme <name>',
    help: `first weights: ${Object.keys(schemes).join(', ')}, lsuv, ${BOXES.join(', ')} (default: PyTorch's by layer)`,
    type: oneOf([...Object.keys(schemes), 'lsuv', ...BOXES]),
    group: 'Weights and loss',
    label: 'First weights',
    hint: 'How weights are drawn before the first step.',
    unset: 'as each layer has them',
  }),
  loss: option({
    flags: '--loss <name>',
    help: `loss: ${Object.keys(losses).join(', ')} (default: cross-entropy, of numbers to predict ${NUMERIC[0]})`,
    type: oneOf(Object.keys(losses)),
    group: 'Weights and loss',
    hint: 'What training makes small.',
    unset: `cross-entropy, of numbers ${NUMERIC[0]}`,
    formula: 'cross-entropy: ℓ = −log p(label)',
  }),
  classWeights: option({
    flags: '--class-weights <weights>',
    help: 'weights of the classes in the training loss: balanced, a number for each as 0.2,1,3, or by name as cat=2,dog=1',
    type: spec([], parseClassWeights),
    group: 'Weights and loss',
    formula: 'L = Σ w(label) ℓ / Σ w(label)',
    ofClasses: true,
  }),
  bnStats: option({
    flags: '--bn-stats <how>',
    help: 'batch-norm statistics when evaluating: running, or population (of all training images, exactly)',
    default: 'running',
    type: oneOf(['running', 'population']),
    group: 'Weights and loss',
    label: 'Batch-norm statistics',
    hint: 'Where it evaluates: running means of training, or exact ones of all training images (population).',
    formula: 'y = γ (x − μ) / √(σ² + ε) + β',
  }),
  precision: option({
    flags: '--precision <type>',
    help: 'f32, or f16: activations in half precision, weights and sums in f32, the loss scaled',
    default: 'f32',
    type: oneOf(['f32', 'f16']),
    group: 'Running',
    hint: 'In f16 activations have half precision; weights and sums stay in f32, and the loss is scaled.',
  }),
  checkpointActivations: option({
    flags: '--checkpoint-activations [slowdown]',
    help:
      'to save memory, compute activations a second time in place of keeping them: whatever time it takes, or with 1.2 in as little memory as ' +
      'a step of 1.2 times the time allows, by estimate',
    default: false,
    type: switched('slowdown', { min: 1 }),
    group: 'Running',
    label: 'Recompute activations',
    hint: 'Saves memory. A step may take so many times as long, by estimate; empty for whatever it takes.',
  }),
  fuse: option({
    flags: '--no-fuse',
    help: 'keep elementwise ops as dispatches of their own',
    default: true,
    type: boolean,
    group: 'Running',
    label: 'Fuse kernels',
    hint: 'Elementwise steps join the kernel before them.',
  }),
  distribute: option({
    flags: '--distribute <method[:k=v,...]>',
    help: `train on the processes that mpirun or srun started, by ${Object.keys(methods).join(', ')}`,
    type: text,
    label: 'Train together by',
  }),
  changes: option({
    flags: '--changes <text>',
    help: 'what is otherwise from a step on: rate, weight decay, hyper-parameters, augmentation, as "400: lr=0.01 momentum=0.8; 600: augment=none"',
    type: spec([], parseChanges),
    group: 'Running',
    label: 'Changes while it trains',
    hint: 'What is otherwise after so many steps, as 400: lr=0.01 weight-decay=1e-4; 600: augment=none.',
  }),
  logEvery: option({
    flags: '--log-every <n>',
    help: 'steps between lines of metrics, but for the first ones',
    default: 50,
    type: number(COUNT),
    group: 'Running',
    label: 'Metrics every',
  }),
} as const satisfies Readonly<Record<string, Option>>;

export type Key = keyof typeof OPTIONS;
export const KEYS = Object.keys(OPTIONS) as Key[];

/** The options by key, whatever their values. */
export const optionOf = (key: Key): Option => OPTIONS[key];

/** What an option is called on the page. */
export const labelOf = (key: Key): string =>
  optionOf(key).label ?? key.charAt(0).toUpperCase() + key.slice(1).replace(/[A-Z]/g, c => ` ${c.toLowerCase()}`);
