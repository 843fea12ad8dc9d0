import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compare } from '../../../cli/study/compare.ts';
import { localRecipe } from '../../../cli/run/session.ts';
import { openDataset } from '../../../datasets/node/open.ts';
import { countDead } from '../../../train/study/collapse.ts';
import { COMPARISONS } from '../../../train/study/compare.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { initialise } from '../../../train/study/trial.ts';
import { close, deviceFor } from '../../support/check.ts';
import { printed } from '../../support/process/printed.ts';
import { refusal } from '../../support/refusal.ts';
import { scratchFolders } from '../../support/process/scratch.ts';

const test = suite('compare');
const scratch = scratchFolders(test);
const images = () => openDataset('shapes', { quiet: true, limitTrain: 100, limitTest: 32 });

for (const [what, { model, variants }] of Object.entries(COMPARISONS)) {
  for (const steps of [5, 400]) {
    test(`${what}: every variant of ${steps} steps is a configuration of its own`, () => {
      const all = Object.entries(variants({ steps, lr: 0.05, images: 1000 }));
      const texts = all.map(([, { scheme, model: own = model, ...given }]) =>
        JSON.stringify([scheme, localRecipe(parseConfig(own, { optimizer: 'momentum', ...given })).config]),
      );
      assert.ok(all.length >= 4);
      assert.is(new Set(texts).size, all.length);
    });
  }
}

test('a scheme draws weights of its deviation and leaves biases', async () => {
  const { trainer } = await openTrainer(
    recipeOf(parseConfig('mlp:hidden=64', { dataset: 'shapes', batchSize: '10' })),
    await images(),
    await deviceFor(),
  );
  const before = await trainer.weights();
  await initialise(trainer, 'he-normal', 3);
  const after = await trainer.weights();
  const { shape, data } = after['fc1.weight']!;
  const square = [...data].reduce((sum, v) => sum + v * v, 0) / data.length;
  assert.ok(Math.abs(Math.sqrt((square * shape[1]!) / 2) - 1) < 5 / Math.sqrt(2 * data.length), `mean square ${square}`);
  assert.equal(after['fc1.bias'], before['fc1.bias']);
  await initialise(trainer, 'constant', 0);
  close('constant', (await trainer.weights())['fc2.weight']!.data, new Float32Array(after['fc2.weight']!.data.length).fill(0.01), 0);
  trainer.destroy();
});

test('deep narrow nets are dead from birth, wide and shallow ones are not', async () => {
  const device = await deviceFor();
  const dataset = await images();
  assert.is((await countDead(device, dataset, { width: 32, depth: 1, nets: 8 })).dead, 0);
  assert.ok((await countDead(device, dataset, { width: 2, depth: 20, nets: 8 })).dead >= 6); // 97 % each
});

test('one command writes one picture and a table', async () => {
  const out = join(await scratch(), 'norms.svg');
  const small = { model: 'mlp:hidden=8', dataset: 'shapes', epochs: '1', limitTrain: '200', limitTest: '20', quiet: true };
  const said = await printed(() => compare('initialisations', { ...small, out }));
  const names = Object.keys(COMPARISONS.initialisations!.variants({ steps: 1, lr: 1, images: 100 }));
  const svg = readFileSync(out, 'utf8');
  for (const name of names) {
    assert.match(said, new RegExp(`^${name} +\\d`, 'm'));
    assert.match(svg, name);
  }
});

test('refusals leave nothing behind', async () => {
  const out = join(await scratch(), 'x.svg');
  const given = { dataset: 'shapes', epochs: '1', limitTrain: '100', limitTest: '10', out, quiet: true };
  assert.match(await refusal(() => compare('optimisers', given)), /unknown comparison 'optimisers'; did you mean 'optimizers'\?/);
  assert.match(await refusal(() => compare('depth', { ...given, model: 'mlp' })), /--model: depth is compared on nets of its own/);
  assert.match(await refusal(() => compare('schedules', { ...given, out: 'x.pdf' })), /'x.pdf' is no picture's name/);
  assert.not(existsSync(out));
});

test.run();
