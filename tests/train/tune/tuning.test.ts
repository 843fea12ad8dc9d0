/** Runs that start from other weights: a new classifier, frozen layers, other rates by name; what they leave alone, and what they say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset, Split } from '../../../datasets/dataset.ts';
import { openDataset } from '../../../datasets/node/open.ts';
import { recipeWith } from '../../../train/config/recipe.ts';
import { words } from '../../../engine/check.ts';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { maxPool } from '../../../layers/pool.ts';
import type { ModelInput } from '../../../models/model.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { built } from '../../../train/evaluate/built.ts';
import { openTrainer, type Opened } from '../../../train/run/open.ts';
import type { Tensors } from '../../../train/run/safetensors.ts';
import { deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('tuning');
const dataset = await openDataset('shapes', { quiet: true, limitTrain: 40, limitTest: 10 });
const unit = (o: number) => sequential({ conv: conv2d(o, 3, { pad: 1, bias: false }), bn: batchNorm(), relu: relu(), pool: maxPool(4) });
const model = {
  name: 'net',
  layer: ({ classes }: ModelInput) => sequential({ layer1: unit(4), layer2: unit(6), fc: dense(classes) }),
};

/** Weights of the net for so many classes, as a file may have them. */
function weightsFor(classes: number): Tensors {
  const { graph } = built(model.layer({ classes, shape: dataset.shape }), dataset.shape);
  const all = Array.from(graph.init, ([t, init]) => [t.name, { shape: t.shape, data: init(t.shape, t.name, 7) }] as const);
  return Object.fromEntries(all);
}
const n = dataset.classes.length;
const pretrained = weightsFor(n + 5);

type Texts = Parameters<typeof parseConfig>[1];
const BASE: Texts = { dataset: 'shapes', batchSize: '8', valSplit: '0', normalize: 'none', optimizer: 'sgd', lr: '0.1' };
/** No weights to start from. */
const NONE: Tensors = {};
async function open(texts: Texts, given = pretrained, on: Dataset = dataset): Promise<Opened> {
  const config = parseConfig('net', { ...BASE, ...texts });
  const start = given === NONE ? {} : { start: { of: () => given } };
  return openTrainer(recipeWith(config, model), on, await deviceFor(), start);
}

/** Weights after so many steps. */
async function after(steps: number, { trainer }: Opened): Promise<Tensors> {
  for (let i = 0; i < steps; i++) await trainer.step();
  const weights = await trainer.weights();
  trainer.destroy();
  return weights;
}
const changed = (a: Tensors, b: Tensors) => Object.keys(a).filter(name => a[name]!.data.some((v, i) => v !== b[name]!.data[i]));
const equal = (a: Tensors, b: Tensors) => assert.equal(changed(a, b), []);

const FROZEN: Texts = { head: 'new', freeze: 'layer*' };

test('a new head starts as it is drawn, the other weights as given, in one line; without it the advice is to make one', async () => {
  const opened = await open({ head: 'new' });
  assert.equal(
    opened.told.map(line => words(line)),
    ['init: 10 tensors loaded; new: fc.weight, fc.bias'],
  );
  const weights = await after(0, opened);
  assert.equal(changed(pretrained, { ...weights, ...{ 'fc.weight': pretrained['fc.weight']!, 'fc.bias': pretrained['fc.bias']! } }), []);
  assert.equal(weights['fc.weight']!.shape, [n, 24]);
  const lines: [given: Tensors | undefined, texts: Texts, message: RegExp][] = [
    [
      pretrained,
      {},
      /^init: the classifier fc\.weight is \[\d+, 24\] in the file, and \[\d+, 24\] for these classes; give head new to train one/,
    ],
    [
      { ...pretrained, 'layer1.conv.weight': pretrained['fc.bias']! },
      FROZEN,
      /^init: tensor 'layer1\.conv\.weight' has shape .*, the model has/,
    ],
    [{ ...pretrained, 'neck.weight': pretrained['fc.bias']! }, FROZEN, /^init: tensor 'neck\.weight' is not in this model; which has/],
    [
      pretrained,
      { ...FROZEN, freeze: 'layr1' },
      /^freeze: 'layr1' is the name of no layer and no parameter; did you mean 'layer1'\? its layers are/,
    ],
    [pretrained, { ...FROZEN, freeze: '*' }, /^freeze: leaves nothing to train; leave out the last layers$/],
    [pretrained, { ...FROZEN, lrOf: 'fd=2' }, /^lrOf: 'fd' is the name of no/],
    [pretrained, { ...FROZEN, lrOf: 'fc' }, /^lrOf: 'fc' is no pattern and factor; write layer\*=0\.1,fc=1$/],
    [pretrained, { ...FROZEN, lrOf: 'fc=-1' }, /^lrOf: fc: -1 is out of range/],
    [pretrained, { ...FROZEN, lrOf: 'fc=1@2@3' }, /^lrOf: 'fc=1@2@3' has more than one @; write a factor/],
    [pretrained, { ...FROZEN, lrOf: 'fc=1@-3' }, /^lrOf: fc: -3 is out of range/],
    [
      pretrained,
      { ...FROZEN, lrOf: 'fc=1@3', schedule: 'batch-growth:milestones=2' },
      /^schedule batch-growth: makes fewer updates, and lrOf counts them to an end; leave the end out, or another schedule$/,
    ],
    [pretrained, { ...FROZEN, optimizer: 'lbfgs', lrOf: 'fc=2' }, /^lbfgs: .*lrOf is not for it/],
  ];
  for (const [given, texts, message] of lines) assert.match(await refusal(() => open(texts, given)), message);
});

test('frozen layers keep weights and running statistics; their gradients are not computed, and the plan is shorter', async () => {
  const whole = await open({ head: 'new' });
  const frozen = await open({ ...FROZEN, steps: '3' }); // too few for features to be computed once
  const partly = await open({ head: 'new', freeze: 'layer1' });
  const counts = [whole, partly, frozen].map(({ trainer }) => trainer.program.commands.length);
  assert.ok(counts[0]! > counts[1]! && counts[1]! > counts[2]!, counts.join(' '));
  const backward = frozen.trainer.program.commands.filter(({ op }) => op.pass === 'backward');
  assert.equal([...new Set(backward.map(({ op }) => op.path))], ['fc']);
  assert.equal([frozen.parameters - frozen.trained, frozen.trained], [3 * 4 * 9 + 4 * 6 * 9 + 2 * 10, n * 25]);
  const state = await frozen.trainer.state();
  assert.equal(
    Object.keys(state.tensors).filter(name => name.includes('layer')),
    [],
  );
  const first = await frozen.trainer.weights();
  assert.equal(changed(first, await after(6, frozen)), ['fc.weight', 'fc.bias']);
  const names = changed(first, await after(6, partly));
  assert.equal(
    names.some(name => name.startsWith('layer1')),
    false,
  );
  assert.ok(names.includes('layer2.conv.weight') && names.includes('layer2.bn.running_var'));
  whole.trainer.destroy();
});

test('the same numbers in parts, with activations computed twice and after a resume; f16 is near', async () => {
  const partly: Texts = { ...FROZEN, freeze: 'layer1,layer2.bn', optimizer: 'adam', lr: '0.01' };
  const once = await after(6, await open(partly));
  equal(once, await after(6, await open({ ...partly, checkpointActivations: 'true' })));
  const parts = await after(6, await open({ ...partly, accumulate: '2' }));
  assert.ok(far(once, parts) < 1e-4, `in parts ${far(once, parts)}`); // no batch norm sees a batch
  const half = await after(6, await open({ ...partly, precision: 'f16' }));
  assert.ok(far(once, half) < 0.02, `in f16 ${far(once, half)}`);
  const stopped = await open(partly);
  for (let i = 0; i < 4; i++) await stopped.trainer.step();
  const [weights, state] = [await stopped.trainer.weights(), await stopped.trainer.state()];
  stopped.trainer.destroy();
  const resumed = await open(partly, weights);
  await resumed.trainer.loadWeights(weights);
  await resumed.trainer.loadState(state);
  equal(once, await after(2, resumed));
});

test('rates and decay by name: a factor of 0 stands still, one of 1 moves as all do, and each is as if the rate were that', async () => {
  const base: Texts = { head: 'new', weightDecay: '0.1' };
  const one = await after(1, await open(base));
  const grouped = await open({ ...base, lrOf: 'layer*=0,layer2.conv=0.5,fc=1', weightDecayOf: 'fc.bias=0' });
  assert.is(grouped.trainer.program.commands.filter(({ op }) => op.pass === 'update').length, 1);
  const first = await grouped.trainer.weights();
  const own = await after(1, grouped);
  assert.equal(
    changed(first, own).filter(name => !name.includes('running')),
    ['layer2.conv.weight', 'fc.weight', 'fc.bias'],
  );
  const moved = (to: Tensors, name: string) => Array.from(to[name]!.data, (v, i) => v - first[name]!.data[i]!);
  assert.equal(moved(own, 'fc.weight'), moved(one, 'fc.weight'));
  const [half, all] = [moved(own, 'layer2.conv.weight'), moved(one, 'layer2.conv.weight')];
  half.forEach((v, i) => assert.ok(Math.abs(2 * v - all[i]!) < 1e-6));
  const free = await after(1, await open({ head: 'new' }));
  assert.equal(moved(own, 'fc.bias'), moved(free, 'fc.bias'));
});

test('factors of weight decay are refused where nothing decays, but for a 0 that is asked for', async () => {
  const texts: Texts = { head: 'new', weightDecayOf: 'fc.bias=0' };
  const none = /^weightDecayOf: are factors of weight decay, and there is none; give weightDecay too, or leave it out$/;
  for (const given of [{}, { optimizer: 'adamw:weight_decay=0' }]) assert.match(await refusal(() => open({ ...texts, ...given })), none);
  for (const given of [{ weightDecay: '0' }, { optimizer: 'adamw' }, { l1: '0.1' }, { changes: '1: weight-decay=0.1' }]) {
    (await open({ ...texts, ...given })).trainer.destroy();
  }
});

test('a factor that ends is 0 from then on, across optimizers too', async () => {
  const run = await open({ head: 'new', lrOf: 'fc.bias=2@1.5', optimizer: 'sgd:epochs=1,momentum', epochs: '2' });
  const { stepsPerEpoch } = run.trainer;
  const bias = async (): Promise<number[]> => [...(await run.trainer.weights())['fc.bias']!.data];
  const moves: boolean[] = [];
  for (let last = await bias(); moves.length < 2 * stepsPerEpoch; ) {
    await run.trainer.step();
    const now = await bias();
    moves.push(now.some((v, i) => v !== last[i]));
    last = now;
  }
  run.trainer.destroy();
  assert.equal(
    moves,
    moves.map((_, step) => step < 1.5 * stepsPerEpoch),
  );
});

const far = (a: Tensors, b: Tensors) =>
  Math.max(...Object.keys(a).flatMap(name => Array.from(a[name]!.data, (v, i) => Math.abs(v - b[name]!.data[i]!))));

test('a frozen trunk computes each image once: the same numbers, files and evaluations as with the trunk in place', async () => {
  const texts: Texts = { ...FROZEN, valSplit: '0.2', normalize: 'meanstd', optimizer: 'adam', lr: '0.01' };
  const [inPlace, cached] = [await open({ ...texts, steps: '3' }), await open({ ...texts, epochs: '3' })];
  assert.equal(cached.told.map(line => words(line)).slice(1), [
    'freeze: the 24 features of each image are computed once, and the rest trains on them',
  ]);
  assert.equal(inPlace.told.length, 1);
  assert.ok(cached.trainer.program.commands.length < inPlace.trainer.program.commands.length - 3);
  assert.equal([cached.parameters, cached.trained, cached.metadata], [inPlace.parameters, inPlace.trained, inPlace.metadata]);
  for (let i = 0; i < 9; i++) for (const { trainer } of [inPlace, cached]) await trainer.step();
  for (const part of ['val', 'test'] as const) {
    const [a, b] = [await inPlace.trainer.evaluate(part), await cached.trainer.evaluate(part)];
    assert.ok(Math.abs(a.loss - b.loss) < 1e-5 && a.accuracy === b.accuracy, `${part}: ${a.loss} and ${b.loss}`);
  }
  const [weights, state] = [await cached.trainer.weights(), await cached.trainer.state()];
  assert.ok(far(await after(0, inPlace), weights) < 1e-5);
  const once = await after(3, cached);
  const config = parseConfig('net', { dataset: 'shapes', batchSize: '8', ...texts, epochs: '3' });
  const resumed = await openTrainer(recipeWith(config, model), dataset, await deviceFor(), { start: { of: () => weights, isOwn: true } });
  await resumed.trainer.loadState(state);
  equal(once, await after(3, resumed));
});

test('augmented images have features where so many views of each are asked for', async () => {
  const augmented = await open({ ...FROZEN, augment: 'flip,crop' });
  assert.equal(augmented.told.length, 1);
  const viewed = await open({ ...FROZEN, augment: 'flip,crop', featureViews: '3', valSplit: '0.25' });
  const { train, val } = viewed.trainer.data.run.parts;
  assert.equal([train.n, val.n, viewed.trainer.stepsPerEpoch, viewed.total], [90, 10, 11, 55]);
  const short = await open({ ...FROZEN, augment: 'flip,crop', featureViews: '3', valSplit: '0.25', steps: '1' });
  assert.is(short.trainer.stepsPerEpoch, 11, 'fewer steps than an epoch has do not change its length, which a run that goes on keeps');
  short.trainer.destroy();
  const rows = (view: number) => [
    ...(train.from.images as Float32Array).subarray((view ? 40 + 30 * (view - 1) : train.indices[0]!) * 24).subarray(0, 24),
  ];
  assert.not.equal(rows(1), rows(2));
  const first = await viewed.trainer.weights();
  assert.equal(changed(first, await after(12, viewed)), ['fc.weight', 'fc.bias']);
  augmented.trainer.destroy();
  assert.match(
    await refusal(() => open({ ...FROZEN, featureViews: '3' })),
    /^featureViews: is of images that .*; give augment and freeze too, or leave it out$/,
  );
});

test('what is no pattern of names is refused as such', async () => {
  assert.match(
    await refusal(() => parseConfig('net', { ...BASE, freeze: 'conv[12]' })),
    /'conv\[12\]' in 'conv\[12\]' is no name and no pattern of one; /,
  );
});

test('a trunk that is frozen as it is drawn gives features too, so that a run that goes on sees the same ones', async () => {
  for (const scheme of [{}, { initScheme: 'he-normal' }, { initScheme: 'lsuv' }]) {
    const texts: Texts = { freeze: 'layer*', augment: 'flip,crop', featureViews: '2', epochs: '2', optimizer: 'adam', ...scheme };
    const begun = await open(texts, NONE);
    const inPlace = await open({ ...texts, augment: undefined, featureViews: undefined }, NONE);
    const drawn = await begun.trainer.weights();
    equal(drawn, await after(0, inPlace));
    assert.is(begun.trainer.stepsPerEpoch, scheme.initScheme === 'lsuv' ? 5 : 10);
    const told = scheme.initScheme === 'lsuv' ? /^featureViews: the frozen layers give no features here/ : /^freeze: the \d+ features/;
    assert.match(words(begun.told[0]!), told);
    for (let i = 0; i < 3; i++) await begun.trainer.step();
    const [weights, state] = [await begun.trainer.weights(), await begun.trainer.state()];
    const config = parseConfig('net', { ...BASE, ...texts });
    const start = { of: () => weights, isOwn: true };
    const resumed = await openTrainer(recipeWith(config, model), dataset, await deviceFor(), { start });
    await resumed.trainer.loadState(state);
    equal(await after(4, begun), await after(4, resumed));
  }
});

test('views of an image have its targets where these are numbers to predict', async () => {
  const numbered = (split: Split): Split => ({
    ...split,
    labels: new Uint16Array(),
    targets: Float32Array.from({ length: split.n }, (_, i) => i + 1),
  });
  const regression: Dataset = { ...dataset, classes: [], outputs: ['y'], train: numbered(dataset.train), test: numbered(dataset.test) };
  const { trainer } = await open({ ...FROZEN, augment: 'flip', featureViews: '2', valSplit: '0.25' }, pretrained, regression);
  const { train } = trainer.data.run.parts;
  const own = Array.from(train.indices.subarray(0, 30), i => i + 1);
  assert.equal([...train.targets!], [...own, ...own]);
  assert.equal([...train.from.targets!.subarray(40)], own);
  trainer.destroy();
});

test.run();
