/** Nets trained to a minimum whose weights are then moved: by how much the loss changes. */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Device } from '../../../engine/device.ts';
import { parseConfig } from '../../config/config.ts';
import { recipeOf } from '../../config/recipe-of.ts';
import type { Score } from '../../evaluate/score.ts';
import { openTrainer } from '../../run/open.ts';
import type { Tensors } from '../../run/safetensors.ts';
import type { Trainer } from '../../step/trainer.ts';
import type { Given } from '../training/members.ts';

/** How small nets come to a minimum soon. */
export const DESCENT: Given = { optimizer: 'adam', lr: '0.002', batchSize: '32' };

/** A trainer at the end of its run, which evaluates other weights in place of its own; `weights` are those that it came to. */
export interface Minimum {
  readonly trainer: Trainer;
  readonly weights: Tensors;
  /** Those that it began with. */
  readonly start: Tensors;
}

/** Trains on pixels from 0 to 1, all training images. What is stopped ends where it is. Whoever asks destroys the trainer. */
export async function minimumOf(model: string, given: Given, dataset: Dataset, device: Device, stopped: () => boolean): Promise<Minimum> {
  const recipe = recipeOf(parseConfig(model, { dataset: dataset.name, valSplit: '0', normalize: 'none', ...given }));
  const { trainer, total } = await openTrainer(recipe, dataset, device);
  try {
    const start = await trainer.weights();
    for (let step = 1; step <= total && !stopped(); step++) await trainer.step();
    await trainer.settle();
    return { trainer, start, weights: await trainer.weights() };
  } catch (error) {
    trainer.destroy();
    throw error;
  }
}

/** Loss and accuracy on a part's images with `weights`, the running statistics of norms among them. */
export async function scoreAt(trainer: Trainer, weights: Tensors, part: 'train' | 'test' = 'train'): Promise<Score> {
  await trainer.loadWeights(weights);
  return trainer.evaluate(part);
}
