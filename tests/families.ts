/** One model of each family, and a few steps of it on real images. */
import * as assert from 'uvu/assert';
import { openDataset } from '../datasets/node/open.ts';
import { openModel } from '../models/index.ts';
import { momentum } from '../optim/first-order.ts';
import { optimizer } from '../optim/optimizer.ts';
import { DeviceData } from '../train/data.ts';
import { parseSpec } from '../train/spec.ts';
import { Trainer } from '../train/trainer.ts';
import { deviceFor } from './check.ts';

export interface Family { spec: string; batch: number; steps: number; lr: number; long?: boolean }

export const FAMILIES: readonly Family[] = [
  { spec: 'mlp', batch: 8, steps: 6, lr: 0.05 },
  { spec: 'lenet5', batch: 8, steps: 8, lr: 0.1 },
  { spec: 'alexnet-cifar', batch: 8, steps: 8, lr: 0.1 },
  { spec: 'vgg11-bn', batch: 8, steps: 4, lr: 0.01 },
  { spec: 'googlenet', batch: 4, steps: 4, lr: 0.01 },
  { spec: 'resnet20', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'resnet20:shortcut=B', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'resnet20:drop=0.5', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'plain20', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'resnet18:stem=imagenet', batch: 8, steps: 5, lr: 0.02 },
  { spec: 'resnet50:stem=imagenet', batch: 8, steps: 5, lr: 0.02 },
  { spec: 'wide-resnet-16-4', batch: 4, steps: 4, lr: 0.02 },
];

/** Trains on one batch of the first CIFAR-10 images over and over; its loss must fall by a tenth. */
export async function learns({ spec, batch, steps, lr }: Family): Promise<void> {
  const dataset = await openDataset('cifar10', { limitTrain: batch, limitTest: 1, quiet: true }), device = await deviceFor();
  const trainer = await Trainer.create({
    device, model: openModel(parseSpec('model', spec), { classes: 10, shape: dataset.shape }), batchSize: batch, shuffle: false,
    data: new DeviceData(dataset, { normalize: 'meanstd', maxBinding: device.profile.maxBinding }), optimizer: optimizer(momentum, { lr }),
  });
  try {
    for (let step = 0; step < steps; step++) await trainer.step(true);
    const losses = (await trainer.settle()).map(m => m.loss);
    assert.is(losses.length, steps);
    assert.ok(losses.at(-1)! < 0.9 * losses[0]!, `losses ${losses.map(l => l.toFixed(3)).join(', ')}`);
  } finally { trainer.destroy(); }
}
