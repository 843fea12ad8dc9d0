/** What a run is, said once: the options of `descent train`, the fields of config.json and of the page. */
import { check, lookUp, type Message, named, say } from '../../engine/check.ts';
import type { Scalar } from '../../engine/parameter.ts';
import type { Range } from '../../engine/range.ts';
import { schemes } from '../../layers/init.ts';
import { losses } from '../../layers/loss.ts';
import { NORMALIZE, type Normalize } from '../data/statistics.ts';
import { parseAugment } from './augment.ts';
import { parseChoice, parseNumber, parseSpec, parseSpecs } from './spec.ts';

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

/** `random` anew in each epoch, or from easy to hard, class by class alike, by the loss under the first weights. */
export const ORDERS = ['random', 'curriculum'] as const;

export const PRECISIONS = ['f32', 'f16'] as const;
export const BN_STATS = ['running', 'population'] as const;

type Key = Exclude<keyof RunConfig, 'model'>;

/** Reads one option's text; `who` is its name in messages. Throws where the text is not accepted. */
type Parse<T> = (who: Message, text: string) => T;

/** One option: how it is written, what it means, and how its text is read and checked. */
export interface Option<T = Scalar> {
  /** As on the command line: `--batch-size <n>`. */
  readonly flags: string;
  readonly help: string;
  readonly default: T;
  readonly parse: Parse<T>;
}

const number =
  (range: Range): Parse<number> =>
  (who, text) =>
    parseNumber(who, text, range);
const count = number({ integer: true, min: 1 });
const boolean: Parse<boolean> = (who, text) => parseChoice(who, text, ['true', 'false']) === 'true';
const oneOf =
  <T extends string>(known: readonly T[]): Parse<T> =>
  (who, text) =>
    parseChoice(who, text, known);

/** Texts that stay texts, once `accepts` has not thrown. */
const checked =
  (accepts: (who: Message, text: string) => unknown): Parse<string> =>
  (who, text) => {
    accepts(who, text);
    return text;
  };

const text = checked((who, value) => check(value, say`${who}: the value is empty`, 'give one'));

/** The default is a value, or undefined where an option that is not given leaves something undone. */
const option = <T, D extends T | undefined>(flags: string, help: string, byDefault: D, parse: Parse<T>) => ({
  flags,
  help,
  default: byDefault,
  parse,
});

export const OPTIONS: { readonly [K in Key]-?: Option<RunConfig[K]> } = {
  dataset: option('--dataset <name>', 'data set to train on', 'fashion-mnist', text),
  epochs: option('--epochs <n>', 'passes over the training images', 5, count),
  steps: option('--steps <n>', 'stop after so many steps', undefined, count),
  batchSize: option('--batch-size <n>', 'images a step', 64, count),
  optimizer: option(
    '--optimizer <name[:k=v,...]>',
    "optimizer, its hyper-parameters under PyTorch's names; adam:epochs=5,lbfgs for one after another",
    'adam',
    checked(parseSpecs),
  ),
  lr: option('--lr <rate>', "learning rate (default: the optimizer's)", undefined, number({ min: 0 })),
  schedule: option(
    '--schedule <name[:k=v,...]>',
    'learning rate over the run: cosine:warmup=500, onecycle:max_lr=0.1, plateau:factor=0.2,patience=5',
    undefined,
    checked(parseSpec),
  ),
  weightDecay: option('--weight-decay <rate>', 'L2 penalty (of adamw: decoupled)', 0, number({ min: 0 })),
  l1: option('--l1 <rate>', 'L1 penalty; with an L2 penalty too, the elastic net', 0, number({ min: 0 })),
  decayBias: option('--no-decay-bias', 'no penalty on biases and normalisation parameters', true, boolean),
  maxNorm: option('--max-norm <length>', 'greatest length of the incoming weights of a unit', undefined, number({ above: 0 })),
  clipNorm: option('--clip-norm <length>', 'greatest length of the gradient of all parameters together', undefined, number({ above: 0 })),
  clipValue: option('--clip-value <size>', 'greatest size of each value of the gradient', undefined, number({ above: 0 })),
  gradNoise: option('--grad-noise <eta>', 'Gaussian noise of variance eta / (1 + t)^0.55 on the gradient', 0, number({ min: 0 })),
  ema: option('--ema <decay>', 'evaluate a moving average of the weights; 1 averages all alike', undefined, number({ min: 0, max: 1 })),
  swa: option(
    '--swa <share>',
    'evaluate the mean of the weights after each epoch from this share of the run on, as 0.75',
    undefined,
    number({ min: 0, below: 1 }),
  ),
  swag: option(
    '--swag <share>',
    'from this share of the run on, fit a Gaussian to the weights after each epoch; draws from it predict the test images at the end',
    undefined,
    number({ min: 0, below: 1 }),
  ),
  snapshots: option('--snapshots <n>', 'n cosine cycles, the weights after each kept for an ensemble', undefined, count),
  lookahead: option('--lookahead <k>', 'every k updates go back half the way to the weights k updates ago', undefined, count),
  accumulate: option('--accumulate <n>', 'compute each batch in n parts, to save memory', 1, count),
  earlyStop: option(
    '--early-stop <n>',
    'end after n epochs without a better validation accuracy, and restore the best weights',
    undefined,
    count,
  ),
  loss: option(
    '--loss <name>',
    `loss: ${Object.keys(losses).join(', ')}`,
    'cross-entropy',
    checked((who, name) => lookUp(who, name, losses)),
  ),
  labelSmoothing: option(
    '--label-smoothing <share>',
    'share of each label that goes to all classes alike',
    0,
    number({ min: 0, below: 1 }),
  ),
  initScheme: option(
    '--init-scheme <name>',
    `first weights: ${Object.keys(schemes).join(', ')}, lsuv (default: PyTorch's by layer)`,
    undefined,
    checked((who, name) => name === 'lsuv' || lookUp(who, name, schemes)),
  ),
  bnStats: option(
    '--bn-stats <how>',
    'batch-norm statistics when evaluating: running, or population (of all training images, exactly)',
    'running',
    oneOf(BN_STATS),
  ),
  precision: option(
    '--precision <type>',
    'f32, or f16: activations in half precision, weights and sums in f32, the loss scaled',
    'f32',
    oneOf(PRECISIONS),
  ),
  checkpointActivations: option(
    '--checkpoint-activations',
    'to save memory, compute activations a second time in place of keeping them',
    false,
    boolean,
  ),
  fuse: option('--no-fuse', 'keep elementwise ops as dispatches of their own', true, boolean),
  seed: option('--seed <n>', 'decides weights, order, dropout and augmentation', 0, number({ integer: true, min: 0, max: 2 ** 32 - 1 })),
  valSplit: option('--val-split <share>', 'share of the training images held out for validation', 0.1, number({ min: 0, below: 1 })),
  init: option('--init <file.safetensors>', 'weights to start from', undefined, text),
  shuffle: option('--no-shuffle', 'take the images in file order', true, boolean),
  augment: option(
    '--augment <name[:k=v,...],...>',
    'augmentations in the order written: crop,flip,cutout:16',
    undefined,
    checked((_, value) => parseAugment(value)),
  ),
  order: option('--order <how>', 'random, or curriculum: easy to hard by the loss under the first weights', 'random', oneOf(ORDERS)),
  normalize: option('--normalize <how>', 'none (x/255), mean, meanstd, meanimage, or whitening: pca, zca', 'meanstd', oneOf(NORMALIZE)),
  limitTrain: option('--limit-train <n>', 'use the first n training images', undefined, count),
  imageSize: option(
    '--image-size <n>',
    'resize the images of a folder to n x n (default: 32)',
    undefined,
    number({ integer: true, min: 1, max: 1024 }),
  ),
  limitTest: option('--limit-test <n>', 'use the first n test images', undefined, count),
  logEvery: option('--log-every <n>', 'steps between lines of metrics', 50, count),
};

const KEYS = Object.keys(OPTIONS) as Key[];

/** A checked configuration from texts by field name; a field that is absent takes its default. */
export function parseConfig(model: string, given: Readonly<Partial<Record<Key, string | boolean>>>): RunConfig {
  return build(model, key => (given[key] === undefined ? undefined : OPTIONS[key].parse(named(key), String(given[key]))));
}

/** A checked configuration from the JSON of an earlier one; `file` is its name in messages. Fields unknown here are passed over. */
export function configFromJson(json: unknown, file: string): RunConfig {
  check(
    typeof json === 'object' && json !== null && typeof (json as RunConfig).model === 'string',
    `${file}: no model is named`,
    'it is not the config.json of a run',
  );
  const fields = json as Partial<Record<Key, unknown>> & { model: string };
  return build(fields.model, key => (fields[key] === undefined ? undefined : OPTIONS[key].parse(`${file}: ${key}`, String(fields[key]))));
}

function build(model: string, value: (key: Key) => RunConfig[Key]): RunConfig {
  const entries = KEYS.map(key => [key, value(key) ?? OPTIONS[key].default] as const).filter(e => e[1] !== undefined);
  return { model, ...Object.fromEntries(entries) } as RunConfig;
}
