/** LeNet-5 from the stored weights on the first Fashion-MNIST images in file order: what the vectors of lenet5.json were made with. */
import type { Dataset } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { models } from '../../models/index.ts';
import { openData } from '../../train/data/data.ts';
import type { TrainerOptions } from '../../train/step/trainer-options.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { deviceFor, type Way } from './check.ts';
import { readJson, readTensors } from '../vectors/read.ts';

export interface Run {
  name: string;
  options: Record<string, number>;
  lr: number;
  batch: number;
  losses: number[];
  losses64: number[];
  /** PyTorch's float32 losses where its convolutions add up in other orders. */
  losses_reordered?: number[][];
  averaged_loss?: number;
  averaged_loss64?: number;
  evaluations?: number[];
}
export const vectors = readJson<{ labels: number[]; logits: number[][]; runs: Run[] }>('lenet5.json');

let dataset: Promise<Dataset> | undefined;
export const fashionMnist = (): Promise<Dataset> =>
  (dataset ??= openDataset('fashion-mnist', { quiet: true, limitTrain: 2048, limitTest: 512 }));

export async function lenetTrainer({
  images: given,
  way,
  ...o
}: Omit<TrainerOptions, 'device' | 'model' | 'data'> & { images?: Dataset; way?: Way }): Promise<Trainer> {
  const device = await deviceFor(way);
  const images = given ?? (await fashionMnist());
  const data = await openData(images, { normalize: 'none' });
  const trainer = await Trainer.create({ shuffle: false, ...o, device, data, model: models.lenet5!({ classes: 10, shape: images.shape }) });
  await trainer.loadWeights(readTensors('lenet5-init.safetensors'));
  return trainer;
}

/** The loss of each of the next steps, before its update. */
export async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const seen: number[] = [];
  for (let t = 0; t < steps; t++) await trainer.step(true);
  for (const line of await trainer.settle()) seen.push(line.loss);
  return seen;
}
