/** Dense weights that one binding cannot span. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { close, deviceFor } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('dense in rows');
const dataset = await openDataset('shapes', { limitTrain: 24, limitTest: 8, quiet: true });

test('a dense weight of more than a binding is computed in rows: the same numbers and files, resumed and loaded as one', async () => {
  const run = recipeOf(
    parseConfig('mlp:hidden=40', {
      dataset: 'shapes',
      batchSize: '4',
      optimizer: 'momentum',
      valSplit: '0',
      lrOf: 'fc1.bias=2',
      lr: '0.01',
    }),
  );
  const device = await deviceFor();
  const maxBinding = 14 * 3072 * 4; // 14 of its 40 rows, which are taken in fours
  const whole = await openTrainer(run, dataset, device);
  const split = await openTrainer(run, dataset, device.withProfile({ maxBinding }));
  assert.equal(
    [...split.trainer.graph.params.keys()].filter(name => name.includes('weight')),
    ['fc1.weight.rows0', 'fc1.weight.rows12', 'fc1.weight.rows24', 'fc1.weight.rows36', 'fc2.weight'],
  );
  const [first, inRows] = [await whole.trainer.weights(), await split.trainer.weights()];
  assert.equal(inRows, first);
  for (let i = 0; i < 3; i++) for (const { trainer } of [whole, split]) await trainer.step();
  const [expected, got] = [await whole.trainer.weights(), await split.trainer.weights()];
  for (const [name, { shape, data }] of Object.entries(expected)) {
    assert.equal(got[name]!.shape, shape);
    close(name, got[name]!.data, data, 1e-6);
  }
  const resumed = await openTrainer(run, dataset, device.withProfile({ maxBinding }));
  await resumed.trainer.loadWeights(got);
  await resumed.trainer.loadState(await split.trainer.state());
  for (const { trainer } of [split, resumed]) await trainer.step();
  assert.equal(await resumed.trainer.weights(), await split.trainer.weights());
  const wrong = { ...got, 'fc1.weight': got['fc2.weight']! };
  assert.match(
    await refusal(async () => resumed.trainer.loadWeights(wrong)),
    /^weights: tensor 'fc1\.weight' has shape \[10, 40\], the model has \[40, 3072\]/,
  );
  for (const { trainer } of [whole, split, resumed]) trainer.destroy();
});

test('muon, whose steps are of whole matrices, takes none in rows', async () => {
  const run = recipeOf(parseConfig('mlp:hidden=40', { dataset: 'shapes', batchSize: '4', optimizer: 'muon', valSplit: '0' }));
  const device = (await deviceFor()).withProfile({ maxBinding: 14 * 3072 * 4 });
  assert.match(
    await refusal(() => openTrainer(run, dataset, device)),
    /muon.*: fc1\.weight \[40, 3072\] is more than this adapter binds at once/,
  );
});

test.run();
