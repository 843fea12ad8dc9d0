/** What a run is, said once: the options of `descent train`, the fields of config.json and of the page. */
import { check, lookUp } from '../engine/check.ts';
import { schemes } from '../layers/init.ts';
import { losses } from '../layers/loss.ts';
import { parseAugment } from './augment.ts';
import { parseChoice, parseNumber, parseSpec, parseSpecs, type Range, type Scalar } from './spec.ts';

/** All that decides a run's numbers besides adapter and build. Flat, so that it is legible as JSON, as flags and in an address. */
export interface RunConfig {
  model: string;
  dataset: string;
  epochs: number;
  /** Stop after so many steps, whatever the epochs. */
  steps?: number;
  batchSize: number;
  /** A spec, as `momentum:momentum=0.9`. */
  optimizer: string;
  /** Without it the optimizer's own default. */
  lr?: number;
  /** A spec, as `cosine:warmup=500`; without it the rate is constant. */
  schedule?: string;
  weightDecay: number;
  l1: number;
  /** Whether the penalties act on biases and normalisation parameters too. */
  decayBias: boolean;
  maxNorm?: number;
  clipNorm?: number;
  clipValue?: number;
  gradNoise: number;
  /** Decay of the average of the weights that is evaluated. */
  ema?: number;
  /** Share of the run after which the weights at each epoch's end are averaged (SWA). */
  swa?: number;
  /** Share of the run after which the weights at each epoch's end make a Gaussian (SWAG). */
  swag?: number;
  /** Cycles of a cosine, the weights of each kept for an ensemble. */
  snapshots?: number;
  /** Updates between two steps of the slow weights (Lookahead). */
  lookahead?: number;
  /** Parts in which a batch is computed. */
  accumulate: number;
  /** Evaluations without a better one after which the run ends. */
  earlyStop?: number;
  /** What is minimised. */
  loss: string;
  /** Share of each label that goes to all classes alike. */
  labelSmoothing: number;
  /** First values of weights, in place of PyTorch's for each kind of layer; `lsuv` scales them on the first batch. */
  initScheme?: string;
  /** Batch-norm statistics of an evaluation: the running ones, or those of all training images. */
  bnStats: (typeof BN_STATS)[number];
  /** Numbers that activations are kept in while training. */
  precision: (typeof PRECISIONS)[number];
  /** Whether a second forward pass is done in place of keeping all activations. */
  checkpointActivations: boolean;
  /** Whether elementwise ops join their producers. */
  fuse: boolean;
  seed: number;
  /** Share of the training images held out for validation. */
  valSplit: number;
  /** Weights to start from, a safetensors file. */
  init?: string;
  shuffle: boolean;
  /** Augmentations in the order written, as `crop,flip,cutout:16`. */
  augment?: string;
  order: (typeof ORDERS)[number];
  normalize: Normalize;
  limitTrain?: number;
  limitTest?: number;
  /** Pixels of a side, of the images in a folder. */
  imageSize?: number;
  logEvery: number;
}
/**
 * `none` is x/255; `mean` subtracts the training set's mean per channel; `meanstd` divides by its deviation too; `meanimage` subtracts its
 * mean image; `pca` and `zca` then decorrelate all pixels and divide by their deviations (zca turns the result back to an image).
 */
export type Normalize = (typeof NORMALIZE)[number];
export const NORMALIZE = ['none', 'mean', 'meanstd', 'meanimage', 'pca', 'zca'] as const;

/** `random` anew in each epoch, or from easy to hard, class by class alike, by the loss under the first weights. */
export const ORDERS = ['random', 'curriculum'] as const;

export const PRECISIONS = ['f32', 'f16'] as const;
export const BN_STATS = ['running', 'population'] as const;

type Key = Exclude<keyof RunConfig, 'model'>;

/** One option: how it is written, what it means, and how its text is read and checked. */
export interface Option<T = Scalar> {
  /** As on the command line: `--batch-size <n>`. */
  readonly flags: string;
  readonly help: string;
  readonly default: T;
  readonly parse: (who: string, text: string) => T;
}

const number =
  (range: Range) =>
  (who: string, text: string): number =>
    parseNumber(who, text, range);
const count = number({ integer: true, min: 1 });
const text = (who: string, value: string): string => (check(value, `${who}: the value is empty; give one`), value);
const specs = (who: string, value: string): string => (parseSpecs(who, value), value);
const oneSpec = (who: string, value: string): string => (parseSpec(who, value), value);
const boolean = (who: string, value: string): boolean => parseChoice(who, value, ['true', 'false']) === 'true';

export const OPTIONS: { readonly [K in Key]-?: Option<RunConfig[K]> } = {
  dataset: { flags: '--dataset <name>', help: 'data set to train on', default: 'fashion-mnist', parse: text },
  epochs: { flags: '--epochs <n>', help: 'passes over the training images', default: 5, parse: count },
  steps: { flags: '--steps <n>', help: 'stop after so many steps', default: undefined, parse: count },
  batchSize: { flags: '--batch-size <n>', help: 'images a step', default: 64, parse: count },
  optimizer: {
    flags: '--optimizer <name[:k=v,...]>',
    help: "optimizer, its hyper-parameters under PyTorch's names; adam:epochs=5,lbfgs for one after another",
    default: 'adam',
    parse: specs,
  },
  lr: {
    flags: '--lr <rate>',
    help: "learning rate (default: the optimizer's)",
    default: undefined,
    parse: number({ min: 0 }),
  },
  schedule: {
    flags: '--schedule <name[:k=v,...]>',
    help: 'learning rate over the run: cosine:warmup=500, onecycle:max_lr=0.1, plateau:factor=0.2,patience=5',
    default: undefined,
    parse: oneSpec,
  },
  weightDecay: {
    flags: '--weight-decay <rate>',
    help: 'L2 penalty (of adamw: decoupled)',
    default: 0,
    parse: number({ min: 0 }),
  },
  l1: {
    flags: '--l1 <rate>',
    help: 'L1 penalty; with --weight-decay the elastic net',
    default: 0,
    parse: number({ min: 0 }),
  },
  decayBias: {
    flags: '--no-decay-bias',
    help: 'no penalty on biases and normalisation parameters',
    default: true,
    parse: boolean,
  },
  maxNorm: {
    flags: '--max-norm <length>',
    help: 'greatest length of the incoming weights of a unit',
    default: undefined,
    parse: number({ above: 0 }),
  },
  clipNorm: {
    flags: '--clip-norm <length>',
    help: 'greatest length of the gradient of all parameters together',
    default: undefined,
    parse: number({ above: 0 }),
  },
  clipValue: {
    flags: '--clip-value <size>',
    help: 'greatest size of each value of the gradient',
    default: undefined,
    parse: number({ above: 0 }),
  },
  gradNoise: {
    flags: '--grad-noise <eta>',
    help: 'Gaussian noise of variance eta / (1 + t)^0.55 on the gradient',
    default: 0,
    parse: number({ min: 0 }),
  },
  ema: {
    flags: '--ema <decay>',
    help: 'evaluate a moving average of the weights; 1 averages all alike',
    default: undefined,
    parse: number({ min: 0, max: 1 }),
  },
  swa: {
    flags: '--swa <share>',
    help: 'evaluate the mean of the weights after each epoch from this share of the run on, as 0.75',
    default: undefined,
    parse: number({ min: 0, below: 1 }),
  },
  swag: {
    flags: '--swag <share>',
    help: 'from this share of the run on, fit a Gaussian to the weights after each epoch; draws from it predict the test images at the end',
    default: undefined,
    parse: number({ min: 0, below: 1 }),
  },
  snapshots: {
    flags: '--snapshots <n>',
    help: 'n cosine cycles, the weights after each kept for eval --ensemble',
    default: undefined,
    parse: count,
  },
  lookahead: {
    flags: '--lookahead <k>',
    help: 'every k updates go back half the way to the weights k updates ago',
    default: undefined,
    parse: count,
  },
  accumulate: {
    flags: '--accumulate <n>',
    help: 'compute each batch in n parts, to save memory',
    default: 1,
    parse: count,
  },
  earlyStop: {
    flags: '--early-stop <n>',
    help: 'end after n epochs without a better validation accuracy, and restore the best weights',
    default: undefined,
    parse: count,
  },
  loss: {
    flags: '--loss <name>',
    help: `loss: ${Object.keys(losses).join(', ')}`,
    default: 'cross-entropy',
    parse: (who, value) => (lookUp(who, value, losses), value),
  },
  labelSmoothing: {
    flags: '--label-smoothing <share>',
    help: 'share of each label that goes to all classes alike',
    default: 0,
    parse: number({ min: 0, below: 1 }),
  },
  initScheme: {
    flags: '--init-scheme <name>',
    help: `first weights: ${Object.keys(schemes).join(', ')}, lsuv (default: PyTorch's by layer)`,
    default: undefined,
    parse: (who, value) => (value === 'lsuv' || lookUp(who, value, schemes), value),
  },
  bnStats: {
    flags: '--bn-stats <how>',
    help: 'batch-norm statistics when evaluating: running, or population (of all training images, exactly)',
    default: 'running',
    parse: (who, value) => parseChoice(who, value, BN_STATS),
  },
  precision: {
    flags: '--precision <type>',
    help: 'f32, or f16: activations in half precision, weights and sums in f32, the loss scaled',
    default: 'f32',
    parse: (who, value) => parseChoice(who, value, PRECISIONS),
  },
  checkpointActivations: {
    flags: '--checkpoint-activations',
    help: 'to save memory, compute activations a second time in place of keeping them',
    default: false,
    parse: boolean,
  },
  fuse: { flags: '--no-fuse', help: 'keep elementwise ops as dispatches of their own', default: true, parse: boolean },
  seed: {
    flags: '--seed <n>',
    help: 'decides weights, order, dropout and augmentation',
    default: 0,
    parse: number({ integer: true, min: 0, max: 2 ** 32 - 1 }),
  },
  valSplit: {
    flags: '--val-split <share>',
    help: 'share of the training images held out for validation',
    default: 0.1,
    parse: number({ min: 0, below: 1 }),
  },
  init: { flags: '--init <file.safetensors>', help: 'weights to start from', default: undefined, parse: text },
  shuffle: { flags: '--no-shuffle', help: 'take the images in file order', default: true, parse: boolean },
  augment: {
    flags: '--augment <name[:k=v,...],...>',
    help: 'augmentations in the order written: crop,flip,cutout:16',
    default: undefined,
    parse: (_, value) => (parseAugment(value), value),
  },
  order: {
    flags: '--order <how>',
    help: 'random, or curriculum: easy to hard by the loss under the first weights',
    default: 'random',
    parse: (who, value) => parseChoice(who, value, ORDERS),
  },
  normalize: {
    flags: '--normalize <how>',
    help: 'none (x/255), mean, meanstd, meanimage, or whitening: pca, zca',
    default: 'meanstd',
    parse: (who, value) => parseChoice(who, value, NORMALIZE),
  },
  limitTrain: { flags: '--limit-train <n>', help: 'use the first n training images', default: undefined, parse: count },
  imageSize: {
    flags: '--image-size <n>',
    help: 'resize the images of a folder to n x n (default: 32)',
    default: undefined,
    parse: number({ integer: true, min: 1, max: 1024 }),
  },
  limitTest: { flags: '--limit-test <n>', help: 'use the first n test images', default: undefined, parse: count },
  logEvery: { flags: '--log-every <n>', help: 'steps between lines of metrics', default: 50, parse: count },
};

const KEYS = Object.keys(OPTIONS) as Key[];

/** The name of an option in messages: `--batch-size`. */
export const flagOf = (key: Key): string => OPTIONS[key].flags.split(' ')[0]!;

/** A checked configuration from texts by field name; a field that is absent takes its default. */
export function parseConfig(model: string, given: Readonly<Partial<Record<Key, string | boolean>>>): RunConfig {
  return build(model, key =>
    given[key] === undefined ? undefined : OPTIONS[key].parse(flagOf(key), String(given[key])),
  );
}

/** A checked configuration from the JSON of an earlier one; `file` is its name in messages. Fields unknown here are passed over. */
export function configFromJson(json: unknown, file: string): RunConfig {
  check(
    typeof json === 'object' && json !== null && typeof (json as RunConfig).model === 'string',
    `${file}: no model is named; it is not the config.json of a run`,
  );
  const fields = json as Partial<Record<Key, unknown>> & { model: string };
  return build(fields.model, key =>
    fields[key] === undefined ? undefined : OPTIONS[key].parse(`${file}: ${key}`, String(fields[key])),
  );
}

function build(model: string, value: (key: Key) => RunConfig[Key]): RunConfig {
  const entries = KEYS.map(key => [key, value(key) ?? OPTIONS[key].default] as const).filter(e => e[1] !== undefined);
  return { model, ...Object.fromEntries(entries) } as RunConfig;
}
