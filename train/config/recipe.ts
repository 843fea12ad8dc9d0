/** What the texts of a configuration stand for: read and checked once, where a run begins. Below the front ends nobody sees a text. */
import { check, DescentError, faultOf, named, say, type Named } from '../../engine/check.ts';
import { counted } from '../../engine/counted.ts';
import { needed, valuesOf } from '../../engine/parameter.ts';
import { COUNT } from '../../engine/range.ts';
import type { Layer } from '../../engine/graph.ts';
import type { ModelInput } from '../../models/model.ts';
import { scheduleOptions, schedules } from '../../optim/schedules.ts';
import type { Augmentation } from '../data/augmentation.ts';
import type { ClassWeights } from '../data/class-weights.ts';
import type { EarlyStopping } from '../run/early-stopping.ts';
import type { Adversarial } from '../step/trainer-options.ts';
import { WATCHED, type Watched } from '../step/metrics.ts';
import { checkDistribution, distribution, type Distribution } from '../distribute/methods.ts';
import { parseAdversarial } from './adversarial.ts';
import { parseAugment } from './augment.ts';
import { changesIn, formatChanges } from './changes.ts';
import { classWeightsFrom } from './class-weights.ts';
import { configAfter, type RunConfig } from './config.ts';
import { parseFactors, parsePatterns, type Factor } from './groups.ts';
import { parseNormalize, type Normalising } from './normalize.ts';
import { lastingOf, optimizersFrom, regularisersOf, written, type Method } from './optimizers.ts';
import { KEYS, optionOf, type Key } from './options.ts';
import { parseScalar, parseSpec, type Spec } from '../../engine/spec.ts';

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
      | 'changes'
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
  /** What changes while it trains, in the order of the steps. */
  readonly changes?: readonly Changed[];
  /** The options that are asked for and that only classes have a use for. */
  readonly ofClasses: readonly Named[];
}

/** What a run has from the step after `after` on. */
export interface Changed {
  readonly after: number;
  readonly optimizers: readonly Method[];
  readonly augment: Augmentation | undefined;
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
    changes: changesText,
    ...numbers
  } = config;
  const scheduled = scheduleText === undefined ? undefined : scheduleFrom(scheduleText);
  const grows = scheduled !== undefined && Boolean(schedules[scheduled.name]!.grows);
  const methods = optimizersFrom(config, grows);
  const { lr } = methods[0]!.hyper;
  checkSnapshots(config);
  checkSample(config);
  const changes = changesText === undefined ? undefined : changesFrom(config, methods, grows);
  const distributed = distribute === undefined ? undefined : distributionFrom(distribute, config, methods, grows);
  return {
    ...numbers,
    ...parseNormalize(named('normalize'), normalize),
    config: {
      ...config,
      optimizer: methods.map(written).join(','),
      lr,
      ...(changes && { changes: formatChanges(changesIn(config)) }),
    },
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
    ...(changes && { changes }),
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

/** What changes while a run trains. Throws where it is not to be had without beginning anew. */
function changesFrom(config: RunConfig, first: readonly Method[], grows: boolean): Changed[] {
  check(config.distribute === undefined, say`${named('changes')}: are of a run that trains alone`, say`leave out ${named('distribute')}`);
  return changesIn(config).map(({ after, values }) => {
    const now = configAfter(config, after);
    try {
      const optimizers = optimizersFrom(now, grows);
      const { augment: _, ...ofOptimizer } = values;
      const [key] = Object.keys(ofOptimizer);
      check(
        key === undefined || optimizers.length === 1,
        `${key}: the run has several optimizers, one after another`,
        'begin a new run where one of them is over',
      );
      const [before, later] = [first, optimizers].map(([method]) => lastingOf(method!));
      check(before === later, `${key}: ${first[0]!.name} would keep another past by it`, 'begin a new run with it');
      return { after, optimizers, augment: now.augment === undefined ? undefined : parseAugment(now.augment) };
    } catch (error) {
      const { problem, advice } = faultOf(error);
      throw new DescentError(say`${named('changes')} after step ${after}: ${problem}`, ...advice);
    }
  });
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
  const span = steps === undefined ? counted(epochs, 'epoch') : 'a number of steps';
  check(
    steps === undefined && epochs % snapshots === 0,
    say`${named('snapshots')}: ${snapshots} cycles do not fit ${span}`,
    say`give ${named('epochs')} a multiple of ${snapshots}`,
  );
}

/** What trains, in words: `adam at learning rate 0.001`. */
export function describeOptimizer({ optimizers, config }: Recipe): string {
  const phases = optimizers.map(({ name, hyper, epochs }) => {
    const span = epochs === undefined ? '' : ` for ${counted(epochs, 'epoch')}`;
    return `${name} at learning rate ${hyper.lr}${span}`;
  });
  return phases.join(', then ') + (config.schedule === undefined ? '' : ` (${config.schedule})`);
}
