import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import * as layers from '../../layers/activation.ts';
import { checkLayer, random, runLayer } from '../support/check.ts';
import * as reference from '../reference/activation.ts';

const test = suite('activation');

/** Far into both tails, and around 0. */
const wide = random(64, 3).map((v, i) => Math.fround(i < 32 ? 12 * v : v));

test('every activation has a reference', () => {
  assert.equal(Object.keys(layers).sort(), [...Object.keys(reference.activations), 'softmax'].sort());
});

for (const [name, { f }] of Object.entries(reference.activations)) {
  const layer = layers[name as Exclude<keyof typeof layers, 'softmax'>];
  test(name, () => checkLayer(layer(), [4, 16], x => x.map(f), { input: wide, derivatives: 64 }));
}
const others: readonly [name: string, Layer, reference.Activation][] = [
  ['leaky relu of slope 0.3', layers.leakyRelu(0.3), reference.leakyRelu(0.3)],
  ['leaky relu of slope 0', layers.leakyRelu(0), reference.leakyRelu(0)],
  ['elu of alpha 1.7', layers.elu(1.7), reference.elu(1.7)],
];
for (const [name, layer, { f }] of others) test(name, () => checkLayer(layer, [64], x => x.map(f), { input: wide, ways: ['own'] }));

test('gelu to 2e-7 of its size', async () => {
  const input = Float64Array.from({ length: 1024 }, (_, i) => Math.fround((i - 512) / 64));
  const { y } = await runLayer('own', layers.gelu(), [1024], { input });
  y.forEach((v, i) => {
    const want = reference.activations.gelu!.f(input[i]!);
    const error = Math.abs(v - want);
    assert.ok(error <= 2e-7 * Math.max(1, Math.abs(input[i]!)), `gelu(${input[i]}) is ${v}, expected ${want}`);
  });
});

test('no activation overflows', async () => {
  const input = Float64Array.of(-1e4, -200, -50, 50, 200, 1e4, 0, 1e-30);
  for (const [name, layer] of Object.entries(layers)) {
    const { y, dx } = await runLayer('own', layer(), [1, 8], { input });
    assert.ok([...y, ...dx!].every(Number.isFinite), `${name}: ${y}; gradient ${dx}`);
  }
});

test('softmax of rows', () => checkLayer(layers.softmax(), [5, 7], x => reference.softmax(x, 7)));
test('softmax over channels', () =>
  checkLayer(layers.softmax(), [2, 3, 2, 2], x => {
    const y = new Float64Array(24);
    for (let at = 0; at < 8; at++) {
      const places = [0, 1, 2].map(c => (Math.floor(at / 4) * 3 + c) * 4 + (at % 4));
      reference
        .softmax(
          places.map(i => x[i]!),
          3,
        )
        .forEach((v, c) => {
          y[places[c]!] = v;
        });
    }
    return y;
  }));

test.run();
