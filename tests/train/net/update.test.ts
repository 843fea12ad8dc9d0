/** An update of a loop by hand: by what a schedule gives, and on the mean of what was accumulated. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tanh } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { clipNorm, decoupledDecay } from '../../../optim/pieces.ts';
import { schedule } from '../../../optim/schedules.ts';
import { Net } from '../../../train/net/net.ts';
import { close, deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';
import { values } from '../../support/small-net.ts';

const test = suite('updates of a net');
const device = await deviceFor();

test('an update takes a rate and a momentum as a schedule gives them, and no other than these', async () => {
  const small = sequential({ fc: dense(3) });
  const [x, y] = [values(16, 3), Uint32Array.of(0, 1, 2, 0)];
  const net = await Net.build(device, small, { shape: [4], batch: 4, seed: 2 });
  const rates = schedule('onecycle', { max_lr: 0.2 }, { lr: 0.2, total: 4 });
  const rule = optimizer(rules.momentum, { lr: 0.2 });
  const at = async () => (await net.weights())['fc.weight']!.data;
  const gradient = async () => {
    await net.backward(x, y);
    return (await net.gradients())['fc.weight']!.data;
  };
  const [want, speed] = [Float64Array.from(await at()), new Float64Array(12)];
  for (let t = 0; t < 4; t++) {
    const { lr, momentum } = rates.at(t);
    (await gradient()).forEach((g, i) => {
      speed[i] = t ? momentum! * speed[i]! + g : g;
      want[i]! -= lr * speed[i]!;
    });
    await net.update(rule, rates.at(t));
    close(`weights after ${t + 1}`, await at(), want, 1e-6);
  }
  const said = (given: unknown) => refusal(() => net.update(rule, given as number));
  assert.match(await said({ momentum: 0.9 }), /^lr: it is an object of momentum; give a number, or what at\(\) of a schedule gives$/);
  assert.match(await said({ lr: 0.1, momentum: 2 }), /^momentum: it is 2; give /);
  assert.match(await said({ lr: 0.1, batches: 5 }), /^batches: an update is to be of 5; accumulate so many/);
  net.destroy();
});

test('on the mean of what was accumulated a net moves as on one batch of all, clipped by the norm of the mean', async () => {
  const small = sequential({ fc1: dense(5), act: tanh(), fc2: dense(3) });
  const x = values(64, 4);
  const y = Uint32Array.from({ length: 16 }, (_, i) => i % 3);
  const moved = async (batch: number, mean: boolean) => {
    const net = await Net.build(device, small, { shape: [4], batch, seed: 2 });
    const rule = optimizer(rules.momentum, { lr: 0.1 }, [clipNorm(0.3), decoupledDecay(0.1)]);
    for (let step = 0; step < 3; step++) {
      for (let at = 0; at < 16; at += batch)
        await net.backward(x.subarray(4 * at, 4 * (at + batch)), y.subarray(at, at + batch), { accumulate: at > 0 });
      await net.update(rule, 0.1, { mean });
    }
    const weights = await net.weights();
    net.destroy();
    return weights;
  };
  const [whole, parts, sums] = [await moved(16, false), await moved(4, true), await moved(4, false)];
  for (const [name, { data }] of Object.entries(whole)) close(name, parts[name]!.data, data, 1e-6);
  assert.not.equal(sums, parts);
  assert.equal(await moved(16, true), whole);
});

test.run();
