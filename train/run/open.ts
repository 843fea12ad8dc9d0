/** A recipe made real on a device, for every front end. */
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import { check, named, say, type Message } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import { megabytes } from '../../engine/plan.ts';
import type { Loss } from '../../layers/loss.ts';
import { biasScheme, initializer, schemes } from '../../layers/init.ts';
import { sgd } from '../../optim/first-order.ts';
import { optimizer, type Optimizer } from '../../optim/optimizer.ts';
import type { Schedule } from '../../optim/schedule.ts';
import type { FirstOrder } from '../config/optimizers.ts';
import type { Recipe } from '../config/recipe.ts';
import { weightsOf } from '../data/class-weights.ts';
import { openData, type RunData } from '../data/data.ts';
import { momentsFor } from '../data/normalise.ts';
import { lengthOf } from '../data/share.ts';
import { heldOut } from '../data/split.ts';
import { BOXES } from '../init/schemes.ts';
import type { Phase } from '../step/phases/phase.ts';
import { Trainer } from '../step/trainer.ts';
import { built } from '../evaluate/built.ts';
import type { FeatureOptions, Features } from '../tune/features.ts';
import type { GivenWeights, Tuning } from '../tune/tuning.ts';
import { metadataOf } from './metadata.ts';
import { changesOf } from './changes.ts';
import { inParts } from './in-parts.ts';
import { onDataset } from './task.ts';
import type { Exchange } from '../distribute/exchange.ts';
import { methods } from '../distribute/methods.ts';
import { scheduleOf } from './rates.ts';

export interface Opened {
  /** The recipe on this data set (see onDataset). */
  readonly recipe: Recipe;
  readonly trainer: Trainer;
  readonly data: RunData;
  readonly model: Layer;
  /** Goes on as a recipe says that is this one but for its changes; throws where one of them cannot be, and all is as before. */
  readonly change: (recipe: Recipe) => Promise<void>;
  /** Steps of the whole run. */
  readonly total: number;
  /** Equal parts in which each batch is computed: as asked for, or as many as it takes to fit; then `note` says so in one line. */
  readonly parts: number;
  readonly note: string | undefined;
  /** What became of weights that were given, and what memory computing activations a second time saves, and at what cost: a line each. */
  readonly told: readonly Message[];
  /** Values in all, and those that are trained. */
  readonly parameters: number;
  readonly trained: number;
  /** What a safetensors file must say so that it can be evaluated and used by itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface OpenOptions {
  readonly debug?: boolean | undefined;
  /** Folds of a cross-validation, in place of a share held out. */
  readonly folds?: number | undefined;
  readonly fold?: number | undefined;
  /** In place of the recipe's schedule. */
  readonly rates?: Schedule | undefined;
  /** In place of the recipe's loss. */
  readonly loss?: Loss | undefined;
  /** In place of the recipe's optimizers. */
  readonly optimizer?: Optimizer | undefined;
  /** The other ranks, where the recipe asks for several. */
  readonly exchange?: Exchange | undefined;
  /** Whether each of these evaluates on all images by itself. */
  readonly evaluatesAlone?: boolean;
  /** Weights to start from. */
  readonly start?: GivenWeights | undefined;
}

/** Data, model and trainer of a recipe, its first weights as asked for. Throws where these do not go together. */
export async function openTrainer(asked: Recipe, dataset: Dataset, device: Device, options: OpenOptions = {}): Promise<Opened> {
  const recipe = onDataset(asked, dataset);
  const { shape, classes, outputs, inputs } = dataset;
  const { batchSize, normalize, augment, seed, initScheme: scheme } = recipe;
  const { folds, fold, exchange } = options;
  const moments = momentsFor(recipe.moments, shape[0]);
  const seen = { normalize, moments, ...heldOut(recipe), folds, fold };
  const images = await openData(dataset, { ...seen, augment });
  const { classWeights } = recipe;
  const input = { shape, classes: outputsOf(dataset).length };
  const tunes = options.start ?? recipe.freeze ?? recipe.lrOf ?? recipe.weightDecayOf;
  const tuning: Tuning = tunes ? (await import('../tune/tuning.ts')).tuningOf(recipe, input, options.start) : {};
  const whole = recipe.model.layer(input);
  const own = scheme !== undefined && Object.hasOwn(schemes, scheme);
  const drawn = own ? { weights: initializer(scheme), biases: biasScheme(scheme) } : {};
  const features = await cached(recipe, { device, model: whole, data: images, drawn }, tuning, exchange);
  const { data, head: model } = features ?? { data: images, head: whole };
  const stepsPerEpoch = Math.floor(data.parts.train.n / batchSize);
  const total = recipe.steps ?? recipe.epochs * stepsPerEpoch;
  const phases = options.optimizer ? [{ optimizer: options.optimizer }] : phasesOf(recipe, stepsPerEpoch, tuning);
  const rates = options.rates ?? scheduleOf(recipe, total, stepsPerEpoch);
  const changing = (recipe: Recipe) => {
    const own = options.rates ? 'schedule' : options.optimizer && 'optimizer';
    check(!own || !recipe.changes, say`${named('changes')}: the ${own} is one of your own, which would not hear of them`, 'leave them out');
    return changesOf(recipe, {
      phasesOf: changed => phasesOf(changed, stepsPerEpoch, tuning),
      ratesOf: changed => scheduleOf(changed, total, stepsPerEpoch),
      data,
      augmented: features ? undefined : augment => openData(dataset, { ...seen, augment }),
    });
  };
  const changes = await changing(recipe);
  const { distribute } = recipe;
  check(!distribute || exchange, say`${named('distribute')}: is of one training run on several ranks`, 'leave it out');
  const together = distribute && exchange && methods[distribute.name].together;
  const sizes = together
    ? Array.from({ length: exchange.size }, (_, rank) => lengthOf(batchSize, { rank, size: exchange.size }))
    : [batchSize];
  const split = recipe.dp === undefined ? recipe : { batchSize, accumulate: each(recipe, sizes[exchange?.rank ?? 0] ?? batchSize) };
  const { trainer, parts, note } = await inParts(split, exchange, sizes, parts =>
    Trainer.create({
      device,
      data,
      model,
      batchSize,
      accumulate: parts,
      optimizer: distribute?.name === 'delay-tolerant' ? [{ optimizer: optimizer(sgd, { lr: phases[0]!.optimizer.hyper.lr }) }] : phases,
      schedule: rates,
      changes,
      seed,
      shuffle: recipe.shuffle,
      curriculum: recipe.order === 'curriculum',
      debug: options.debug,
      loss: options.loss ?? recipe.loss,
      smoothing: recipe.labelSmoothing,
      adversarial: recipe.adversarial,
      classWeights: classWeights && weightsOf(classWeights, classes, data.parts.train.labels),
      balanced: recipe.sample === 'balanced',
      ...drawn,
      frozen: tuning.frozen,
      beside: features?.trunk,
      population: recipe.bnStats === 'population',
      fuse: recipe.fuse,
      checkpoint: recipe.checkpointActivations,
      half: recipe.precision === 'f16',
      exchange,
      evaluatesAlone: options.evaluatesAlone,
      ...(together && {
        sharesBatches: true,
        sharesGradients: distribute.name === 'sync',
        syncBatchNorm: distribute.options['sync-bn'] === true,
      }),
      withoutUpdate: distribute?.name === 'delay-tolerant',
    }),
  );
  // Ways of drawing weights that few runs take are loaded by those that do.
  if (scheme === 'lsuv') await (await import('../init/lsuv.ts')).lsuv({ model, seed }, trainer.data);
  const box = BOXES.find(name => name === scheme);
  if (box) (await import('../init/box.ts')).boxInit(trainer.graph, trainer.data, box, seed);
  const { whitened } = recipe.model;
  if (whitened) await (await import('../init/whiten-patches.ts')).whitenFirst(trainer.graph, trainer.data, whitened);
  const { start } = tuning;
  const given = Object.entries(start?.weights ?? {}).filter(([name]) => !Object.hasOwn(features?.trunk ?? {}, name));
  if (given.length) await trainer.loadWeights(Object.fromEntries(given), { strict: options.start?.isOwn === true });
  const trained = [...trainer.graph.params.values()].reduce((n, p) => n + p.value.size, 0);
  return {
    recipe,
    trainer,
    data: images,
    model: whole,
    total,
    change: async other => trainer.change(await changing(onDataset(other, dataset))),
    parts,
    note,
    told: [
      ...(start?.told === undefined ? [] : [say`${named('init')}: ${start.told}`]),
      ...(features
        ? [say`${named('freeze')}: the ${features.size} features of each image are computed once, and the rest trains on them`]
        : recipe.featureViews
          ? [say`${named('featureViews')}: the frozen layers give no features here, so that each image is augmented anew at each step`]
          : []),
      ...savedBy(trainer),
    ],
    parameters: tuning.frozen ? built(whole, shape).weights.reduce((n, t) => n + (t.role === 'param' ? t.size : 0), 0) : trained,
    trained,
    metadata: metadataOf({
      model: recipe.config.model,
      dataset: recipe.dataset,
      shape,
      classes: outputs ? undefined : classes,
      outputs,
      inputs,
      dtype: dataset.dtype,
      normalize,
      moments: normalize === 'none' ? undefined : images.normalisation.moments,
      resize: recipe.resize,
    }),
  };
}

/** What computing activations a second time saves, and at what cost, where it is asked for. */
function savedBy({ program }: Trainer): Message[] {
  const { peak, unchecked, slowdown } = program.plan;
  if (unchecked === undefined || slowdown === undefined) return [];
  if (peak >= unchecked) return [say`${named('checkpointActivations')}: nothing is saved, activations take ${megabytes(peak)} either way`];
  const bytes = `activations take ${megabytes(peak)} in place of ${megabytes(unchecked)}`;
  return [say`${named('checkpointActivations')}: ${bytes}, a step ${slowdown.toFixed(2)} times as long by estimate`];
}

/** What trains in place of a model whose frozen trunk gives the same features each time, where that saves work. */
async function cached(
  recipe: Recipe,
  made: Pick<FeatureOptions, 'device' | 'model' | 'data' | 'drawn'>,
  { start, frozen }: Tuning,
  exchange: Exchange | undefined,
): Promise<Features | undefined> {
  const { augment, featureViews: views = 0, batchSize, steps = Infinity, precision, adversarial, seed, fuse, initScheme } = recipe;
  check(
    !views || (augment && frozen),
    say`${named('featureViews')}: is of images that are augmented before a frozen trunk`,
    say`give ${named('augment')} and ${named('freeze')} too, or leave it out`,
  );
  const isMixed = augment?.mix.length || (augment?.views ?? 1) > 1;
  check(
    !views || !isMixed,
    say`${named('featureViews')}: images that are mixed or shown side by side have no features of their own`,
    'leave it out',
  );
  // Fewer steps would not see each image; with views an epoch is longer, which it must be of a run that may go on with more steps too.
  const once = views > 0 || steps * batchSize >= made.data.parts.train.n;
  // What is asked here is else the same of a run that goes on, whose weights say nothing of how it began.
  if (
    !frozen ||
    !once ||
    exchange ||
    adversarial !== undefined ||
    precision === 'f16' ||
    recipe.model.whitened ||
    (initScheme !== undefined && !Object.hasOwn(schemes, initScheme)) || // made of the images, with all layers in place
    (augment && !views)
  )
    return undefined;
  const { featuresOf } = await import('../tune/features.ts');
  return featuresOf({ ...made, frozen, weights: start?.weights, seed, fuse, views });
}

/** Micro-batches of private training: one for each of a rank's images. Throws where others are asked for. */
function each({ accumulate, featureViews, dp }: Recipe, own: number): number {
  check(accumulate === 1, say`${named('dp', dp)}: computes each image by itself`, say`leave out ${named('accumulate', accumulate)}`);
  check(
    featureViews === undefined,
    say`${named('dp', dp)}: ${named('featureViews')} shows each image several times`,
    'leave one of the two out',
  );
  return own;
}

/** The phases of a run: each optimizer, and for how many steps it trains (the last one to the end). */
export function phasesOf({ optimizers, decayBias, ...recipe }: Recipe, stepsPerEpoch: number, { lr, decay }: Tuning = {}): Phase[] {
  const total = recipe.steps ?? recipe.epochs * stepsPerEpoch;
  const epochs = Math.max(1, Math.floor(total / stepsPerEpoch));
  let start = 0;
  return optimizers.map(({ epochs: own, ...method }) => {
    const before = start;
    const steps = own === undefined ? total - before : own * stepsPerEpoch;
    start += steps;
    const groups = { decayBias, lr, decay, epochsBefore: (t: number) => (before + t - 1) / stepsPerEpoch };
    const pieces = (around: FirstOrder['around']) => around.map(piece => piece({ stepsPerEpoch, epochs, steps }));
    return {
      optimizer: 'rule' in method ? optimizer(method.rule, method.hyper, pieces(method.around), groups) : method,
      ...(own !== undefined && { steps }),
    };
  });
}
