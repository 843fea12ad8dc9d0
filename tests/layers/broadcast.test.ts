/** Sums and products of tensors of which one is repeated along dimensions of the other. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph, Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { product, type Shape } from '../../shaders/kernel/shape.ts';
import { relu, sigmoid } from '../../layers/activation.ts';
import { add, gated, multiply } from '../../layers/broadcast.ts';
import { sequential, unflatten } from '../../layers/compose.ts';
import { adaptiveAvgPool } from '../../layers/pool.ts';
import { readPart } from '../../shaders/move/copy.ts';
import { padForward } from '../../shaders/move/pad.ts';
import * as pool from '../reference/pool.ts';
import { checkLayer, runLayer } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('broadcast');

/** The values of x from `start` on as a tensor of `shape`. */
function part(g: Graph, x: Tensor, start: number, shape: Shape): Tensor {
  const size = product(shape);
  const y = g.tensor(shape);
  g.run(readPart, { n: 1, size, source: x.size, start, dest: size, offset: 0 }, { x, y });
  const whole = { planes: 1, h: 1, w: size, oh: 1, ow: x.size, top: 0, left: start, mode: 'constant' } as const;
  return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(padForward, whole, { x: dy, y: dx }))]);
}

/** A function of two sides, which lie one after the other in the input. */
const ofTwo =
  (f: typeof add, a: Shape, b: Shape): Layer =>
  (g, x) =>
    f(g, part(g, x, 0, a), part(g, x, product(a), b));

/** The value at place `i` of `shape` of a tensor `own`, whose values begin at `start`. */
function at(values: ArrayLike<number>, start: number, own: Shape, shape: Shape, i: number): number {
  let [place, stride] = [start, 1];
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = own[d - shape.length + own.length] ?? 1;
    if (size > 1) place += (i % shape[d]!) * stride;
    stride *= size;
    i = Math.floor(i / shape[d]!);
  }
  return values[place]!;
}

const cases: readonly [a: Shape, b: Shape, y: Shape, why: string][] = [
  [[2, 3, 4, 4], [2, 3, 1, 1], [2, 3, 4, 4], 'a gate for each channel of each image, as vec4'],
  [[2, 3, 3, 5], [2, 3, 1, 1], [2, 3, 3, 5], 'the same where nothing divides'],
  [[2, 33, 2, 2], [2, 33, 1, 1], [2, 33, 2, 2], 'gates of enough channels for a lane each, as vec4'],
  [[2, 33, 1, 3], [2, 33, 1, 1], [2, 33, 1, 3], 'the same where nothing divides'],
  [[2, 3, 4, 4], [3, 1, 1], [2, 3, 4, 4], 'one for each channel, of a smaller rank'],
  [[2, 3, 2, 4], [2, 1, 2, 4], [2, 3, 2, 4], 'a mask for each image, as vec4'],
  [[2, 3, 3, 3], [1, 1, 3, 3], [2, 3, 3, 3], 'a mask for all'],
  [[2, 4, 3, 3], [1], [2, 4, 3, 3], 'one number'],
  [[2, 3, 1, 1], [2, 3, 4, 4], [2, 3, 4, 4], 'the first side is repeated'],
  [[2, 3, 1, 4], [2, 1, 5, 1], [2, 3, 5, 4], 'both are repeated'],
  [[2, 8], [2, 8], [2, 8], 'neither is'],
];
for (const [a, b, y, why] of cases) {
  for (const [name, f, of] of [
    ['add', add, (u: number, v: number) => u + v],
    ['multiply', multiply, (u: number, v: number) => u * v],
  ] as const) {
    test(`${name} [${a}] and [${b}]: ${why}`, async () => {
      const layer = sequential([ofTwo(f, a, b), relu()]);
      const shape = [1, product(a) + product(b)];
      await checkLayer(layer, shape, x =>
        Array.from({ length: product(y) }, (_, i) => Math.max(0, of(at(x, 0, a, y, i), at(x, product(a), b, y, i)))),
      );
      assert.equal((await runLayer('own', layer, shape)).shape, y);
    });
  }
}

test('squeeze and excitation without weights: x times the sigmoid of its mean', () =>
  checkLayer(gated(sequential({ squeeze: adaptiveAvgPool(1), scale: sigmoid() })), [2, 3, 4, 3], x => {
    const means = pool.globalAvgPool(x, { planes: 6, h: 4, w: 3 });
    return x.map((v, i) => v / (1 + Math.exp(-means[Math.floor(i / 12)]!)));
  }));

test('unflatten gives values another shape', async () => {
  await checkLayer(unflatten([3, 4]), [2, 12], x => x);
  assert.equal((await runLayer('own', unflatten([3, 4]), [2, 12])).shape, [2, 3, 4]);
});

test('says what does not go together', async () => {
  const message = (layer: Layer, shape: Shape = [1, 24]) => refusal(() => runLayer('own', layer, shape));
  assert.is(
    await message(ofTwo(multiply, [2, 3, 2], [2, 2])),
    'multiply: the two sides are [2, 3, 2] and [2, 2]; give both one shape, or 1 where a side is to be repeated',
  );
  assert.match(await message(ofTwo(add, [2, 3], [4])), /^add: the two sides are \[2, 3\] and \[4\]/);
  assert.is(await message(unflatten([3, 5])), 'unflatten: [3, 5] holds 15 values, a sample has 24 (input [1, 24])');
});

test.run();
