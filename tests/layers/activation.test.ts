import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import * as layers from '../../layers/activation.ts';
import { checkLayer, random, runLayer } from '../support/check.ts';
import * as reference from '../reference/activation.ts';

const test = suite('activation');

/** Far into both tails, and around 0. */
const wide = random(64, 3).map((v, i) => Math.fround(i < 32 ? 12 * v : v));

test('every activation has a reference', () => {
  assert.equal(Object.keys(layers).sort(), [...Object.keys(reference.activations), 'softmax', 'logSoftmax', 'prelu'].sort());
});

for (const [name, { f }] of Object.entries(reference.activations)) {
  const layer = layers[name as Exclude<keyof typeof layers, 'softmax' | 'logSoftmax' | 'prelu'>];
  test(name, () => checkLayer(layer(), [4, 16], x => x.map(f), { input: wide, derivatives: 64 }));
}
const others: readonly [name: string, Layer, reference.Activation][] = [
  ['leaky relu of slope 0.3', layers.leakyRelu(0.3), reference.leakyRelu(0.3)],
  ['leaky relu of slope 0', layers.leakyRelu(0), reference.leakyRelu(0)],
  ['elu of alpha 1.7', layers.elu(1.7), reference.elu(1.7)],
  ['celu of alpha 0.6', layers.celu(0.6), reference.celu(0.6)],
];
for (const [name, layer, { f }] of others) test(name, () => checkLayer(layer, [64], x => x.map(f), { input: wide, ways: ['own'] }));

test('values near 0 and in tails have six digits, and so have the slopes of softplus', async () => {
  const sizes = Array.from({ length: 256 }, (_, i) => Math.fround(10 ** (i / 29.3 - 8)));
  const input = Float64Array.from(sizes.flatMap(v => [v, -v]));
  const dy = new Float64Array(input.length).fill(1);
  for (const name of ['elu', 'celu', 'tanh', 'sigmoid', 'softplus', 'silu', 'mish', 'gelu'] as const) {
    const { y, dx } = await runLayer('own', layers[name](), [input.length], { input, dy });
    const { f, df } = reference.activations[name]!;
    const alike = (what: string, got: number, want: number) =>
      assert.ok(Math.abs(got - want) <= 1e-6 * Math.abs(want), `${what} is ${got}, expected ${want}`);
    input.forEach((x, i) => {
      alike(`${name}(${x})`, y[i]!, f(x));
      if (name === 'softplus') alike(`slope of ${name} at ${x}`, dx![i]!, df(x));
    });
  }
});

test('no activation overflows', async () => {
  const input = Float64Array.of(-1e4, -200, -50, 50, 200, 1e4, 0, 1e-30);
  for (const [name, layer] of Object.entries(layers)) {
    const { y, dx } = await runLayer('own', layer(), [1, 8], { input });
    assert.ok([...y, ...dx!].every(Number.isFinite), `${name}: ${y}; gradient ${dx}`);
  }
});

const slopes: readonly [perChannel: boolean, shape: Shape][] = [
  [false, [4, 6]],
  [false, [2, 3, 4, 3]],
  [true, [2, 3, 4, 4]],
  [true, [2, 3, 5, 3]],
  [true, [3, 4, 7]],
  [true, [3, 8]],
  [true, [3, 1, 2, 2]],
];
for (const [perChannel, shape] of slopes) {
  test(`prelu with ${perChannel ? 'a slope for each channel' : 'one slope'} of [${shape}]`, () => {
    const area = shape.slice(2).reduce((a, b) => a * b, 1);
    const slope = (i: number) => (perChannel ? Math.floor(i / area) % shape[1]! : 0);
    return checkLayer(layers.prelu({ perChannel }), shape, (x, p) => x.map((v, i) => (v > 0 ? v : p.weight![slope(i)]! * v)));
  });
}

test('prelu keeps NaN, and gives its slope the gradient of one', async () => {
  const input = Float64Array.of(NaN, 1, -1, 2);
  const { y, gradients } = await runLayer('own', layers.prelu(), [1, 4], { input });
  assert.ok(Number.isNaN(y[0]!) && Number.isNaN(gradients.weight![0]!), `${y}, ${gradients.weight}`);
});

test('the gradient of a slope is a sum of a million values to four digits', async () => {
  const n = 2 ** 20;
  const { gradients } = await runLayer('own', layers.prelu(), [1, 1, n], { input: random(n).fill(-0.1), dy: random(n).fill(0.1) });
  const ratio = gradients.weight![0]! / -(n * Math.fround(0.1) ** 2);
  assert.ok(Math.abs(ratio - 1) <= 5e-5, `${ratio} of what it is`);
});

/** A function of rows, of the channels of each pixel of [2, 3, 2, 2]. */
const ofChannels = (f: typeof reference.softmax) => (x: ArrayLike<number>) => {
  const y = new Float64Array(24);
  for (let at = 0; at < 8; at++) {
    const places = [0, 1, 2].map(c => (Math.floor(at / 4) * 3 + c) * 4 + (at % 4));
    const values = f(
      places.map(i => x[i]!),
      3,
    );
    for (const [c, place] of places.entries()) y[place] = values[c]!;
  }
  return y;
};

test('log-softmax of rows', () => checkLayer(layers.logSoftmax(), [5, 7], x => reference.logSoftmax(x, 7)));
test('log-softmax over channels, of large values', () =>
  checkLayer(layers.logSoftmax(), [2, 3, 2, 2], ofChannels(reference.logSoftmax), { input: random(24).map(v => Math.fround(80 * v)) }));

test('softmax of rows', () => checkLayer(layers.softmax(), [5, 7], x => reference.softmax(x, 7)));
test('softmax over channels', () => checkLayer(layers.softmax(), [2, 3, 2, 2], ofChannels(reference.softmax)));

test.run();
