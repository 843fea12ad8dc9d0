/** A recipe made real on a device, for every front end. */
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import { check, named, say, type Message } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Loss } from '../../layers/loss.ts';
import { biasScheme, initializer, schemes } from '../../layers/init.ts';
import { sgd } from '../../optim/first-order.ts';
import { optimizer, type Optimizer } from '../../optim/optimizer.ts';
import type { Schedule } from '../../optim/schedule.ts';
import type { Recipe } from '../config/recipe.ts';
import type { ClassWeights } from '../data/class-weights.ts';
import { openData, type RunData } from '../data/data.ts';
import { momentsFor } from '../data/normalise.ts';
import { lengthOf } from '../data/share.ts';
import { heldOut } from '../data/split.ts';
import { goesByData } from '../init/schemes.ts';
import { Trainer } from '../step/trainer.ts';
import type { TrainerOptions } from '../step/trainer-options.ts';
import { built } from '../evaluate/built.ts';
import type { GivenWeights, Tuning } from '../tune/tuning.ts';
import { metadataOf } from './metadata.ts';
import type { Making } from './changes.ts';
import { inParts } from './in-parts.ts';
import { phasesOf } from './phases.ts';
import { onDataset } from './task.ts';
import type { Exchange } from '../distribute/exchange.ts';
import { methods } from '../distribute/methods.ts';
import { scheduleOf, stepsOf } from './rates.ts';

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
  const { batchSize, distribute, classWeights } = recipe;
  const { exchange, start } = options;
  const { images, whole, tuning, drawn, features, told, augmented } = await netOf(recipe, dataset, device, options);
  const { data, head: model } = features ?? { data: images, head: whole };
  const stepsPerEpoch = Math.floor(data.parts.train.n / batchSize);
  const total = stepsOf(recipe, stepsPerEpoch);
  const making: Making = {
    own: options.rates ? 'schedule' : options.optimizer && 'optimizer',
    phasesOf: recipe => phasesOf(recipe, stepsPerEpoch, tuning),
    ratesOf: recipe => scheduleOf(recipe, total, stepsPerEpoch),
    data,
    augmented,
  };
  const phases = options.optimizer ? [{ optimizer: options.optimizer }] : making.phasesOf(recipe);
  const schedule = options.rates ?? making.ratesOf(recipe);
  // as all that few runs take, it is loaded by those that do
  const changesOf = async (recipe: Recipe) => (await import('./changes.ts')).changesOf(recipe, making);
  const weightsOf = async (of: ClassWeights) =>
    (await import('../data/class-weights.ts')).weightsOf(of, dataset.classes, data.parts.train.labels);
  const { sizes, shares } = sharing(recipe, exchange);
  const trainerOptions: TrainerOptions = {
    ...saidOf(recipe),
    ...drawn,
    ...shares,
    device,
    data,
    model,
    optimizer: distribute?.name === 'delay-tolerant' ? [{ optimizer: optimizer(sgd, { lr: phases[0]!.optimizer.hyper.lr }) }] : phases,
    schedule,
    changes: recipe.changes && (await changesOf(recipe)),
    debug: options.debug,
    loss: options.loss ?? recipe.loss,
    classWeights: classWeights && (await weightsOf(classWeights)),
    frozen: tuning.frozen,
    beside: features?.trunk,
    exchange,
    evaluatesAlone: options.evaluatesAlone,
  };
  const { trainer, parts, note } = await inParts(microBatches(recipe, sizes[exchange?.rank ?? 0]), exchange, sizes, accumulate =>
    Trainer.create({ ...trainerOptions, accumulate }),
  );
  if (goesByData(recipe)) await (await import('../init/by-data.ts')).drawByData(recipe, trainer, model);
  const given = Object.entries(tuning.start?.weights ?? {}).filter(([name]) => !Object.hasOwn(features?.trunk ?? {}, name));
  if (given.length) await trainer.loadWeights(Object.fromEntries(given), { strict: start?.isOwn === true });
  const trained = [...trainer.graph.params.values()].reduce((n, p) => n + p.value.size, 0);
  return {
    recipe,
    trainer,
    data: images,
    model: whole,
    total,
    change: async other => trainer.change(await changesOf(onDataset(other, dataset))),
    parts,
    note,
    told: recipe.checkpointActivations ? [...told, ...(await import('./saved-memory.ts')).savedBy(trainer)] : told,
    parameters: tuning.frozen ? built(whole, dataset.shape).weights.reduce((n, t) => n + (t.role === 'param' ? t.size : 0), 0) : trained,
    trained,
    metadata: fileMetadata(recipe, dataset, images),
  };
}

/** What trains, on which images: all of a model, or what comes after a frozen trunk on the features of that. */
async function netOf(recipe: Recipe, dataset: Dataset, device: Device, { folds, fold, exchange, start }: OpenOptions) {
  const { shape } = dataset;
  const { augment, freeze, featureViews, lrOf, weightDecayOf, normalize, initScheme: scheme } = recipe;
  const seen = { normalize, moments: momentsFor(recipe.moments, shape[0]), ...heldOut(recipe), folds, fold };
  const images = await openData(dataset, { ...seen, augment });
  const input = { shape, classes: outputsOf(dataset).length };
  const tunes = start ?? freeze ?? lrOf ?? weightDecayOf;
  const tuning: Tuning = tunes ? (await import('../tune/tuning.ts')).tuningOf(recipe, input, start) : {};
  const whole = recipe.model.layer(input);
  const isDrawn = scheme !== undefined && Object.hasOwn(schemes, scheme);
  const drawn = isDrawn ? { weights: initializer(scheme), biases: biasScheme(scheme) } : {};
  const trunk = freeze || featureViews ? await import('../tune/frozen-trunk.ts') : undefined;
  const features = await trunk?.featuresFor(recipe, { device, model: whole, data: images, drawn }, tuning, exchange);
  const again: Making['augmented'] = augment => openData(dataset, { ...seen, augment });
  const ofStart = tuning.start?.told === undefined ? [] : [say`${named('init')}: ${tuning.start.told}`];
  const told: Message[] = [...ofStart, ...(trunk?.toldOf(recipe, features) ?? [])];
  return { images, whole, tuning, drawn, features, told, augmented: features ? undefined : again };
}

/** What a recipe says to its trainer by itself, whatever the data and the device. */
const saidOf = (recipe: Recipe): Partial<TrainerOptions> & Pick<TrainerOptions, 'batchSize'> => ({
  batchSize: recipe.batchSize,
  seed: recipe.seed,
  shuffle: recipe.shuffle,
  curriculum: recipe.order === 'curriculum',
  balanced: recipe.sample === 'balanced',
  smoothing: recipe.labelSmoothing,
  adversarial: recipe.adversarial,
  population: recipe.bnStats === 'population',
  fuse: recipe.fuse,
  checkpoint: recipe.checkpointActivations,
  half: recipe.precision === 'f16',
});

/** How ranks share a step, and the sizes of their shares of its batch: of one where each takes batches of its own. */
function sharing(
  { distribute, batchSize }: Recipe,
  exchange: Exchange | undefined,
): { readonly sizes: readonly number[]; readonly shares: Partial<TrainerOptions> } {
  check(!distribute || exchange, say`${named('distribute')}: is of one training run on several ranks`, 'leave it out');
  if (!distribute || !methods[distribute.name].together)
    return { sizes: [batchSize], shares: { withoutUpdate: distribute?.name === 'delay-tolerant' } };
  const { size } = exchange!;
  const shares = {
    sharesBatches: true,
    sharesGradients: distribute.name === 'sync',
    syncBatchNorm: distribute.options['sync-bn'] === true,
  };
  return { sizes: Array.from({ length: size }, (_, rank) => lengthOf(batchSize, { rank, size })), shares };
}

/** What files of a run's weights say of themselves. */
const fileMetadata = (
  { config, dataset: name, normalize, resize }: Recipe,
  { shape, classes, outputs, inputs, dtype }: Dataset,
  images: RunData,
) =>
  metadataOf({
    model: config.model,
    dataset: name,
    shape,
    classes,
    outputs,
    inputs,
    dtype,
    normalize,
    moments: normalize === 'none' ? undefined : images.normalisation.moments, // asked for, they are taken of all images
    resize,
  });

/**
 * Into how many micro-batches a batch is asked to be divided: of private training one for each of a rank's `own` images. Throws where others
 * are asked for.
 */
function microBatches({ batchSize, accumulate, featureViews, dp }: Recipe, own = batchSize) {
  if (dp === undefined) return { batchSize, accumulate };
  check(accumulate === 1, say`${named('dp', dp)}: computes each image by itself`, say`leave out ${named('accumulate', accumulate)}`);
  check(
    featureViews === undefined,
    say`${named('dp', dp)}: ${named('featureViews')} shows each image several times`,
    'leave one of the two out',
  );
  return { batchSize, accumulate: own };
}
