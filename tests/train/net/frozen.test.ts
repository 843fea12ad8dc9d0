/** Frozen parameters of a loop by hand have no gradients, stay as they are to the bit, and the others move as if nothing were frozen. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tanh } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { clipNorm, decoupledDecay, ema } from '../../../optim/pieces.ts';
import { Net } from '../../../train/net/net.ts';
import type { NetOptions } from '../../../train/net/programs.ts';
import { close, deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';
import { vectorUniform } from '../../vectors/weights.ts';

const test = suite('frozen parameters of a net');
const device = await deviceFor();

const model = sequential({ fc1: dense(6), bn1: batchNorm(), act1: tanh(), fc2: dense(5), act2: tanh(), fc3: dense(3) });
const common: NetOptions = { shape: [4], batch: 8, seed: 3 };
const build = (freeze?: NetOptions['freeze'], more: Partial<NetOptions> = {}) =>
  Net.build(device, model, { ...common, ...(freeze && { freeze }), ...more });
const x = vectorUniform('x', 32);
const y = Uint32Array.from({ length: 8 }, (_, i) => i % 3);
const FROZEN = ['fc1.weight', 'fc1.bias', 'bn1.weight', 'bn1.bias', 'bn1.running_mean', 'bn1.running_var'];
const TRAINED = ['fc2.weight', 'fc2.bias', 'fc3.weight', 'fc3.bias'];
const decaying = () => optimizer(rules.adam, { lr: 0.05 }, [clipNorm(0.5), decoupledDecay(0.3), ema(0.5)]);

test('they have no gradients and no states, and stay to the bit under decay and an average; the others move', async () => {
  const net = await build(['fc1', 'bn1']);
  const whole = await build();
  const before = await net.weights();
  const adam = decaying();
  for (let step = 0; step < 4; step++) {
    await net.backward(x, y, { accumulate: false });
    await net.backward(x, y, { accumulate: true });
    await net.update(adam);
  }
  await whole.backward(x, y);
  await whole.update(decaying());
  assert.equal(Object.keys(await net.gradients()).sort(), [...TRAINED].sort());
  for (const after of [await net.weights(), await net.weights(adam)]) {
    for (const name of FROZEN) assert.equal(after[name], before[name], name);
    for (const name of TRAINED) assert.not.equal(after[name], before[name], name);
  }
  const { tensors } = await net.state();
  assert.equal(
    Object.keys(tensors).filter(key => /fc1|bn1/.test(key)),
    [],
  );
  assert.ok(net.bytes < whole.bytes, `${net.bytes} bytes, ${whole.bytes} of the net of which nothing is frozen`);
  net.destroy();
  whole.destroy();
});

test('the gradients of the others are those of the net of which nothing is frozen, and of finite differences', async () => {
  const [net, whole] = [await build('fc1, fc2.bias', { inputGradient: true }), await build(undefined, { inputGradient: true })];
  const seen = await net.backward(x, y);
  assert.equal(seen, await whole.backward(x, y));
  const [some, all] = [await net.gradients(), await whole.gradients()];
  assert.equal(Object.keys(some).sort(), ['bn1.bias', 'bn1.weight', 'fc2.weight', 'fc3.bias', 'fc3.weight']);
  for (const [name, { data }] of Object.entries(some)) close(name, data, all[name]!.data, 1e-6);

  const weights = await net.weights();
  const [{ data }, h] = [weights['fc2.weight']!, 1e-2];
  const lossAt = async (value: number) => {
    const moved = { shape: weights['fc2.weight']!.shape, data: Float32Array.from(data, (v, i) => (i === 3 ? value : v)) };
    await net.load({ ...weights, 'fc2.weight': moved });
    return (await net.backward(x, y)).loss;
  };
  const slope = ((await lossAt(data[3]! + h)) - (await lossAt(data[3]! - h))) / (2 * h);
  assert.ok(Math.abs(slope - some['fc2.weight']!.data[3]!) < 1e-3, `${slope} and ${some['fc2.weight']!.data[3]}`);
  net.destroy();
  whole.destroy();
});

test('frozen running statistics are gone by, else they move', async () => {
  const [net, moving] = [await build('*.running_*'), await build(['bn1.weight', 'bn1.bias'])];
  const before = await net.weights();
  await net.backward(x, y);
  await moving.backward(x, y);
  assert.equal((await net.weights())['bn1.running_mean'], before['bn1.running_mean']);
  assert.not.equal((await moving.weights())['bn1.running_mean'], before['bn1.running_mean']);
  const evaluated = await build(undefined, { mode: 'evaluated' });
  assert.is((await net.backward(x, y)).loss, (await evaluated.backward(x, y)).loss);
  for (const each of [net, moving, evaluated]) each.destroy();
});

test('it goes on from weights and state to the bit, and setGradients takes no gradient of what is frozen', async () => {
  const run = async (steps: number, from?: Net) => {
    const net = await build(['fc1', 'bn1']);
    const adam = decaying();
    if (from) {
      await net.load(await from.weights());
      await net.loadState(await from.state());
    }
    for (let step = 0; step < steps; step++) {
      await net.backward(x, y);
      await net.update(adam);
    }
    return net;
  };
  const [straight, half] = [await run(4), await run(2)];
  const resumed = await run(2, half);
  assert.equal(await resumed.weights(), await straight.weights());
  assert.match(
    await refusal(() => straight.setGradients({ 'fc1.bias': { shape: [6], data: new Float32Array(6) } })),
    "setGradients: 'fc1.bias' is frozen, and has no gradient; leave it out",
  );
  for (const net of [straight, half, resumed]) net.destroy();
});

test('a net of which all is frozen has a loss and the gradient of its inputs, and nothing that moves', async () => {
  const net = await build('*', { inputGradient: true });
  const fixed = await build(undefined, { mode: 'evaluated', inputGradient: true });
  assert.equal(await net.backward(x, y), await fixed.backward(x, y));
  assert.equal(await net.gradients(), {});
  assert.match(await refusal(() => net.update(decaying())), /^update: no weight of the net has a gradient; .*not frozen$/);
  net.destroy();
  fixed.destroy();
});

test('what is no name, or has no gradient to keep, is refused', async () => {
  assert.is(
    await refusal(() => build(['fc4'])),
    "freeze: 'fc4' is the name of no layer and no parameter; did you mean 'fc1'? its layers are fc1, bn1, fc2, fc3",
  );
  assert.match(await refusal(() => build([3] as never)), /^freeze: it is 3; give names of layers and parameters, as/);
  assert.match(await refusal(() => build('fc1', { mode: 'drawn' })), "freeze: in mode 'drawn' no weight has a gradient; leave it out");
});

test.run();
