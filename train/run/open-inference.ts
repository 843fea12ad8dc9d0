/** A trained model made real on a device, for every front end. */
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import { TooLarge } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Recipe } from '../config/recipe.ts';
import { openData, type RunData } from '../data/data.ts';
import { momentsFor } from '../data/normalise.ts';
import { Inference } from '../evaluate/inference.ts';
import type { WeightsFacts } from './metadata.ts';
import type { Tensors } from './safetensors.ts';
import { heldOut, onDataset } from './task.ts';

/** A trained model on a device, by the largest batches that fit, and its data. `facts` are what the file of its weights says of itself. */
export async function openInference(
  asked: Recipe,
  weights: Tensors,
  dataset: Dataset,
  device: Device,
  facts: Pick<WeightsFacts, 'moments'> & { readonly statistics?: 'population' | undefined } = {},
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
