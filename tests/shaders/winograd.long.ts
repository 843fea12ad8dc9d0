/** Nets at the batch sizes that people train with: the products of Winograd's tiles are then done in several parts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { openModel } from '../../models/index.ts';
import { openData } from '../../train/data/data.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { deviceFor } from '../support/check.ts';
import { torchOptimizer } from '../support/torch-optimizer.ts';

const test = suite('winograd at real batch sizes');

const STEPS = 3;

async function losses(model: string, batchSize: number, prefer: Record<string, string> | undefined): Promise<number[]> {
  const dataset = await openDataset('cifar10', { limitTrain: STEPS * batchSize, limitTest: 4, quiet: true });
  const trainer = await Trainer.create({
    device: (await deviceFor()).withProfile({ prefer }),
    model: openModel({ name: model, options: {} }, { classes: 10, shape: dataset.shape }),
    batchSize,
    shuffle: false,
    data: await openData(dataset),
    optimizer: torchOptimizer('momentum', { lr: 0.05, momentum: 0.9 }),
  });
  try {
    const staged = trainer.program.commands.filter(c => c.op.kernel.name === 'winograd_weight_gradient').length;
    assert.is(staged > 0, !prefer);
    for (let step = 0; step < STEPS; step++) await trainer.step(true);
    return (await trainer.settle()).map(({ loss }) => loss);
  } finally {
    trainer.destroy();
  }
}

for (const [model, batchSize] of [
  ['airbench', 512],
  ['vgg-small', 500],
  ['resnet20', 300],
] as const)
  test(`${model} at ${batchSize} learns as by direct convolutions`, async () => {
    const direct = await losses(model, batchSize, { conv: 'lanes scalar', conv_backward_weight: 'lanes columns' });
    const found = await losses(model, batchSize, undefined);
    found.forEach((loss, step) =>
      assert.ok(Math.abs(loss / direct[step]! - 1) < 1e-4, `step ${step + 1}: ${loss}, directly ${direct[step]}`),
    );
  });

test.run();
