/** Layers that draw random numbers and standardised weights, reached through a model's options. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { Graph } from '../../engine/graph.ts';
import { models, openModel } from '../../models/index.ts';
import { NOISES, noisesOf } from '../../models/noise.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { parseSpec } from '../../engine/spec.ts';
import { openData } from '../../train/data/data.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { deviceFor } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('noise of models');
const dataset = await openDataset('shapes', { limitTrain: 40, limitTest: 10, quiet: true });
const input = { classes: 10, shape: dataset.shape };

/** The ops of a forward pass by layer and kernel, and the shapes of the parameters. */
function built(spec: string, training = true) {
  const g = new Graph({ training, profile: DEFAULT_PROFILE });
  openModel(parseSpec('model', spec), input)(g, g.tensor([2, ...input.shape], 'input', 'images'));
  return {
    ops: g.ops.map(op => `${op.path} ${op.kernel.name} ${JSON.stringify(op.params)}`),
    kernels: g.ops.map(op => `${op.path} ${op.kernel.name}`),
    params: [...g.params].map(([name, { value }]) => `${name} ${value.shape}`),
  };
}

const accepted = Object.entries(models).flatMap(([model, { options = {} }]) =>
  (options.noise?.choices ?? []).filter(noise => noise !== 'none').map(noise => `${model}:noise=${noise}`),
);

test('every kind but that of residual blocks is in some model, and each model takes those that act in it', () => {
  const reached = new Set(accepted.map(spec => spec.split('=')[1]));
  assert.equal([...reached].sort(), NOISES.filter(noise => !noisesOf('block').includes(noise)).sort());
  assert.equal(noisesOf('block'), ['zoneout', 'stochastic-depth']);
  for (const spec of accepted) {
    const [plain, noisy] = [built(spec.split(':')[0]!), built(spec)];
    assert.not.equal(noisy.ops, plain.ops, spec);
    assert.equal(noisy.params, plain.params, `${spec}: a file of weights fits both`);
    if (/dropconnect|dropout|noise=activation|weight-noise|shakeout|whiteout/.test(spec) && !spec.includes('vanilla')) {
      assert.equal(built(spec, false).ops, built(spec.split(':')[0]!, false).ops, `${spec}: evaluation is without it`);
    }
  }
});

test('the amount is the probability, deviation or ratio', () => {
  const has = (spec: string, text: string) =>
    assert.ok(
      built(spec).ops.some(op => op.includes(text)),
      `${spec}: ${text}`,
    );
  has('lenet5:noise=weight-noise,amount=0.25', '"std":0.25');
  has('lenet5:noise=spatial-dropout,amount=0.1', '"p":0.1');
  has('vgg-small:noise=activation-noise,amount=0.125', '"std":0.125');
  assert.ok(built('alexnet-cifar:noise=fractional-pooling,amount=1.5').params.at(-2) !== built('alexnet-cifar').params.at(-2));
});

test('mlp drops by layer, and inputs', async () => {
  const dropped = (spec: string) =>
    built(spec).ops.flatMap(op => /^(drop\d) elementwise .*?, (\d+)u, i\)/.exec(op)?.slice(1).join(' ') ?? []);
  const word = (p: number) => Math.round(p * 2 ** 32);
  assert.equal(dropped('mlp:hidden=16-16-16,dropout=0.75-0.6-0.01'), [`drop1 ${word(0.75)}`, `drop2 ${word(0.6)}`, `drop3 ${word(0.01)}`]);
  assert.equal(dropped('mlp:dropout=0.5'), [`drop1 ${word(0.5)}`, `drop2 ${word(0.5)}`]);
  assert.equal(dropped('mlp:input_dropout=0.2'), [`drop0 ${word(0.2)}`]);
  assert.equal(built('lenet5:input_dropout=0.2').kernels[0], 'drop elementwise');
  assert.is(
    await refusal(() => built('mlp:dropout=0.1-0.2-0.3')),
    'mlp: dropout has 3 shares for 2 hidden layers; give one for all, or one for each',
  );
  assert.is(
    await refusal(() => built('mlp:dropout=0.5-1')),
    "mlp: dropout is '0.5-1'; give shares of at least 0 and below 1, as 0.5 or 0.75-0.6-0.01",
  );
});

test('zoneout acts in each residual layer, and needs one', async () => {
  const zoned = (spec: string) => built(spec).kernels.filter(kernel => kernel.endsWith(' choose')).length;
  assert.equal([zoned('mlp:hidden=16-16-16,residual=true,zoneout=0.1'), zoned('resnet20:zoneout=0.1'), zoned('resnet20')], [2, 9, 0]);
  assert.is(
    await refusal(() => built('mlp:zoneout=0.1')),
    'mlp: zoneout is 0.1, and no layer is added to what it is given; give residual=true too',
  );
});

test('weight standardisation acts in each convolution', () => {
  for (const model of ['lenet5', 'vgg-small', 'vgg11', 'vgg11-bn', 'alexnet-cifar', 'resnet20', 'plain20']) {
    const convolutions = built(model).kernels.filter(k => /conv2?d?$/.test(k)).length;
    const standardised = built(`${model}:standardise`).kernels.filter(k => k.endsWith('set_norm_apply')).length;
    assert.is(standardised, convolutions, model);
    assert.equal(built(`${model}:standardise`).params, built(model).params);
  }
});

for (const spec of ['mlp:hidden=16-16,dropout=0.3-0.1,input_dropout=0.1,noise=shakeout', 'lenet5:noise=whiteout,standardise=true']) {
  test(`${spec} learns`, async () => {
    const data = await openData(dataset, { normalize: 'meanstd' });
    const model = openModel(parseSpec('model', spec), input);
    const trainer = await Trainer.create({
      device: await deviceFor(),
      data,
      model,
      batchSize: 40,
      optimizer: optimizer(rules.adam!, { lr: 3e-3 }),
    });
    for (let step = 1; step <= 30; step++) await trainer.step(step % 10 === 0);
    const losses = (await trainer.settle()).map(l => l.loss);
    trainer.destroy();
    assert.ok(losses.at(-1)! < losses[0]!, `losses ${losses}`);
  });
}

test.run();
