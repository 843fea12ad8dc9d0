import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { messageOf } from '../../../cli/flags.ts';
import { compare } from '../../../cli/study/compare.ts';
import { localRecipe } from '../../../cli/run/session.ts';
import { openDataset } from '../../../datasets/node/open.ts';
import { COMPARISONS } from '../../../train/study/comparison/comparisons.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { OPTIONS } from '../../../train/config/options.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { trial } from '../../../train/study/trial.ts';
import { deviceFor } from '../../support/check.ts';
import { printed } from '../../support/process/printed.ts';
import { refusal, refused } from '../../support/refusal.ts';
import { scratchFolders } from '../../support/process/scratch.ts';

const test = suite('compare');
const scratch = scratchFolders(test);
const images = () => openDataset('shapes', { quiet: true, limitTrain: 100, limitTest: 32 });

for (const [what, { model, variants }] of Object.entries(COMPARISONS)) {
  for (const steps of [5, 400]) {
    test(`${what}: every variant of ${steps} steps is a configuration of its own`, () => {
      const all = Object.entries(variants({ steps, lr: 0.05, images: 1000 }));
      const texts = all.map(([, { model: own = model, ...given }]) =>
        JSON.stringify(localRecipe(parseConfig(own, { optimizer: 'momentum', ...given })).config),
      );
      assert.ok(all.length >= 4);
      assert.is(new Set(texts).size, all.length);
    });
  }
}

test('all schemes are compared, each by one of its names', () => {
  const compared = Object.keys(COMPARISONS.initialisations!.variants({ steps: 1, lr: 1, images: 100 }));
  const left = /^(xavier|kaiming|box)/; // second names, and those for nets of dense layers alone: whatever model is named is compared
  assert.equal(
    compared,
    OPTIONS.initScheme.type.choices!.filter(name => !left.test(name)),
  );
});

test('a scheme draws weights of its deviation and leaves biases', async () => {
  const opened = async (given: Parameters<typeof parseConfig>[1]) => {
    const config = parseConfig('mlp:hidden=64', { dataset: 'shapes', batchSize: '10', seed: '3', ...given });
    const { trainer } = await openTrainer(recipeOf(config), await images(), await deviceFor());
    const weights = await trainer.weights();
    trainer.destroy();
    return weights;
  };
  const before = await opened({});
  const after = await opened({ initScheme: 'he-normal' });
  const { shape, data } = after['fc1.weight']!;
  const square = [...data].reduce((sum, v) => sum + v * v, 0) / data.length;
  assert.ok(Math.abs(Math.sqrt((square * shape[1]!) / 2) - 1) < 5 / Math.sqrt(2 * data.length), `mean square ${square}`);
  assert.equal(after['fc1.bias'], before['fc1.bias']);
});

test('a constant scheme breaks no symmetry: filters and units stay equal to one another while they learn', async () => {
  const config = parseConfig('lenet5', { dataset: 'shapes', batchSize: '10', initScheme: 'constant', optimizer: 'momentum' });
  const { trainer } = await openTrainer(recipeOf(config), await images(), await deviceFor());
  for (let step = 0; step < 5; step++) await trainer.step();
  const weights = await trainer.weights();
  trainer.destroy();
  for (const name of ['conv1.weight', 'conv2.weight', 'fc1.weight', 'fc2.weight', 'conv1.bias', 'fc1.bias']) {
    const { shape, data } = weights[name]!;
    const size = data.length / shape[0]!;
    for (let o = 1; o < shape[0]!; o++) assert.equal(data.slice(o * size, (o + 1) * size), data.slice(0, size), `${name} ${o}`);
  }
  assert.ok(new Set(weights['conv1.weight']!.data.slice(0, 25)).size > 20, 'it has learnt something');
});

test('one command writes one picture and a table', async () => {
  const out = join(await scratch(), 'norms.svg');
  const small = { model: 'mlp:hidden=8', dataset: 'shapes', epochs: '1', limitTrain: '200', limitTest: '20', quiet: true };
  const said = await printed(() => compare('initialisations', { ...small, out }));
  const names = Object.keys(COMPARISONS.initialisations!.variants({ steps: 1, lr: 1, images: 100 }));
  assert.match(said, /test accuracy +training accuracy +test loss/);
  const svg = readFileSync(out, 'utf8');
  for (const name of names) {
    assert.match(said, new RegExp(`^${name} +\\d`, 'm'));
    assert.match(svg, name);
  }
});

test('the training accuracy of a trial is that of the last weights on the images as they are', async () => {
  const given = { dataset: 'shapes', batchSize: '10', steps: '100', lr: '0.002' };
  const recipe = recipeOf(parseConfig('mlp:hidden=64,input_dropout=0.9', given));
  const { train, test, lines } = (await trial(recipe, await images(), await deviceFor(), { test: true }))!;
  const last = lines.filter(l => !('split' in l)).at(-1)!;
  assert.ok(train!.accuracy! > last.accuracy! + 0.1, `${train!.accuracy}, while it trained ${last.accuracy}`);
  assert.ok(Number.isInteger(Math.round(train!.accuracy! * 90 * 1e6) / 1e6) && test, 'all of the 90 training images count');
});

test('a column of a table is predicted, and augmentations of images are left out by name', async () => {
  const folder = await scratch();
  const dataset = join(folder, 't.csv');
  const row = (_: unknown, i: number) => `${(i % 7) + 0.5},${(i * 5) % 11},${i % 7 > 3 ? 'large' : 'small'}`;
  writeFileSync(dataset, ['a,b,size', ...Array.from({ length: 120 }, row)].join('\n'));
  const given = { model: 'mlp:hidden=4', dataset, target: 'size', epochs: '1', out: join(folder, 'x.svg'), json: true };
  const lines = (await printed(() => compare('augmentations', given))).trim().split('\n');
  assert.equal(JSON.parse(lines.pop()!), { pictures: [given.out] });
  const told = lines.map(line => JSON.parse(line) as { variant: string; leftOut?: string; test?: { accuracy: number } });
  assert.equal(
    told.map(({ variant, test }) => [variant, test !== undefined]),
    [
      ['cutout', false],
      ['cutmix', false],
      ['augmix', false],
      ['none', true],
      ['mixup', true],
    ],
  );
  assert.is(told[0]!.leftOut, 'augment: cutout changes images, and this data set has points of 2 coordinates');
});

test('refusals leave nothing behind', async () => {
  const out = join(await scratch(), 'x.svg');
  const given = { dataset: 'shapes', epochs: '1', limitTrain: '100', limitTest: '10', out, quiet: true };
  assert.match(await refusal(() => compare('optimisers', given)), /unknown comparison 'optimisers'; did you mean 'optimizers'\?/);
  assert.match(
    messageOf(await refused(() => compare('depth', { ...given, model: 'mlp' }))),
    /--model: depth is compared on nets of its own/,
  );
  assert.match(
    await refusal(() => compare('regularisers', { ...given, optimizer: 'adam:epochs=2,sgd' })),
    /sgd begins after 2 epochs, and the run of 1 epoch is over by then/,
  );
  assert.match(
    messageOf(await refused(() => compare('batch-sizes', given))),
    /^--limit-train: 100 images leave 90 to train on, and a batch is 128; give more$/,
  );
  assert.match(await refusal(() => compare('schedules', { ...given, out: 'x.pdf' })), /'x.pdf' is no picture's name/);
  assert.not(existsSync(out));
});

test.run();
