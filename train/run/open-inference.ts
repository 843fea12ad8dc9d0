/** A trained model made real on a device, for every front end. */
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import { TooLarge } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Recipe } from '../config/recipe.ts';
import { openData, type RunData } from '../data/data.ts';
import { momentsFor } from '../data/normalise.ts';
import { heldOut } from '../data/split.ts';
import type { Moments } from '../data/statistics.ts';
import { Inference } from '../evaluate/inference.ts';
import type { Tensors } from './safetensors.ts';
import { onDataset } from './task.ts';

/** What the file of a model's weights may say of itself. */
export interface FileFacts {
  /** Those of the images that it was trained on. */
  readonly moments?: Moments | undefined;
  /** Said where its batch norms have the statistics of all training images under these weights: they need not be computed then. */
  readonly statistics?: 'population' | undefined;
}

/** A trained model on a device, by the largest batches that fit, and its data. */
export async function openInference(
  asked: Recipe,
  weights: Tensors,
  dataset: Dataset,
  device: Device,
  facts: FileFacts = {},
): Promise<{ inference: Inference; data: RunData; model: Layer }> {
  const recipe = onDataset(asked, dataset);
  const { normalize, seed, fuse, loss } = recipe;
  const known = momentsFor(facts.moments ?? recipe.moments, dataset.shape[0]);
  const data = await openData(dataset, { normalize, ...heldOut(recipe), moments: known });
  const model = recipe.model.layer({ shape: dataset.shape, classes: outputsOf(dataset).length });
  const population = recipe.bnStats === 'population' && facts.statistics !== 'population';
  for (let batchSize = recipe.batchSize / recipe.accumulate; ; batchSize = Math.ceil(batchSize / 2)) {
    const inference = new Inference({ device, model, data, batchSize, seed, loss, fuse, population }, weights);
    try {
      await inference.compile();
      return { data, model, inference };
    } catch (error) {
      inference.destroy();
      if (!(error instanceof TooLarge) || batchSize === 1) throw error;
    }
  }
}
