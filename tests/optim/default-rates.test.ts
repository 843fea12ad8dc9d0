/** Each rule's default learning rate trains a small net on images. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { mlp } from '../../models/mlp.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { openData } from '../../train/data/data.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { deviceFor } from '../support/check.ts';

const test = suite('default rates');
const dataset = await openDataset('fashion-mnist', { limitTrain: 1024, limitTest: 10, quiet: true });
const model = mlp({ classes: 10, shape: dataset.shape }, { hidden: [32, 32, 32] });

for (const rule of Object.values(rules)) {
  test(`${rule.name} neither stands still nor diverges at ${rule.hyper.lr.default}`, async () => {
    const [batchSize, steps] = rule.name === 'rprop' ? [1024, 20] : [32, 200]; // the signs of small batches are noise
    const data = await openData(dataset, { normalize: 'meanstd' });
    const trainer = await Trainer.create({ device: await deviceFor(), data, model, batchSize, optimizer: optimizer(rule), seed: 1 });
    for (let step = 1; step <= steps; step++) await trainer.step(step % 20 === 0);
    const losses = (await trainer.settle()).map(l => l.loss);
    trainer.destroy();
    assert.ok(Math.max(...losses) < 2.5 && losses.at(-1)! < 1.7, `losses ${losses.map(l => l.toFixed(2)).join(' ')}`);
  });
}

test.run();
