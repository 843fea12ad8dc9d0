/** What the texts of a configuration stand for: read and checked once, where a run begins. Below the front ends nobody sees a text. */
import { check, lookUp, named, say, type Named } from '../../engine/check.ts';
import { needed, valuesOf, type Scalar } from '../../engine/parameter.ts';
import { COUNT } from '../../engine/range.ts';
import type { Layer } from '../../engine/graph.ts';
import type { ModelInput } from '../../models/model.ts';
import { netRules, optimizers } from '../../optim/index.ts';
import type { Piece } from '../../optim/pieces.ts';
import { quasiNewton, quasiNewtonMethods, type QuasiNewton } from '../../optim/quasi-newton.ts';
import { hyperParameters, type Hyper, type Rule } from '../../optim/rule.ts';
import { scheduleOptions, schedules } from '../../optim/schedules.ts';
import type { Augmentation } from '../data/augmentation.ts';
import type { ClassWeights } from '../data/class-weights.ts';
import type { EarlyStopping } from '../run/early-stopping.ts';
import type { Adversarial } from '../step/trainer-options.ts';
import { WATCHED, type Watched } from '../step/metrics.ts';
import { checkDistribution, distribution, type Distribution } from '../distribute/methods.ts';
import { parseAdversarial } from './adversarial.ts';
import { parseAugment } from './augment.ts';
import { checkBelongs } from './belongs.ts';
import { classWeightsFrom } from './class-weights.ts';
import type { RunConfig } from './config.ts';
import { parseFactors, parsePatterns, type Factor } from './groups.ts';
import { parseNormalize, type Normalising } from './normalize.ts';
import type { Lengths } from './option.ts';
import { KEYS, optionOf, type Key } from './options.ts';
import { formatSpec, parseScalar, parseSpec, parseSpecs, type Spec } from '../../engine/spec.ts';

/** A rule with its hyper-parameters, and what is done around it once it is known how long an epoch is. */
export interface FirstOrder {
  readonly name: string;
  readonly rule: Rule;
  readonly hyper: Hyper;
  readonly around: readonly ((lengths: Lengths) => Piece)[];
}

/** One of the optimizers that train one after another; each but the last says for how many epochs. */
export type Method = (FirstOrder | QuasiNewton) & { readonly epochs?: number };

/** A schedule by its name, with the values of its options. */
export interface Chosen {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A model by its name, with what it is made of. */
export interface ChosenModel {
  readonly name: string;
  layer(input: ModelInput): Layer;
  /** As in Model. */
  readonly whitened?: string | undefined;
}

/** A run as all that trains takes it: its configuration, with what the texts stand for in their place. */
export interface Recipe
  extends Omit<
      RunConfig,
      | 'model'
      | 'optimizer'
      | 'lr'
      | 'schedule'
      | 'augment'
      | 'normalize'
      | 'classWeights'
      | 'freeze'
      | 'lrOf'
      | 'weightDecayOf'
      | 'earlyStop'
      | 'adversarial'
      | 'distribute'
    >,
    Normalising {
  /** The texts, all hyper-parameters spelt out so that later defaults do not change them: for config.json, titles and files of weights. */
  readonly config: RunConfig;
  readonly model: ChosenModel;
  /** At least one; the learning rate of the run is that of the first. */
  readonly optimizers: readonly Method[];
  readonly schedule?: Chosen;
  readonly augment?: Augmentation;
  readonly classWeights?: ClassWeights;
  /** Patterns of the parameters that keep their values. */
  readonly freeze?: readonly string[];
  /** Factors of the learning rate and of weight decay; of several patterns of a parameter the last counts. */
  readonly lrOf?: readonly Factor[];
  readonly weightDecayOf?: readonly Factor[];
  readonly earlyStop?: EarlyStopping;
  /** How each batch is attacked before it is learnt from. */
  readonly adversarial?: Adversarial;
  /** How several processes train the net together. */
  readonly distribute?: Distribution;
  /** The options that are asked for and that only classes have a use for. */
  readonly ofClasses: readonly Named[];
}

/** The recipe of a configuration of `model`. Throws where a text names what does not exist, or where options do not go together. */
export function recipeWith(config: RunConfig, model: ChosenModel): Recipe {
  const {
    model: _model,
    optimizer: _,
    lr: __,
    schedule: scheduleText,
    augment: augmentText,
    normalize,
    classWeights,
    freeze,
    lrOf,
    weightDecayOf,
    earlyStop,
    adversarial,
    distribute,
    ...numbers
  } = config;
  const scheduled = scheduleText === undefined ? undefined : scheduleFrom(scheduleText);
  const grows = scheduled !== undefined && Boolean(schedules[scheduled.name]!.grows);
  const methods = optimizersFrom(config, grows);
  const { lr } = methods[0]!.hyper;
  checkSnapshots(config);
  checkSample(config);
  const distributed = distribute === undefined ? undefined : distributionFrom(distribute, config, methods, grows);
  return {
    ...numbers,
    ...parseNormalize(named('normalize'), normalize),
    config: { ...config, optimizer: methods.map(written).join(','), lr },
    model,
    optimizers: methods,
    ...(scheduled && { schedule: scheduled }),
    ...(augmentText !== undefined && { augment: parseAugment(augmentText) }),
    ...(classWeights !== undefined && { classWeights: classWeightsFrom(classWeights) }),
    ...(freeze !== undefined && { freeze: parsePatterns(named('freeze'), freeze) }),
    ...(lrOf !== undefined && { lrOf: parseFactors(named('lrOf'), lrOf) }),
    ...(weightDecayOf !== undefined && { weightDecayOf: parseFactors(named('weightDecayOf'), weightDecayOf) }),
    ...(earlyStop !== undefined && { earlyStop: earlyStopFrom(earlyStop) }),
    ...(adversarial !== undefined && { adversarial: parseAdversarial(named('adversarial'), adversarial) }),
    ...(distributed && { distribute: distributed }),
    ofClasses: KEYS.filter(key => optionOf(key).ofClasses && config[key] !== optionOf(key).default).map(key => named(key, config[key])),
  };
}

function scheduleFrom(text: string): Chosen {
  const { name, options } = onlyOptions('schedule', text);
  return { name, options: scheduleOptions(name, options) };
}

/** A name with options, each by its key. */
function onlyOptions(key: Key, text: string): Spec {
  const spec = parseSpec(named(key), text);
  check(spec.value === undefined, say`${named(key)}: '${String(spec.value)}' is no option of ${spec.name}`, `write ${spec.name}:key=value`);
  return spec;
}

const PATIENCE = { patience: needed(3, 'epochs without a better one', COUNT) };

/** `5` epochs without a better evaluation, or what is watched by name: `loss:5`, `loss:patience=5`. */
function earlyStopFrom(text: string): EarlyStopping {
  const who = named('earlyStop');
  const isNumber = typeof parseScalar(text.trim()) === 'number';
  const { name, value, options } = parseSpec(who, isNumber ? `accuracy:${text}` : text);
  check(
    WATCHED.some(watched => watched === name),
    say`${who}: '${name}' is not known`,
    `give a number of epochs, or one of ${WATCHED.join(', ')}`,
  );
  const { patience } = valuesOf(
    name,
    PATIENCE,
    { ...(value !== undefined && { patience: value }), ...options },
    { who: say`${who} ${name}` },
  );
  return { ...(!isNumber && { watched: name as Watched }), patience };
}

/** Options that keep weights of several steps. */
const AVERAGES: readonly Key[] = ['ema', 'swa', 'swag', 'snapshots'];

function distributionFrom(text: string, config: RunConfig, optimizers: readonly Method[], grows: boolean): Distribution {
  const { name, options } = onlyOptions('distribute', text);
  const chosen = distribution(name, options);
  checkDistribution(chosen, {
    optimizers: optimizers.map(method => ({ name: method.name, isFirstOrder: 'rule' in method })),
    around: regularisersOf(config),
    grows,
    averages: AVERAGES.filter(key => config[key] !== undefined),
  });
  return chosen;
}

/** Regularisers under which the loss is no smooth function of free weights. */
const NOT_SMOOTH: readonly Key[] = ['l1', 'l1Proximal', 'maxNorm'];

/** The regularisers that a configuration asks for, in the order in which they act. */
const regularisersOf = (config: RunConfig): Key[] =>
  KEYS.filter(key => {
    const { piece, default: usual, off = usual } = optionOf(key);
    return piece && config[key] !== undefined && config[key] !== off;
  });

/** The optimizers of a configuration in order; `grows` is whether its schedule makes batches grow. */
function optimizersFrom(config: RunConfig, grows: boolean): Method[] {
  const specs = parseSpecs(named('optimizer'), config.optimizer);
  check(
    config.swa === undefined || !grows,
    say`${named('swa')}: counts updates, which a growing batch makes fewer`,
    say`take ${named('ema')}`,
    'another schedule',
  );
  check(config.swa === undefined || specs.length === 1, say`${named('swa')}: is for one optimizer`, 'leave it out, or the others');
  check(
    config.swa === undefined || config.ema === undefined,
    say`${named('swa')}: averages the weights, as ${named('ema')} does`,
    'leave one of them out',
  );
  return specs.map(({ name, value, options: { epochs, ...options } }, i) => {
    check(value === undefined, say`${named('optimizer')}: '${String(value)}' is no hyper-parameter of ${name}`, `write ${name}:key=value`);
    lookUp('optimizer', name, optimizers);
    checkBelongs(name, options);
    checkEpochs(name, epochs, i === specs.length - 1);
    check(
      i > 0 || !grows || (Object.hasOwn(netRules, name) && !netRules[name]!.probes),
      say`${named('schedule')} batch-growth: ${name} keeps to one batch`,
      'take another optimizer, or another schedule',
    );
    const hyper = { ...options, ...(i === 0 && config.lr !== undefined && { lr: config.lr }) };
    const made = Object.hasOwn(quasiNewtonMethods, name)
      ? smooth(name, hyper, config, specs.length === 1)
      : firstOrder(name, hyper, config);
    return { ...made, ...(epochs !== undefined && { epochs: epochs as number }) };
  });
}

/** Every optimizer but the last says for how many epochs it trains. */
function checkEpochs(name: string, epochs: Scalar | undefined, last: boolean): void {
  if (last) {
    check(
      epochs === undefined,
      say`${named('optimizer')}: ${name}:epochs=${epochs} has no optimizer after it`,
      'leave out its epochs, or name the next optimizer',
    );
  } else {
    check(
      Number.isInteger(epochs) && (epochs as number) > 0,
      say`${named('optimizer')}: ${name} has another optimizer after it`,
      `say for how long, as in ${name}:epochs=5`,
    );
  }
}

/** A rule and what is around it; one with a weight decay of its own takes that of the configuration in place of an L2 penalty. */
function firstOrder(name: string, given: Readonly<Record<string, Scalar>>, config: RunConfig): FirstOrder {
  const rule = netRules[name]!;
  const own = 'weight_decay' in rule.hyper;
  const decay = own && config.weightDecay !== undefined ? { weight_decay: config.weightDecay } : {};
  const around = regularisersOf(config)
    .filter(key => !own || key !== 'weightDecay')
    .map(key => (lengths: Lengths) => optionOf(key).piece!(config[key], lengths));
  return { name, rule, hyper: hyperParameters(name, rule.hyper, { ...decay, ...given }), around };
}

/** A quasi-Newton method; `alone` where no first-order optimizer comes before or after it, which would have the other regularisers. */
function smooth(name: string, hyper: Readonly<Record<string, Scalar>>, config: RunConfig, alone: boolean): QuasiNewton {
  const grouped = (['lrOf', 'weightDecayOf'] as const).find(key => config[key] !== undefined);
  const unfit = grouped ?? regularisersOf(config).find(key => key !== 'weightDecay' && (alone || NOT_SMOOTH.includes(key)));
  check(
    !unfit,
    say`${name}: minimises a smooth function of all weights, ${unfit && named(unfit)} is not for it`,
    say`leave that out (${named('weightDecay')} can stay)`,
    'take a first-order optimizer',
  );
  const { weightDecay = 0, decayBias } = config;
  return { ...quasiNewton(quasiNewtonMethods[name]!, hyper), ...(weightDecay > 0 && { l2: { weight: weightDecay, biases: decayBias } }) };
}

/** The text of an optimizer that is number `i`; the rate of the first one is an option of its own. */
function written({ name, epochs, hyper: { lr, ...hyper } }: Method, i: number): string {
  return formatSpec({ name, options: { ...(epochs !== undefined && { epochs }), ...(i > 0 && { lr }), ...hyper } });
}

/** Images that are drawn have no order of their own. */
function checkSample({ sample, order, shuffle }: RunConfig): void {
  if (sample === 'all') return;
  const who = say`${named('sample', sample)}: draws images at random`;
  check(order === 'random', say`${who}, and ${named('order', order)} goes from easy to hard`, 'leave out one of the two');
  check(shuffle, say`${who}, and ${named('shuffle')} keeps them in file order`, 'leave out one of the two');
}

function checkSnapshots({ snapshots, schedule, steps, epochs }: RunConfig): void {
  if (snapshots === undefined) return;
  check(schedule === undefined, say`${named('snapshots')}: brings a schedule of its own`, say`leave out ${named('schedule')}`);
  const span = steps === undefined ? `${epochs} epochs` : 'a number of steps';
  check(
    steps === undefined && epochs % snapshots === 0,
    say`${named('snapshots')}: ${snapshots} cycles do not fit ${span}`,
    say`give ${named('epochs')} a multiple of ${snapshots}`,
  );
}

/** What trains, in words: `adam at learning rate 0.001`. */
export function describeOptimizer({ optimizers, config }: Recipe): string {
  const phases = optimizers.map(({ name, hyper, epochs }) => {
    const span = epochs === undefined ? '' : ` for ${epochs} epochs`;
    return `${name} at learning rate ${hyper.lr}${span}`;
  });
  return phases.join(', then ') + (config.schedule === undefined ? '' : ` (${config.schedule})`);
}
