/** What a loop by hand is told where something is given wrongly, or a gradient would be lost. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../../engine/graph.ts';
import { named, sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { reshape } from '../../../layers/geometry.ts';
import { models } from '../../../models/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { netRules, rules } from '../../../optim/index.ts';
import { Net } from '../../../train/net/net.ts';
import type { Targets } from '../../../train/net/targets.ts';
import type { NetOptions } from '../../../train/net/programs.ts';
import type { LoadOptions } from '../../../train/evaluate/match.ts';
import type { Tensors } from '../../../train/run/safetensors.ts';
import { deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';
import { batchOf, dataset, model, values } from '../../support/small-net.ts';

const test = suite('mistakes with a net');
const device = await deviceFor();
const { adam, sgd } = rules;

test('a layer that passes no gradient on to weights before it is refused: they would keep their first values', async () => {
  const gradients = async (between: Layer, after: Layer) => {
    const cut: Layer = (g, x) => after(g, between(g, named('a', dense(6))(g, x)));
    const net = await Net.build(device, cut, { shape: [4], batch: 2 });
    try {
      await net.backward(values(8, 1), Uint8Array.of(0, 1));
      return await net.gradients();
    } finally {
      net.destroy();
    }
  };
  const said = (between: Layer, after: Layer) => refusal(() => gradients(between, after));
  const view: Layer = (g, x) => g.view(x, [2, 2, 3]);
  const none =
    'a.weight: the loss has no gradient by it; give reshape(g, x, shape) where g.view() stands, and what g.map(), g.sum() and g.run() make to g.record(), leave out layers whose output nothing takes, or freeze what stands before detach() alone';
  assert.is(await said((g, x) => g.map('2 * v', x), named('b', dense(2))), none);
  assert.is(
    await said(
      (g, x) => g.view(x, [2, 6]),
      (_, x) => x,
    ),
    none,
  );
  assert.is(
    await said(view, named('b', dense(2))),
    "b: it takes g.view() of another layer's output, which passes no gradient on; give reshape(g, x, shape)",
  );
  const whole = await gradients((g, x) => reshape(g, x, [2, 2, 3]), named('b', dense(2)));
  assert.ok(whole['a.weight']!.data.some(v => v !== 0));
});

test('weights that have no gradients are not updated, which is said', async () => {
  for (const mode of ['evaluated', 'drawn'] as const) {
    const net = await Net.build(device, sequential({ fc: dense(2) }), { shape: [3], batch: 4, mode, inputGradient: true });
    await net.backward(values(12, 1), Uint32Array.of(0, 1, 0, 1));
    assert.match(
      await refusal(() => net.update(optimizer(sgd))),
      /^update: no weight of the net has a gradient; build it in mode 'training', /,
    );
    net.destroy();
  }
});

test('what is given wrongly is said in words', async () => {
  const net = await Net.build(device, model, { shape: dataset.shape, batch: 8 });
  const { x, y } = batchOf(0, 8);
  const said = (call: () => unknown) => refusal(call);
  assert.match(await said(() => net.gradients()), /^gradients: there are no gradients; call backward first$/);
  assert.match(await said(() => net.update(optimizer(adam))), /^update: there are no gradients/);
  assert.match(await said(() => net.backward(x, y, { accumulate: true })), /^backward: there are no gradients to add to/);
  assert.match(
    await said(() => net.backward(x.subarray(1), y)),
    /^backward: got 1151 values of the class Float32Array; give a Float32Array of \[8, 1, 12, 12\]/,
  );
  assert.match(await said(() => net.backward(x, Uint32Array.of(1))), /^backward: got 1 values/);
  const other = (o: unknown) => said(() => net.backward(x, y, o as { accumulate: boolean }));
  assert.is(await other({ acumulate: true }), "unknown option of backward 'acumulate'; did you mean 'accumulate'? known: accumulate");
  assert.is(await other(null), 'backward: got null; give options as { accumulate }');
  assert.match(
    await said(async () => net.load(await net.weights(), { strickt: false } as LoadOptions)),
    /^unknown option of loading 'strickt'; /,
  );
  assert.match(
    await said(() =>
      net.backward(
        x,
        y.map(() => 3),
      ),
    ),
    /^backward: the class of input 0 is 3, and there are 3 outputs; give 0 to 2$/,
  );
  for (const [wrong, shown] of [
    [Float64Array.of(0, 0.5, 1, 0, 1, 2, 0, 1), '0.5'],
    [BigInt64Array.of(0n, 1n, 1n, 0n, 1n, 2n, 0n, 1n), '0n'],
  ] as const) {
    const message = new RegExp(`^backward: the class of input \\d is ${shown}, and there are 3 outputs; give 0 to 2$`);
    assert.match(await said(() => net.backward(x, wrong as unknown as Targets)), message);
  }
  const signed = Int32Array.of(0, 1, -1, 0, 1, 2, 0, 1) as unknown as Targets;
  assert.match(await said(() => net.backward(x, signed)), /^backward: the class of input 2 is -1, and there are 3 outputs; give 0 to 2$/);
  assert.match(await said(() => net.backward(x, new Float32Array(16))), /^loss: labels are \[8, 2\], expected class numbers or \[8, 3\]/);
  assert.match(await said(() => net.forward([1, 2] as unknown as Float32Array)), /^forward: got of the class Array; give a Float32Array/);
  await net.backward(x, y);
  assert.is(
    await said(() => net.setGradients(undefined as unknown as Tensors)),
    'setGradients: got undefined; give them as gradients() does',
  );
  await net.update(optimizer(adam));
  assert.match(await said(() => net.update(optimizer(adam))), /^update: another adam moves this net; make the optimizer once/);
  assert.match(
    await said(() => net.update('adam' as unknown as ReturnType<typeof optimizer>)),
    /^optimizer: 'adam' is none for a loop by hand; /,
  );
  assert.match(
    await said(() => net.update(adam as unknown as ReturnType<typeof optimizer>)),
    /^optimizer: an object of name, .* is none for a loop by hand; give optimizer\(rules\.adam, /,
  );
  assert.match(
    await said(() => net.weights(netRules.asgd as unknown as ReturnType<typeof optimizer>)),
    /^weights: an object of name, .* keeps no average; /,
  );
  for (const name of ['newton-diagonal', 'lsgd', 'kfac']) {
    assert.match(await said(() => net.update(optimizer(netRules[name]!))), new RegExp(`^optimizer: ${name} is none for a loop by hand; `));
  }
  net.destroy();
  const built = (o: Partial<NetOptions>, layer: Layer = model) =>
    refusal(() => Net.build(device, layer, { shape: [1, 12, 12], batch: 8, ...o }));
  assert.match(await built({ batch: 0 }), /^batch: it is 0; /);
  assert.is(await built({ mode: 'eval' as 'evaluated' }), "mode: it is 'eval'; give one of training, evaluated, drawn");
  for (const seed of [1.5, -1, NaN, '3'])
    assert.match(await built({ seed: seed as number }), /^seed: it is .*; give a whole number from 0 on$/);
  assert.match(await built({ inputGradient: 'yes' as unknown as boolean }), /^Net.build: inputGradient is 'yes'; give a boolean$/);
  assert.match(await built({ shape: 12 as unknown as number[] }), /^shape: it is 12; /);
  assert.match(await built({}, models.lenet5 as unknown as Layer), /^model: it is a function that makes a layer, and was not called; /);
});

test.run();
