import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compare } from '../../../cli/study/compare.ts';
import { COMPARISONS } from '../../../train/study/comparison/comparisons.ts';
import { giveWay, inTurn, Stopped, type Lab } from '../../../train/study/experiment.ts';
import { EXPERIMENTS, planned } from '../../../train/study/experiments.ts';
import { labOf, outcomeOf } from '../../support/lab.ts';
import { printed } from '../../support/process/printed.ts';
import { refusal } from '../../support/refusal.ts';
import { scratchFolders } from '../../support/process/scratch.ts';

const test = suite('experiments');
const scratch = scratchFolders(test);
const DOCS = readFileSync(new URL('../../../docs/experiments.md', import.meta.url), 'utf8');

test('every experiment runs as its name alone says, tells what it shows and who has it, and has its figures in the docs', () => {
  for (const [name, { about, source }] of Object.entries(EXPERIMENTS)) {
    assert.is(planned(name).name, name);
    assert.match(about, /^[A-Z].{10,130}\.$/, name);
    assert.ok(source.length > 3, name);
  }
  const told = [...DOCS.matchAll(/`descent compare ([\w-]+)/g)].map(([, name]) => name!);
  const missing = Object.keys(EXPERIMENTS).filter(name => !told.includes(name) && !Object.hasOwn(COMPARISONS, name));
  assert.equal([missing, told.filter(name => !Object.hasOwn(EXPERIMENTS, name))], [[], []]);
});

test('all that can be compared is listed', async () => {
  const said = await printed(() => compare(undefined, {}));
  for (const name of [...Object.keys(EXPERIMENTS), 'distribution']) assert.match(said, new RegExp(`^${name} `, 'm'));
});

test('an experiment writes pictures and a table, or one object', async () => {
  const out = join(await scratch(), 'ways');
  const said = await printed(() => compare('trajectories', { out }));
  assert.match(said, /function +optimizer +rate .*\nbeale +sgd +0\.01 +300/);
  assert.ok(existsSync(`${out}.svg`) && existsSync(`${out}.png`));
  const { experiment, seed, rows, values, pictures } = JSON.parse(
    await printed(() => compare('trajectories:function=himmelblau', { out, json: true, seed: '2' })),
  );
  assert.equal([experiment, seed, rows.length], ['trajectories', 2, 8]);
  assert.equal(pictures, [`${out}.svg`, `${out}.png`]);
  assert.is(values[0].points.length, rows[0].steps + 1);
});

test('who asks to stop is heard between parts that the host computes, and a part that is not complete is left out', async () => {
  let stopped = false;
  const told: number[] = [];
  const lab: Lab = {
    seed: 0,
    device: () => Promise.reject(new Error('no device is called for')),
    dataset: () => Promise.reject(new Error('no data set is called for')),
    progress: done => told.push(done),
    get stopped() {
      return stopped;
    },
  };
  const signal = setImmediate(() => setTimeout(() => (stopped = true)));
  const busy = () => {
    for (const until = performance.now() + 20; performance.now() < until; );
    return Promise.resolve(1);
  };
  const parts = await inTurn(lab, Array(100).fill(0), String, busy);
  clearImmediate(signal);
  assert.ok(parts.length > 0 && parts.length < 10, `${parts.length} of 100`);
  assert.is(told.at(-1), parts.length);

  stopped = false;
  const cut = await inTurn(lab, ['whole', 'cut', 'never begun'], String, async name => {
    stopped = name === 'cut';
    await giveWay(lab);
    return name;
  });
  assert.equal([cut, told.at(-1)], [['whole'], 1]);
});

test('a net whose loss is no longer finite is told with the options of its experiment', async () => {
  const out = join(await scratch(), 'wide');
  const given = { out, quiet: true };
  assert.match(
    await refusal(() => compare('wide-optima:lr=1e6,images=64,epochs=4', given)),
    /^wide-optima: the loss is \S+ at step \d+ \(learning rate 1000000\); give a smaller rate, as wide-optima:lr=…$/,
  );
  assert.match(await refusal(() => compare('information-plane:lr=0', given)), /lr is 0; give a number above 0$/);
});

test('who asks to stop is heard within a part that the host computes for long', async () => {
  for (const [text, part] of [
    ['born-dead:nets=1000000', 0],
    ['safe-region:nets=1000000', 0],
    ['collapse:nets=1,steps=1000000', 0],
    ['exploding-products:n=16,count=1000,products=10000', 0],
    ['noisy-ends:seeds=10000,steps=100000', 0],
    ['stationary:runs=100000', 0],
    ['bias-variance:sets=10000,points=200', 0],
    ['box-basis:nets=1000000', 0],
    ['penalty-geometry:problems=100000', 0],
    ['input-normalisation:images=20000', 0],
    ['batch-or-stochastic:seeds=1000', 1], // all samples at once are one run
  ] as const) {
    const told: number[] = [];
    const progress = (done: number) => {
      told.push(done);
      if (done === part) setTimeout(() => (lab.stopped = true), 20);
    };
    const lab = { ...labOf(), stopped: false, progress };
    await planned(text).run(lab);
    assert.equal([told.length > part + 1, told.at(-1)], [true, part], text);
  }
});

test('who asks to stop is heard before the first part too, while problems are drawn', async () => {
  for (const text of ['input-normalisation:points=1000000', 'least-squares:samples=100000']) {
    const lab = { ...labOf(), stopped: false, progress: () => assert.unreachable(text) };
    setTimeout(() => (lab.stopped = true), 20);
    const stopped = await planned(text)
      .run(lab)
      .catch((error: unknown) => error);
    assert.instance(stopped, Stopped, text);
  }
});

test('no experiment takes more images than its data set has, since its title would say more than there were', async () => {
  for (const [name, { options }] of Object.entries(EXPERIMENTS)) {
    if (options.images) assert.is(options.images.range!.max, name === 'swag' ? 50_000 : 60_000, name);
    if (options.test) assert.is(options.test.range!.max, 10_000, name);
  }
  assert.is(
    await refusal(() => compare('input-normalisation:images=70000', {})),
    'input-normalisation: images is 70000; give a whole number of at least 200 and at most 60000',
  );
});

test('titles count in words, one in the singular', async () => {
  const titleOf = async (text: string, lab = labOf()) => (await planned(text).run(lab)).title;
  assert.is(await titleOf('noisy-ends:seeds=2,steps=1'), 'Noisy descent on x₁² + 2 x₂²: ends of 2 runs of 1 update');
  assert.is(await titleOf('bias-variance:sets=2,points=1000'), 'Polynomials on 2 sets of 1,000 points of a sine, noise 0.3');
  const none = { ...labOf(), stopped: true };
  assert.match(await titleOf('zoneout:hidden=1,images=64', none), /: rnn-rows of 1 unit on 64 images of Fashion-MNIST$/);
  const one = { ...labOf(), stopped: false, progress: (done: number) => void (one.stopped = done > 0) };
  assert.match(await titleOf('input-normalisation:images=200', one), /, normalised in 1 way$/);
  const { panels } = await outcomeOf('penalty-geometry:problems=1');
  assert.equal(
    [panels[2]!.title, panels[3]!.title],
    ['L1', 'L2'].map(name => `${name}: solutions of 1 problem, dependent features`),
  );
});

test('whole numbers have an upper bound in every experiment', async () => {
  for (const [name, { options }] of Object.entries(EXPERIMENTS)) {
    for (const [key, { range }] of Object.entries(options)) {
      if (range?.integer) assert.ok((range.max ?? Infinity) <= 1e6, `${name}: ${key}`);
    }
  }
  assert.match(
    await refusal(() => compare('born-dead:nets=1e99', {})),
    /^born-dead: nets is 1e\+99; give a whole number of at least 1 and at most 1000000$/,
  );
  assert.match(await refusal(() => compare('boundaries:depths=1-21', {})), /each a whole number of at least 1 and at most 20$/);
  assert.match(await refusal(() => compare('boundaries:points=5-100', {})), /each a whole number of at least 100 and at most 100000$/);
  assert.is(
    await refusal(() => compare('tangent-kernel:widths=16-32-16', {})),
    "tangent-kernel: widths is '16-32-16'; give different numbers as 16-256-2048, each a whole number of at least 1 and at most 16384",
  );
  assert.match(
    await refusal(() => compare('weight-paths:noise=1e200', {})),
    /noise is 1e\+200; give a number of at least 0 and at most 1000$/,
  );
  assert.is(
    await refusal(() => planned('k-means:clusters=100,points=100,images=200').run(labOf())),
    'k-means: 100 clusters for 100 points; give fewer clusters than either',
  );
});

test('a slip is refused in one line', async () => {
  assert.is(await refusal(() => compare('condition-number:k=3', {})), "unknown option of condition-number 'k'; known: none");
  assert.match(await refusal(() => compare('born-dead:net=3', {})), /unknown option of born-dead 'net'; did you mean 'nets'\?/);
  assert.match(await refusal(() => compare('born-dead:nets=0.5', {})), /born-dead: nets is 0.5; give a whole number of at least 1/);
  assert.match(
    await refusal(() => compare('trajectories', { epochs: '3' })),
    /--epochs: trajectories does not take it; its own options follow its name: trajectories:function=…/,
  );
  assert.is(
    await refusal(() => compare('regularisers:epochs=2', { epochs: '1' })),
    '--epochs: regularisers:epochs=… says it too; give one of both',
  );
  assert.is(
    await refusal(() => compare('optimizers:limit_train=200', { limitTrain: '100' })),
    '--limit-train: optimizers:limit_train=… says it too; give one of both',
  );
  assert.match(await refusal(() => compare('ensemble', { epochs: '0' })), /ensemble: epochs is 0; give a whole number of at least 1/);
  assert.match(await refusal(() => compare('ensemble', { epochs: '3x' })), /ensemble: epochs is '3x'; give a whole number of at least 1/);
  assert.match(
    await refusal(() => compare('surface:points', {})),
    /^surface: points is without a value; give a whole number of at least 2 and at most 1000000, as surface:points=17$/,
  );
  assert.match(
    await refusal(() => compare('surface:grid', {})),
    /^surface: 'grid' is no option; write surface:key=value, the keys are model, /,
  );
  assert.match(
    await refusal(() => compare('batches:images=64,batch=100', {})),
    /^batches: a batch of 100 is more than the 64 images; give 2 to 64, or more images$/,
  );
  for (const name of ['adversarial', 'enresnet']) {
    assert.is(planned(`${name}:epsilon=8/255`).options.epsilon, 8 / 255);
    assert.match(await refusal(() => compare(`${name}:epsilon=8`, {})), /epsilon is 8; give a number above 0 and at most 1, as 8\/255$/);
  }
  assert.match(
    await refusal(() => compare('hessian-spectrum:images=20', {})),
    /images is 20; give a whole number of at least 32 and at most 60000$/,
  );
  assert.match(await refusal(() => compare('optimizers:x=3', {})), /unknown option of optimizers 'x'; known: model, dataset, /);
  assert.match(await refusal(() => compare('distribution:x=3', {})), /distribution has no options of this kind/);
});

test.run();
