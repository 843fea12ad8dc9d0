/** Nets trained to a minimum whose weights are then moved: by how much the loss changes. */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Score } from '../../evaluate/score.ts';
import type { Tensors } from '../../run/safetensors.ts';
import type { Trainer } from '../../step/trainer.ts';
import type { Lab } from '../experiment.ts';
import { openNet, trainTo, type Given } from '../with-trainer.ts';

/** How small nets come to a minimum soon. */
export const DESCENT: Given = { optimizer: 'adam', lr: '0.002', batchSize: '32' };

/** A trainer at the end of its run, which evaluates other weights in place of its own; `weights` are those that it came to. */
export interface Minimum {
  readonly trainer: Trainer;
  readonly weights: Tensors;
  /** Those that it began with. */
  readonly start: Tensors;
}

/** Trains on pixels from 0 to 1, all training images. Whoever asks destroys the trainer. */
export async function minimumOf(lab: Lab, model: string, given: Given, dataset: Dataset): Promise<Minimum> {
  const { trainer, total } = await openNet(lab, model, { normalize: 'none', ...given }, dataset);
  try {
    const start = await trainer.weights();
    await trainTo(lab, trainer, total);
    return { trainer, start, weights: await trainer.weights() };
  } catch (error) {
    await (await lab.device()).idle();
    trainer.destroy();
    throw error;
  }
}

/** Loss and accuracy on a part's images with `weights`, the running statistics of norms among them. */
export async function scoreAt(trainer: Trainer, weights: Tensors, part: 'train' | 'test' = 'train'): Promise<Score> {
  await trainer.loadWeights(weights);
  return trainer.evaluate(part);
}
