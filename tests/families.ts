/** One model of each family, and a few steps of it on real images. */
import * as assert from 'uvu/assert';
import type { Dataset, Split } from '../datasets/dataset.ts';
import { openDataset } from '../datasets/node/open.ts';
import { openModel } from '../models/index.ts';
import { momentum } from '../optim/first-order.ts';
import { optimizer } from '../optim/optimizer.ts';
import { DeviceData } from '../train/data.ts';
import { parseSpec } from '../train/spec.ts';
import { Trainer } from '../train/trainer.ts';
import { deviceFor } from './check.ts';

/** `half` takes every second pixel, for nets that are large; `long` leaves the family to `npm run test:long`. */
export interface Family { spec: string; batch: number; steps: number; lr: number; half?: boolean; long?: boolean }

export const FAMILIES: readonly Family[] = [
  { spec: 'mlp', batch: 8, steps: 6, lr: 0.05 },
  { spec: 'lenet5', batch: 8, steps: 8, lr: 0.1 },
  { spec: 'alexnet-cifar', batch: 8, steps: 8, lr: 0.1 },
  { spec: 'vgg11-bn', batch: 8, steps: 4, lr: 0.01 },
  { spec: 'vgg16', batch: 8, steps: 10, lr: 0.02, long: true },
  { spec: 'googlenet', batch: 4, steps: 4, lr: 0.01, half: true, long: true },
  { spec: 'resnet20', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'resnet20:shortcut=B', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'resnet20:drop=0.5', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'plain20', batch: 8, steps: 5, lr: 0.05 },
  { spec: 'enresnet20:members=2', batch: 8, steps: 5, lr: 0.02 },
  { spec: 'resnet18', batch: 4, steps: 4, lr: 0.01, half: true },
  { spec: 'resnet50', batch: 4, steps: 4, lr: 0.005, half: true, long: true },
  { spec: 'resnext29', batch: 4, steps: 4, lr: 0.005, half: true, long: true },
  { spec: 'wide-resnet-16-4', batch: 4, steps: 4, lr: 0.02, half: true },
  { spec: 'airbench', batch: 8, steps: 5, lr: 0.02 },
];

/** Trains on one batch of the first CIFAR-10 images over and over; its loss must fall by a tenth. */
export async function learns({ spec, batch, steps, lr, half = false }: Family): Promise<void> {
  const whole = await openDataset('cifar10', { limitTrain: batch, limitTest: 1, quiet: true }), device = await deviceFor(), dataset = half ? halved(whole) : whole;
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

/** Every second row and column of each image. */
function halved(dataset: Dataset): Dataset {
  const { shape: [c, h, w] } = dataset;
  const thin = (split: Split): Split => {
    const images = new Uint8Array(split.images.length / 4);
    for (let i = 0; i < images.length; i++) images[i] = split.images[(Math.floor(i / (w / 2)) * 2) * w + i % (w / 2) * 2]!;
    return { ...split, images };
  };
  return { ...dataset, shape: [c, h / 2, w / 2], train: thin(dataset.train), test: thin(dataset.test) };
}
