import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { streamOf } from '../../shaders/kernel/random.ts';
import {
  dropConnect,
  dropout,
  gaussianNoise,
  shakeout,
  spatialDropout,
  vanillaDropout,
  weightNoise,
  whiteout,
} from '../../layers/noise.ts';
import { fractionalMaxPool } from '../../layers/pool.ts';
import { OFFSET_BITS } from '../../shaders/pool/fractional-cuts.ts';
import { threshold } from '../../shaders/move/noise.ts';
import { philox } from '../../shaders/kernel/random.ts';
import { checkLayer, close, random, runLayer, type Reference } from '../support/check.ts';
import * as linear from '../reference/linear.ts';
import * as pool from '../reference/pool.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('noise');

// The step that checkLayer runs: seed 1, step 1. The masks are then known, and a layer is a plain function of its input.
const word = (i: number, layer: number) => philox([i >> 2, 1, layer, 0], [1, 0])[i & 3]!;
const kept = (i: number, p: number, layer = streamOf('')) => (word(i, layer) >= Math.round(p * 2 ** 32) ? 1 : 0);
const normal = (i: number, layer: number) => {
  const u = philox([i >> 2, 1, layer, 0], [1, 0]).map(w => ((w >>> 8) + 0.5) / 2 ** 24) as [number, number, number, number];
  const pair = i & 1;
  const r = Math.sqrt(-2 * Math.log(u[pair]!));
  const t = 2 * Math.PI * u[2 + pair]!;
  return (i & 3) < 2 ? r * Math.cos(t) : r * Math.sin(t);
};
const product = (x: ArrayLike<number>, w: ArrayLike<number>, bias: ArrayLike<number> | undefined, n: number, c: number, o: number) =>
  linear.matmul(x, w, { m: n, k: c, n: o, tb: true }).map((v, i) => v + (bias?.[i % o] ?? 0));

test('the host draws the same normal numbers as the device', async () => {
  const { y } = await runLayer('own', gaussianNoise(1), [1, 8], { input: new Float64Array(8) });
  close(
    'numbers',
    y,
    Array.from({ length: 8 }, (_, i) => normal(i, streamOf(''))),
    2e-6,
  );
});

const weights = streamOf(' weight');
const layers: readonly [name: string, Layer, shape: readonly number[], Reference][] = [
  ['dropout', dropout(0.4), [3, 7], x => x.map((v, i) => (v * kept(i, 0.4)) / 0.6)],
  ['vanilla dropout', vanillaDropout(0.4), [3, 7], x => x.map((v, i) => v * kept(i, 0.4))],
  [
    'spatial dropout',
    spatialDropout(0.5),
    [3, 4, 2, 2],
    x => x.map((v, i) => (philox([i >> 2, 1, streamOf(''), 0], [1, 0])[0] >= threshold(0.5) ? 2 * v : 0)),
  ],
  [
    'spatial dropout of odd images',
    spatialDropout(0.5),
    [2, 3, 3, 1],
    x => x.map((v, i) => (philox([Math.floor(i / 3), 1, streamOf(''), 0], [1, 0])[0] >= threshold(0.5) ? 2 * v : 0)),
  ],
  [
    'spatial dropout of signals',
    spatialDropout(0.5),
    [2, 3, 5],
    x => x.map((v, i) => (philox([Math.floor(i / 5), 1, streamOf(''), 0], [1, 0])[0] >= threshold(0.5) ? 2 * v : 0)),
  ],
  ['Gaussian noise', gaussianNoise(0.3), [2, 9], x => x.map((v, i) => v + 0.3 * normal(i, streamOf('')))],
  [
    'DropConnect',
    dense(5, { through: dropConnect(0.3) }),
    [3, 6],
    (x, p) =>
      product(
        x,
        p.weight!.map((w, i) => (w * kept(i, 0.3, weights)) / 0.7),
        p.bias,
        3,
        6,
        5,
      ),
  ],
  [
    'noise on weights',
    dense(5, { through: weightNoise(0.2) }),
    [3, 6],
    (x, p) =>
      product(
        x,
        p.weight!.map((w, i) => w + 0.2 * normal(i, weights)),
        p.bias,
        3,
        6,
        5,
      ),
  ],
  [
    'DropConnect of a convolution',
    conv2d(3, 3, { through: dropConnect(0.5) }),
    [2, 2, 5, 4],
    (x, p) =>
      linear.conv2d(
        x,
        p.weight!.map((w, i) => 2 * w * kept(i, 0.5, weights)),
        p.bias,
        { n: 2, c: 2, h: 5, w: 4, o: 3, kh: 3, kw: 3 },
      ),
  ],
  [
    'whiteout',
    whiteout(5, { sigma: 0.5, gamma: 0.5, lambda: 0.3 }),
    [3, 6],
    (x, p) =>
      product(x, p.weight!, p.bias, 3, 6, 5).map((v, i) => {
        const w = p.weight!.slice((i % 5) * 6, (i % 5) * 6 + 6);
        return v + normal(i, streamOf('')) * Math.sqrt(w.reduce((a, w) => a + w * w * (0.25 * Math.abs(w) ** -0.5 + 0.3), 0));
      }),
  ],
];
for (const [name, layer, shape, reference] of layers) {
  // one kernel for all ways; below in another
  test(`${name}: the mask of the host generator, forward and backward`, () => checkLayer(layer, shape, reference, { ways: ['own'] }));
}

test('a layer that is applied twice draws anew: a second dropout drops others, and the mean stays', async () => {
  const drop = dropout(0.5);
  const twice: Layer = (g, x) => drop(g, drop(g, x));
  const { y, dx } = await runLayer('own', twice, [1, 64], { input: new Float64Array(64).fill(1), dy: new Float64Array(64).fill(1) });
  const want = y.map((_, i) => 4 * kept(i, 0.5) * kept(i, 0.5, streamOf(' 1')));
  assert.equal([...y], [...want]);
  assert.equal([...dx!], [...want]);
});

test('shakeout: w becomes -c sign(w) or (w + c tau sign(w)) / (1 - tau)', () => {
  const tau = 0.4;
  const c = 0.2;
  // random weights stay clear of 0, where sign(w) has no derivative
  return checkLayer(
    shakeout(5, { tau, c }),
    [3, 2, 3, 1],
    (x, p) =>
      Array.from({ length: 15 }, (_, at) => {
        const n = Math.floor(at / 5);
        const k = at % 5;
        let sum = p.bias![k]!;
        for (let j = 0; j < 6; j++) {
          const w = p.weight![k * 6 + j]!;
          const s = Math.sign(w);
          sum += x[n * 6 + j]! * (kept(n * 6 + j, tau) ? (w + c * tau * s) / (1 - tau) : -c * s);
        }
        return sum;
      }),
    { ways: ['own'] },
  );
});

/** The cuts of a sample and axis (0 rows, 1 columns) at step 1 of seed 1, from the host's generator. */
const cutsOf = (sample: number, axis: number, size: number, out: number, random: boolean, overlapping: boolean): pool.Interval[] => {
  const draw = (more: number) => philox([2 * sample + axis, 1, streamOf(''), more], [1, 0])[0];
  if (!random) return pool.pseudoRandomIntervals((draw(0) >>> (32 - OFFSET_BITS)) / 2 ** OFFSET_BITS, size, out, overlapping);
  let twos = size - out;
  let row = 0;
  return Array.from({ length: out }, (_, j) => {
    const start = row;
    const two = ((draw(1 + j) >>> 8) / 2 ** 24) * (out - j) < twos;
    if (two) twos--;
    row += two ? 2 : 1;
    return [start, Math.min(row + (overlapping ? 1 : 0), size)];
  });
};
for (const random of [false, true]) {
  for (const overlapping of [false, true]) {
    test(`fractional max pooling, ${random ? 'random' : 'pseudo-random'}, ${overlapping ? 'overlapping' : 'disjoint'}`, () => {
      const s = { planes: 6, h: 10, w: 7 };
      return checkLayer(
        fractionalMaxPool(1.4, { random, overlapping }),
        [3, 2, 10, 7],
        x =>
          pool.fractionalMaxPool(
            x,
            s,
            plane => cutsOf(plane >> 1, 0, 10, 7, random, overlapping),
            plane => cutsOf(plane >> 1, 1, 7, 5, random, overlapping),
          ).y,
        { ways: ['own'], derivatives: 210 },
      );
    });
  }
}
test('fractional max pooling: all regions are there whatever is drawn, and evaluation draws nothing', async () => {
  for (let step = 1; step <= 20; step++) {
    for (const random of [false, true]) {
      const { y, x } = await runLayer('own', fractionalMaxPool(1.3, { random, overlapping: false }), [4, 1, 9, 8], {
        input: Float64Array.from({ length: 288 }, (_, i) => i),
        step: { seed: step, step },
      });
      for (let n = 0; n < 4; n++) assert.is(y[n * 36 + 35], x[n * 72 + 71]); // the last region ends with the image
      assert.ok(y.every((v, i) => i % 36 === 0 || v > y[i - 1]! || i % 6 === 0));
    }
  }
  const run = async (seed: number) =>
    [...(await runLayer('own', fractionalMaxPool(1.3), [1, 1, 9, 8], { training: false, step: { seed } })).y].join();
  assert.is(await run(1), await run(2));
  const message = await refusal(() => runLayer('own', fractionalMaxPool(2.5), [1, 1, 9, 8]));
  assert.match(message, /fractionalMaxPool: ratio is 2.5, expected above 1 and at most 2/);
});

test('rates, means and variances over many values', async () => {
  const n = 20000;
  const ones = new Float64Array(n).fill(1);
  const step = { seed: 3, step: 9 };
  const run = async (layer: Layer, shape = [1, n]) => (await runLayer('gpu', layer, shape, { input: ones, step })).y;
  const mean = (y: Float64Array) => y.reduce((a, b) => a + b, 0) / y.length;
  const near = (what: string, got: number, want: number, deviation: number, count = n) =>
    assert.ok(Math.abs(got - want) < (4.5 * deviation) / Math.sqrt(count), `${what} is ${got}, expected ${want}`);
  near('mean of dropout', mean(await run(dropout(0.25))), 1, Math.sqrt(0.25 / 0.75));
  near('mean of vanilla dropout', mean(await run(vanillaDropout(0.25))), 0.75, Math.sqrt(0.25 * 0.75));
  near('mean of spatial dropout', mean(await run(spatialDropout(0.25), [10, 500, 2, 2])), 1, Math.sqrt(0.25 / 0.75), 5000);
  const noise = (await run(gaussianNoise(0.5))).map(v => v - 1);
  near('mean of the noise', mean(noise), 0, 0.5);
  near('its variance', mean(noise.map(v => v * v)), 0.25, 0.25 * Math.SQRT2);
  near('its fourth moment', mean(noise.map(v => v ** 4)), 3 / 16, Math.sqrt(96) / 16);
});

test('another step, seed or layer draws other numbers', async () => {
  const run = async (step: Record<string, number>, name = 'a') =>
    [
      ...(await runLayer('own', (g, x) => g.scope(name, () => gaussianNoise(1)(g, x)), [1, 8], { input: new Float64Array(8), step })).y,
    ].join();
  const all = [
    await run({ seed: 1, step: 1 }),
    await run({ seed: 1, step: 2 }),
    await run({ seed: 2, step: 1 }),
    await run({ seed: 1, step: 1 }, 'b'),
  ];
  assert.is(new Set(all).size, 4);
});

test('off at evaluation', async () => {
  const same = [dropout(0.5), spatialDropout(0.5), gaussianNoise(1)];
  const input = random(24);
  for (const layer of same) assert.equal([...(await runLayer('own', layer, [2, 3, 2, 2], { input, training: false })).y], [...input]);
  close(
    'vanilla',
    (await runLayer('own', vanillaDropout(0.25), [4, 6], { input, training: false })).y,
    input.map(v => 0.75 * v),
    1e-7,
  );
  for (const layer of [dense(3, { through: dropConnect(0.5) }), dense(3, { through: weightNoise(1) }), shakeout(3), whiteout(3)]) {
    const { y, params } = await runLayer('own', layer, [4, 6], { input, training: false });
    close('dense', y, product(input, params.weight!, params.bias, 4, 6, 3), 1e-6);
  }
  const { y } = await runLayer('own', gaussianNoise(1, { evaluating: true }), [4, 6], { input, training: false });
  assert.ok(y.every((v, i) => v !== input[i]));
});

test('says which probabilities there are', async () => {
  for (const layer of [dropout(1), vanillaDropout(-0.1), spatialDropout(2)]) {
    assert.match(await refusal(() => runLayer('own', layer, [1, 1, 2, 2])), /ropout: p is (1|-0\.1|2), expected 0 <= p < 1/);
  }
});

test.run();
