/** Nets trained to a minimum whose weights are then moved: by how much the loss changes. */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Score } from '../../evaluate/score.ts';
import type { Tensors } from '../../run/safetensors.ts';
import type { Trainer } from '../../step/trainer.ts';
import type { Lab, Task } from '../experiment.ts';
import { keptWeights } from '../kept.ts';
import { openNet, scoresOf, trainTo, withTrainer, type Given, type Scores } from '../with-trainer.ts';
import { between } from './directions.ts';

/** How small nets come to a minimum soon. */
export const DESCENT: Given = { optimizer: 'adam', lr: '0.002', batchSize: '32' };

/** Weights at the end of a run, and a trainer that evaluates them or others. */
export interface Minimum {
  readonly trainer: Trainer;
  /** Where it came through: the first weights, those after each of the equal parts of the run that were asked for, and so the last ones. */
  readonly path: readonly Tensors[];
  readonly weights: Tensors;
  /** Those that it began with. */
  readonly start: Tensors;
}

/**
 * Trains on pixels from 0 to 1, all training images, in `parts` after each of which the weights are noted; at the end an average takes the
 * place of the weights where `given` asks for one. Whoever asks destroys the trainer.
 */
export async function minimumOf(lab: Lab, model: string, given: Given, dataset: Dataset, parts = 1): Promise<Minimum> {
  const options = { normalize: 'none', ...given };
  const name = ['trained', model, ...Object.values(given)].join(' ');
  const path = await keptWeights(lab, name, () =>
    withTrainer(lab, model, options, dataset, async (trainer, total) => {
      const noted = [await trainer.weights()];
      for (let part = 1; part <= parts; part++) {
        await trainTo(lab, trainer, Math.ceil((part * total) / parts));
        noted.push(await (part < parts ? trainer.weights() : trainer.evaluatedWeights()));
      }
      return noted;
    }),
  );
  // a trainer that has not trained has its images in file order, in which losses add up to the same bits wherever the weights come from
  const { trainer } = await openNet(lab, model, options, dataset);
  const weights = path.at(-1)!;
  await trainer.loadWeights(weights);
  return { trainer, path, weights, start: path[0]! };
}

/** As minimumOf, in a lab that is known. */
export type Find = (model: string, given: Given, dataset: Dataset, parts?: number) => Promise<Minimum>;

/** Runs that differ in their seed alone. */
export interface Searched {
  readonly model: string;
  readonly epochs: number;
  readonly dataset: Dataset;
  readonly seeds: readonly number[];
}

/** Tasks that find one minimum for each seed, in whose order they come to stand in `minima`. */
export const searches = (find: Find, minima: Minimum[], { model, epochs, dataset, seeds }: Searched): Task[] =>
  seeds.map(seed => ({
    name: `training ${model} with seed ${seed}`,
    async work() {
      minima.push(await find(model, { ...DESCENT, epochs: String(epochs), seed: String(seed) }, dataset));
    },
  }));

/** What `work` makes of the minima that it finds, whose trainers are destroyed after it. */
export async function withMinima<T>(lab: Lab, work: (find: Find) => Promise<T>): Promise<T> {
  const minima: Minimum[] = [];
  try {
    return await work(async (...of) => {
      const minimum = await minimumOf(lab, ...of);
      minima.push(minimum);
      return minimum;
    });
  } finally {
    await (await lab.device()).idle();
    for (const { trainer } of minima) trainer.destroy();
  }
}

/** Loss and accuracy on the training images with `weights`, the running statistics of norms among them. */
export async function scoreAt(trainer: Trainer, weights: Tensors): Promise<Score> {
  await trainer.loadWeights(weights);
  return trainer.evaluate('train');
}

export interface OnLine extends Scores {
  readonly share: number;
}

/** As scoreAt, on the test images too. */
export async function scoresAt(trainer: Trainer, weights: Tensors): Promise<Scores> {
  await trainer.loadWeights(weights);
  return scoresOf(trainer);
}

/** Scores on the line through two minima, which lie at the shares 0 and 1 of the way. */
export async function scoresOnLine([a, b]: readonly [Minimum, Minimum], shares: readonly number[]): Promise<OnLine[]> {
  const line: OnLine[] = [];
  for (const share of shares) line.push({ share, ...(await scoresAt(a.trainer, between(a.weights, b.weights, share))) });
  return line;
}
