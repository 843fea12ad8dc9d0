/** One model of each family, and a few steps of it on real images. */
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { openModel } from '../../models/index.ts';
import { momentum } from '../../optim/first-order.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { openData } from '../../train/data/data.ts';
import { parseSpec } from '../../engine/spec.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { deviceFor } from './check.ts';
import { zoomed } from './zoomed.ts';

/**
 * `zoom` 0.5 takes every second pixel, for nets that are large; 3 each pixel three times; `long` leaves the family to `npm run test:long`.
 */
export interface Family {
  spec: string;
  batch: number;
  steps: number;
  lr: number;
  zoom?: number;
  long?: boolean;
}

export const FAMILIES: readonly Family[] = [
  { spec: 'mlp', batch: 8, steps: 6, lr: 0.05 },
  { spec: 'rnn-rows:hidden=32', batch: 8, steps: 10, lr: 0.05 },
  { spec: 'lenet5', batch: 8, steps: 8, lr: 0.1 },
  { spec: 'alexnet:dropout=0', batch: 8, steps: 10, lr: 0.05, zoom: 2, long: true },
  { spec: 'alexnet:layout=paper,dropout=0', batch: 8, steps: 10, lr: 0.05, zoom: 3, long: true },
  { spec: 'alexnet-cifar', batch: 4, steps: 7, lr: 0.1, long: true },
  { spec: 'vgg11-bn', batch: 4, steps: 3, lr: 0.01, long: true },
  { spec: 'vgg16', batch: 8, steps: 10, lr: 0.02, long: true },
  { spec: 'googlenet', batch: 4, steps: 3, lr: 0.01, zoom: 0.5, long: true },
  { spec: 'resnet20', batch: 4, steps: 4, lr: 0.05, long: true },
  { spec: 'resnet20:shortcut=B', batch: 4, steps: 4, lr: 0.05, long: true },
  { spec: 'resnet20:drop=0.5', batch: 4, steps: 5, lr: 0.05, long: true },
  { spec: 'plain20', batch: 4, steps: 5, lr: 0.05, long: true },
  { spec: 'enresnet20:members=2', batch: 4, steps: 4, lr: 0.02 },
  { spec: 'resnet18', batch: 4, steps: 3, lr: 0.01, zoom: 0.5, long: true },
  { spec: 'resnet50:width=8', batch: 4, steps: 3, lr: 0.01, zoom: 0.5, long: true },
  { spec: 'resnet50', batch: 4, steps: 4, lr: 0.005, zoom: 0.5, long: true },
  { spec: 'resnext29', batch: 4, steps: 4, lr: 0.005, zoom: 0.5, long: true },
  { spec: 'wide-resnet-16-4', batch: 4, steps: 3, lr: 0.02, zoom: 0.5, long: true },
  { spec: 'squeezenet1_1:dropout=0', batch: 4, steps: 8, lr: 0.02, long: true },
  { spec: 'mobilenet-v2:dropout=0', batch: 4, steps: 4, lr: 0.005, zoom: 0.5, long: true },
  { spec: 'efficientnet-b0:dropout=0,drop=0', batch: 4, steps: 5, lr: 0.005, long: true },
  { spec: 'densenet121', batch: 4, steps: 4, lr: 0.01, zoom: 0.5, long: true },
  { spec: 'inception-v3:dropout=0', batch: 2, steps: 5, lr: 0.01, zoom: 3, long: true },
  { spec: 'airbench:width=16', batch: 4, steps: 5, lr: 0.02 },
  { spec: 'airbench', batch: 8, steps: 5, lr: 0.02, long: true },
];

/** Trains on one batch of the first CIFAR-10 images over and over; its loss must fall by a tenth. */
export async function learns({ spec, batch, steps, lr, zoom = 1 }: Family): Promise<void> {
  const whole = await openDataset('cifar10', { limitTrain: batch, limitTest: 1, quiet: true });
  const device = await deviceFor();
  const dataset = zoomed(whole, zoom);
  const trainer = await Trainer.create({
    device,
    model: openModel(parseSpec('model', spec), { classes: 10, shape: dataset.shape }),
    batchSize: batch,
    shuffle: false,
    data: await openData(dataset, { normalize: 'meanstd' }),
    optimizer: optimizer(momentum, { lr }),
  });
  try {
    for (let step = 0; step < steps; step++) await trainer.step(true);
    const losses = (await trainer.settle()).map(m => m.loss);
    assert.is(losses.length, steps);
    assert.ok(losses.at(-1)! < 0.9 * losses[0]!, `losses ${losses.map(l => l.toFixed(3)).join(', ')}`);
  } finally {
    trainer.destroy();
  }
}
