/** No gradient passes a detached tensor: against closed forms, and against the nets that stand around it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import { add, multiply } from '../../layers/broadcast.ts';
import { tanh } from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { dense } from '../../layers/dense.ts';
import { detach } from '../../layers/detach.ts';
import { reshape } from '../../layers/geometry.ts';
import { Net } from '../../train/net/net.ts';
import type { NetOptions } from '../../train/net/programs.ts';
import { close, deviceFor } from '../support/check.ts';
import { runOnnx, sameLogits } from '../support/onnx.ts';
import { refusal } from '../support/refusal.ts';
import { exportOnnx } from '../../train/onnx/open.ts';
import { vectorUniform } from '../vectors/weights.ts';

const test = suite('detach');
const device = await deviceFor();
const x = vectorUniform('x', 12);
const t = vectorUniform('t', 12);
const common: NetOptions = { shape: [3], batch: 4, loss: 'mse', inputGradient: true };

/** The gradient by the inputs of the mean squared error, n = 4 rows of 3. */
async function gradientBy(model: Layer): Promise<{ y: Float32Array; dx: Float32Array }> {
  const net = await Net.build(device, model, common);
  const { inputGradient } = await net.backward(x, t);
  const y = await net.forward(x);
  net.destroy();
  return { y, dx: inputGradient! };
}

test('of x times x detached the gradient is that of a constant times x', async () => {
  const { y, dx } = await gradientBy((g, x) => multiply(g, x, detach(g, x)));
  close(
    'values',
    y,
    x.map(v => v * v),
    1e-6,
  );
  close(
    'gradient',
    dx,
    x.map((v, i) => ((2 * (v * v - t[i]!)) / 12) * v),
    1e-6,
  );
});

test('the straight-through estimator has the values of the function and the gradient of the identity', async () => {
  const rounded: Layer = (g, x) => g.map('round(4.0 * v) / 4.0', x);
  const { y, dx } = await gradientBy((g, x) => {
    const rest = g.map('v - a', rounded(g, x), x);
    return add(g, x, detach(g, rest));
  });
  const values = x.map(v => Math.round(4 * v) / 4);
  close('values', y, values, 1e-6);
  close(
    'gradient',
    dx,
    values.map((v, i) => (2 * (v - t[i]!)) / 12),
    1e-6,
  );
});

test('views and layers of a detached tensor pass nothing on, and what else uses the tensor does', async () => {
  const { dx } = await gradientBy((g, x) => {
    const seen = tanh()(g, x);
    const apart = reshape(g, g.view(detach(g, seen), [2, 6]), [4, 3]);
    return add(g, seen, tanh()(g, apart));
  });
  const want = x.map((v, i) => {
    const seen = Math.tanh(v);
    return ((2 * (seen + Math.tanh(seen) - t[i]!)) / 12) * (1 - seen * seen);
  });
  close('gradient', dx, want, 1e-6);
});

test('what stands before one alone is to be frozen, and is refused otherwise; a frozen trunk computes no gradient', async () => {
  const model = sequential({ fc1: dense(5), stop: detach, act: tanh(), fc2: dense(3) });
  const net = await Net.build(device, model, { shape: [3], batch: 4, loss: 'mse' });
  assert.match(
    await refusal(() => net.backward(x, t)),
    /^fc1\.weight: the loss has no gradient by it; .*freeze what stands before detach\(\) alone$/,
  );
  net.destroy();
  const frozen = await Net.build(device, model, { shape: [3], batch: 4, loss: 'mse', freeze: 'fc1' });
  await frozen.backward(x, t);
  assert.equal(Object.keys(await frozen.gradients()), ['fc2.weight', 'fc2.bias']);
  frozen.destroy();
});

test('in evaluation and in ONNX it is nothing', async () => {
  const model = sequential({ fc1: dense(5), stop: detach, act: tanh(), fc2: dense(4) });
  await sameLogits(model, [1, 2, 3]);
  const identity = await exportOnnx({ model: detach, shape: [3], weights: {} });
  assert.equal((await runOnnx(identity, x, [4, 3], 'input')).output!.data, x);
});

test.run();
