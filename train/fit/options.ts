/** What `fit` is asked for, as a program writes it: values, texts or objects in place of the texts of the command line. */
import { check, kindOf, lookUp, named, say, type Message } from '../../engine/check.ts';
import type { Label } from '../../datasets/labels.ts';
import type { Device } from '../../engine/device.ts';
import type { Scalar } from '../../engine/parameter.ts';
import type { Loss } from '../../layers/loss.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { Rule } from '../../optim/rule.ts';
import type { Schedule } from '../../optim/schedule.ts';
import { parseConfig, type RunConfig } from '../config/config.ts';
import { KEYS, optionOf, type Key } from '../config/options.ts';
import { formatSpec, parseSpecs } from '../../engine/spec.ts';
import type { Tensors } from '../run/safetensors.ts';
import type { Source } from '../run/store.ts';
import type { CheckpointEvent, EpochEvent, StepEvent } from './events.ts';
import { checkHandlers } from './handlers.ts';

/** `'adam:beta1=0.8'`, or `{ name: 'adam', beta1: 0.8 }`; the names of options are PyTorch's, and descent --help lists them all. */
export type SpecOption = string | { readonly name: string; readonly [option: string]: Scalar };

/** Mean and, of `meanstd`, deviation by which images are normalised: of each channel, or one number for all. */
export interface GivenMoments {
  readonly name: 'mean' | 'meanstd';
  readonly mean: number | readonly number[];
  readonly std?: number | readonly number[];
}

/** What is written as specs, with a name and options that each may have, for messages. */
const SPECS = {
  optimizer: ['adam', 'lr: 0.001'],
  schedule: ['cosine', 'warmup: 500'],
  augment: ['crop', 'padding: 4'],
  adversarial: ['pgd', 'steps: 10'],
  normalize: ['meanstd', 'mean: 0.5, std: 0.25'],
} as const;
/** What is written as values with commas between, each by itself or by name. */
const LISTS = ['classWeights', 'freeze', 'lrOf', 'weightDecayOf', 'dp'] as const;
/** What the command line does beside a run, and what `data` and `init` say here. */
const ELSEWHERE = ['dataset', 'init', 'swag', 'snapshots', 'distribute'] as const;

/** Every option of `descent train` by its key (`batchSize` is --batch-size), and what a program adds to them. */
export interface FitOptions
  extends Partial<{
    readonly [K in Exclude<
      keyof RunConfig,
      'model' | 'loss' | 'earlyStop' | 'ignoreLabel' | keyof typeof SPECS | (typeof LISTS)[number] | (typeof ELSEWHERE)[number]
    >]: RunConfig[K] | undefined;
  }> {
  /** One optimizer, or several that train one after another, each but the last with its `epochs`; or `optimizer(rule, …)` of your own rule. */
  readonly optimizer?: SpecOption | readonly SpecOption[] | Optimizer | undefined;
  /** By name, or one of your own. */
  readonly schedule?: SpecOption | Schedule | undefined;
  /** By name; by given numbers as 'imagenet' or { name: 'meanstd', mean: [0.5], std: [0.25] }. */
  readonly normalize?: string | GivenMoments | undefined;
  /** In this order. */
  readonly augment?: SpecOption | readonly SpecOption[] | undefined;
  /** Attacked images to learn on: `'pgd:steps=10'`, or `{ name: 'pgd', steps: 10 }`. */
  readonly adversarial?: SpecOption | undefined;
  /** Private training: `'clip=1,noise=1.1'`, or `{ clip: 1, noise: 1.1 }`. */
  readonly dp?: string | Readonly<Record<string, number>> | undefined;
  /** Epochs without a better validation accuracy after which it ends; `'loss:5'` watches the loss. */
  readonly earlyStop?: number | string | undefined;
  /** The label of images that have none, as -1 or 255; of a folder the subfolder that holds them. */
  readonly ignoreLabel?: Label | undefined;
  /** `'balanced'`, a number for each class in their order, or numbers by name: `{ cat: 2, dog: 1 }`. */
  readonly classWeights?: string | readonly number[] | Readonly<Record<string, number>> | undefined;
  /** Layers and parameters that keep their values: `['conv1', 'layer*']`. */
  readonly freeze?: string | readonly string[] | undefined;
  /** Factors of the learning rate for some of them, `{ 'layer*': 0.1, 'stem.bias': '1@3' }`; of several patterns of one the last counts. */
  readonly lrOf?: string | Readonly<Record<string, number | string>> | undefined;
  /** Factors of weight decay in the same way. */
  readonly weightDecayOf?: string | Readonly<Record<string, number | string>> | undefined;
  /** By name, or one of your own (see layers/loss.ts). */
  readonly loss?: string | Loss | undefined;
  /** Weights to start from: tensors, a safetensors or ONNX file by its bytes or where it is, or `'backbone'`, the one that comes along. */
  readonly init?: Tensors | Source | undefined;
  /** A checkpoint to go on from. The other options stay as they were; epochs, steps, logEvery and changes after its step may change. */
  readonly resume?: Uint8Array | undefined;
  /** Steps between events of the type `checkpoint`; without it there are none. */
  readonly checkpointEvery?: number | undefined;
  /** Looks for NaN and infinities after each step, and names the layer that gave the first; slow. */
  readonly debug?: boolean | undefined;
  /** In place of the one that the library opens by itself and keeps. */
  readonly device?: Device | undefined;
  /**
   * Whether a page trains in a worker, so that it never waits: as it can without this. What cannot go there (what is of your own as
   * model, loss, optimizer or schedule, a device, data larger than memory) trains in the thread that has it.
   */
  readonly worker?: boolean | undefined;
  /** Ends the run after the step in flight; `done` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((event: StepEvent) => void) | undefined;
  readonly onEpoch?: ((event: EpochEvent) => void) | undefined;
  readonly onCheckpoint?: ((event: CheckpointEvent) => void) | undefined;
  /** Without it warnings go to the console. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** The options that are none of `descent train`. */
const OWN = [
  'resume',
  'checkpointEvery',
  'device',
  'worker',
  'signal',
  'onStep',
  'onEpoch',
  'onCheckpoint',
  'onWarning',
  'init',
  'debug',
] as const;

type Known = Key | (typeof OWN)[number];
const TEXTS = KEYS.filter(key => !(ELSEWHERE as readonly string[]).includes(key));
const KNOWN = Object.fromEntries([...TEXTS, ...OWN].map(key => [key, key as Known]));

/** Throws where an option is unknown, or of a kind that it cannot be. */
export function checkOptions(options: FitOptions): void {
  check(typeof options === 'object' && options !== null, `fit: its options are ${kindOf(options)}`, 'give an object, as { epochs: 5 }');
  for (const key of Object.keys(options)) lookUp('option of fit', key, KNOWN);
  const { resume, checkpointEvery: every } = options;
  check(resume === undefined || options.init === undefined, 'resume: a checkpoint has weights, and init gives others', 'leave out one');
  check(options.head === undefined || options.init !== undefined || resume, 'head: is of weights from elsewhere', 'give them as init');
  check(resume === undefined || resume instanceof Uint8Array, `resume: it is ${kindOf(resume)}`, 'give the bytes of a checkpoint');
  check(
    every === undefined || (Number.isInteger(every) && every > 0),
    `checkpointEvery: it is ${kindOf(every)}`,
    'give a number of steps, from 1 on',
  );
  const { optimizer } = options as { readonly optimizer?: Partial<Rule> };
  check(
    !optimizer?.update || !optimizer.hyper,
    `optimizer: it is the rule ${optimizer?.name}`,
    `give optimizer(rule, { lr }), or its name, as 'adam'`,
  );
  check(
    options.steps === undefined || options.epochs === undefined,
    `steps: the run is of ${options.steps} steps, and of ${options.epochs} epochs`,
    'leave one of the two out',
  );
  const own = ownParts(options);
  const { name, lr: ofOptimizer } = Object(options.optimizer) as { name?: string; lr?: unknown };
  const isRated = options.lr !== undefined ? 'lr' : ofOptimizer !== undefined && `optimizer: ${name} has lr`;
  check(!own.rates || !isRated, `${isRated}: the schedule is one of your own, which gives the rate itself`, 'leave the rate out');
  checkHandlers(options, ['onStep', 'onEpoch', 'onCheckpoint', 'onWarning']);
}

/** What of options is of the user's own making, and so no text. */
export interface OwnParts {
  readonly loss?: Loss;
  readonly optimizer?: Optimizer;
  readonly rates?: Schedule;
}

export function ownParts({ loss, optimizer, schedule }: FitOptions): OwnParts {
  return {
    ...(typeof loss === 'function' && { loss }),
    ...(typeof optimizer === 'object' && 'rule' in optimizer && 'addTo' in optimizer && { optimizer: optimizer as Optimizer }),
    ...(typeof schedule === 'object' && typeof schedule.at === 'function' && { rates: schedule as Schedule }),
  };
}

/** Around an optimizer of the user's own are the pieces that it was made with, and its rate is its own. */
function checkOwnOptimizer(options: FitOptions): void {
  const isOfOptimizer = (key: Key) => ['lr', 'lrOf', 'weightDecayOf'].includes(key) || optionOf(key).piece;
  const lost = TEXTS.find(key => isOfOptimizer(key) && options[key as keyof FitOptions] !== undefined);
  check(
    !lost,
    say`${named(lost!)}: the optimizer is one of your own, which would not hear of it`,
    'give it to optimizer(rule, options, pieces)',
  );
}

/** The configuration that options stand for. */
export const configOf = (model: string, dataset: string, options: FitOptions): RunConfig =>
  parseConfig(model, { dataset: dataset.replace(/[,:=]/g, '-'), ...textsOf(options) });

/** The options of `descent train` among options, as it has them. Throws where one cannot be written so. */
export function textsOf(options: FitOptions): Partial<Record<Key, string>> {
  const texts: Partial<Record<Key, string>> = {};
  const { loss, optimizer, rates } = ownParts(options);
  if (optimizer) checkOwnOptimizer(options);
  const isOwn: Partial<Record<Key, unknown>> = { loss, optimizer, schedule: rates };
  for (const key of TEXTS) {
    const value = options[key as keyof FitOptions] as unknown;
    if (value === undefined || isOwn[key]) continue;
    texts[key] = textOf(key, value);
  }
  return texts;
}

/** The value of an option as the command line has it. */
function textOf(key: Key, value: unknown): string {
  if ((LISTS as readonly string[]).includes(key)) return listText(named(key), value);
  const isSpec = Object.hasOwn(SPECS, key);
  return isSpec ? specText(key as keyof typeof SPECS, key === 'normalize' ? joined(value) : value) : scalarText(named(key), value);
}

/** An object whose lists are texts. */
const joined = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([key, v]) => [key, Array.isArray(v) ? v.join('/') : v]))
    : value;

/** Several values, or values by name, as the command line has them. */
function listText(who: Message, value: unknown): string {
  if (Array.isArray(value)) return value.map(one => scalarText(who, one)).join(',');
  if (typeof value !== 'object' || value === null) return scalarText(who, value);
  return Object.entries(value)
    .map(([name, one]) => `${name}=${scalarText(say`${who}: ${name}`, one)}`)
    .join(',');
}

function scalarText(who: Message, value: unknown): string {
  check(
    ['string', 'number', 'boolean'].includes(typeof value),
    say`${who}: it is ${kindOf(value)}`,
    'give a number, a text, true or false',
  );
  return String(value);
}

function specText(key: keyof typeof SPECS, value: unknown): string {
  const who = named(key);
  const [like, having] = SPECS[key];
  if (Array.isArray(value)) return value.map(one => specText(key, one)).join(',');
  if (typeof value === 'string') return value;
  const { name, ...options } = Object(value) as { name?: unknown; [option: string]: unknown };
  check(
    typeof name === 'string' && typeof value === 'object',
    say`${who}: it is ${kindOf(value)}`,
    `give a name, as '${like}', or an object, as { name: '${like}', ${having} }`,
  );
  for (const [own, option] of Object.entries(options)) scalarText(say`${who}: ${name}: ${own}`, option);
  const text = formatSpec({ name, options: options as Record<string, Scalar> });
  const [read, ...more] = parseSpecs(who, text);
  check(!more.length && read?.name === name, say`${who}: '${name}' is no name`, 'write options as keys of the object');
  return text;
}
