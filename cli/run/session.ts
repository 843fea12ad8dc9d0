/** A recipe made real: adapter, device, data and trainer, for the commands that compute. */
import type { Dataset } from '../../datasets/dataset.ts';
import { checkDataset, isKnown, isTable } from '../../datasets/node/open.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import { words } from '../../engine/check.ts';
import { checkReached } from '../../engine/passes/reached.ts';
import type { Schedule } from '../../optim/schedule.ts';
import { checkNoFolder, ofOwnImages, type RunConfig } from '../../train/config/config.ts';
import type { RunData } from '../../train/data/data.ts';
import type { Exchange } from '../../train/distribute/exchange.ts';
import type { Facts } from '../../train/run/node/run-folder.ts';
import { openInference, type FileFacts } from '../../train/run/open-inference.ts';
import { openTrainer } from '../../train/run/open.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { describeOptimizer, type Recipe } from '../../train/config/recipe.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import type { GivenWeights } from '../../train/tune/tuning.ts';
import type { Inference } from '../../train/evaluate/inference.ts';
import type { Trainer } from '../../train/step/trainer.ts';
import { isOwnModel } from '../own-model.ts';
import { version } from '../version.ts';
import { openDevice, type DeviceOptions } from './device.ts';
import { flags } from '../flags.ts';
import { count, note } from '../output.ts';

export interface SessionOptions extends DeviceOptions {
  debug?: boolean;
  /** In place of the recipe's schedule; nothing is then evaluated. */
  rates?: Schedule;
  /** The other ranks, where several processes train. */
  ranks?: Exchange | undefined;
  /** Weights to start from. */
  startsFrom?: GivenWeights | undefined;
}

export interface Session {
  /** The recipe on the data set (see onDataset). */
  readonly recipe: Recipe;
  readonly trainer: Trainer;
  readonly data: RunData;
  readonly model: Layer;
  /** Steps of the whole run. */
  readonly total: number;
  /** What is trained on what and where, in one line. */
  readonly title: string;
  /** For config.json. */
  readonly facts: Facts;
  /** What a safetensors file must say so that it can be evaluated and used by itself. */
  readonly metadata: Readonly<Record<string, string>>;
  close(): void;
}

/** The configuration of a new run: of folders each class is held out of by the same share. Throws where what is of a folder is asked of none. */
export function asNew(config: RunConfig): RunConfig {
  const isOwn = !isKnown(config.dataset);
  if (!isOwn || isTable(config.dataset)) checkNoFolder(config);
  return isOwn ? ofOwnImages(config) : config;
}

/** The recipe of a configuration whose data set is a known one, or a folder that is there. Throws where a name is unknown. */
export function localRecipe(config: RunConfig): Recipe {
  const recipe = recipeOf(config);
  checkDataset(config.dataset);
  return recipe;
}

/** A trained model, to be evaluated. */
export interface InferenceSession {
  readonly device: Device;
  readonly model: Layer;
  readonly inference: Inference;
  readonly data: RunData;
  close(): void;
}

/** The net of a checkpoint on a data set. */
export interface Evaluated {
  readonly file: string;
  readonly weights: Tensors;
  readonly recipe: Recipe;
  readonly dataset: Dataset;
  readonly session: InferenceSession;
}

/** What `make` makes of a data set on a device, which is opened while the data set is read and closed where something fails. */
async function onDevice<T>(
  data: Dataset | Promise<Dataset>,
  options: DeviceOptions,
  make: (dataset: Dataset, device: Device) => Promise<T>,
): Promise<T> {
  const opening = openDevice(options);
  const [dataset, device] = await Promise.all([data, opening]).catch(async (error: unknown) => {
    const device = await opening.catch(() => undefined);
    device?.close();
    throw error;
  });
  return make(dataset, device).catch((error: unknown) => {
    device.close();
    throw error;
  });
}

export const openInferenceSession = (
  recipe: Recipe,
  weights: Tensors,
  data: Dataset,
  options: DeviceOptions & FileFacts,
): Promise<InferenceSession> =>
  onDevice(data, options, async (dataset, device) => {
    const { inference, data, model } = await openInference(recipe, weights, dataset, device, options);
    return {
      device,
      model,
      inference,
      data,
      close() {
        inference.destroy();
        device.close();
      },
    };
  });

export const openSession = (recipe: Recipe, data: Dataset | Promise<Dataset>, options: SessionOptions): Promise<Session> =>
  onDevice(data, options, async (dataset, device) => {
    const { debug, rates, ranks, startsFrom: start } = options; // the others are texts, which the recipe has read
    const opened = await openTrainer(recipe, dataset, device, { debug, rates, exchange: ranks, start });
    const { trainer, data, model, total, parameters, trained, metadata, parts, told } = opened;
    if (isOwnModel(recipe.config.model)) checkReached(trainer.graph);
    const lines = [...told.map(line => words(line, flags)), ...(opened.note ? [opened.note] : [])];
    if (!options.quiet) lines.forEach(note);
    const images = { train: data.parts.train.n, val: data.parts.val.n, test: data.parts.test.n };
    return {
      recipe: opened.recipe,
      trainer,
      data,
      model,
      total,
      metadata,
      title:
        `${recipe.config.model} (${count(parameters)} parameters${trained < parameters ? `, ${count(trained)} of them trained` : ''}) on ${dataset.name}: ` +
        `${count(images.train)} training${rates ? '' : `, ${count(images.val)} validation, ${count(images.test)} test`} images\n` +
        `${describeOptimizer(recipe)}, batches of ${recipe.batchSize}, on ${device.report.description}`,
      facts: {
        descent: version(),
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        adapter: { ...device.report, asked: options.adapter },
        parameters,
        ...(trained < parameters && { trained }),
        images,
        stepsPerEpoch: trainer.stepsPerEpoch,
        ...(trainer.privacy && { privacy: trainer.privacyAfter(total) }),
        parts,
      },
      close() {
        trainer.destroy();
        device.close();
      },
    };
  });
