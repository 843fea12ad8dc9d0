import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph, type Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { prelu, relu, sigmoid, tanh } from '../../layers/activation.ts';
import { auxiliary } from '../../layers/auxiliary.ts';
import { gated } from '../../layers/broadcast.ts';
import {
  beside,
  concat,
  flatten,
  mean,
  named,
  residual,
  scale,
  sequential,
  stochasticDepth,
  unflatten,
  zeroPadShortcut,
} from '../../layers/compose.ts';
import { constantPad } from '../../layers/pad.ts';
import { conv1d, conv2d, convTranspose2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { streamOf } from '../../shaders/kernel/random.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, lrn } from '../../layers/norm.ts';
import { avgPool, avgPool1d, globalAvgPool, maxPool, maxPool1d } from '../../layers/pool.ts';
import { rnn } from '../../layers/recurrent.ts';
import { threshold } from '../../shaders/move/noise.ts';
import { philox } from '../../shaders/kernel/random.ts';
import { checkLayer, runLayer, WAYS, type Reference } from '../support/check.ts';
import * as linear from '../reference/linear.ts';
import * as pool from '../reference/pool.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('compose');

const thrice: Layer = (g, x) => g.record([x], g.map('v * 3.0', x), dy => [g.map('v * 3.0', dy)]);
/** x[n, c - before, stride i, stride j], or 0. */
const zeroPad = (x: ArrayLike<number>, [n, c, h, w]: readonly number[], o: number, stride: number) => {
  const oh = Math.ceil(h! / stride);
  const ow = Math.ceil(w! / stride);
  const before = Math.floor((o - c!) / 2);
  return Array.from({ length: n! * o * oh * ow }, (_, i) => {
    const channel = (Math.floor(i / (oh * ow)) % o) - before;
    const at = i % (oh * ow);
    if (channel < 0 || channel >= c!) return 0;
    return x[((Math.floor(i / (oh * ow * o)) * c! + channel) * h! + Math.floor(at / ow) * stride) * w! + (at % ow) * stride]!;
  });
};

const cases: readonly [name: string, layer: Layer, shape: Shape, Reference][] = [
  ['residual, identity shortcut', residual(thrice), [2, 3, 2, 2], x => x.map(v => 4 * v)],
  ['residual, then relu', sequential({ sum: residual(tanh()), relu: relu() }), [3, 5], x => x.map(v => Math.max(0, v + Math.tanh(v)))],
  ['the sum of a tensor with itself', residual((_, x) => x), [2, 5], x => x.map(v => 2 * v)],
  ['a shortcut with a layer of its own', residual(thrice, tanh()), [2, 6], x => x.map(v => 3 * v + Math.tanh(v))],
  ['zero-pad shortcut, stride 2, odd sizes', zeroPadShortcut(7, 2), [2, 4, 5, 3], x => zeroPad(x, [2, 4, 5, 3], 7, 2)],
  ['zero-pad shortcut, stride 1', zeroPadShortcut(8), [2, 4, 2, 2], x => zeroPad(x, [2, 4, 2, 2], 8, 1)],
  [
    'concat of uneven branches',
    concat({ a: thrice, b: conv2d(3, 1), c: tanh() }),
    [2, 2, 3, 1],
    (x, p) => {
      const b = linear.conv2d(x, p['b.weight']!, p['b.bias'], { n: 2, c: 2, h: 3, w: 1, o: 3, kh: 1, kw: 1 });
      return [0, 1].flatMap(n =>
        [...x.slice(6 * n, 6 * n + 6)]
          .map(v => 3 * v)
          .concat([...b.slice(9 * n, 9 * n + 9)], [...x.slice(6 * n, 6 * n + 6)].map(Math.tanh)),
      );
    },
  ],
  [
    'concat in vec4, then relu',
    sequential({ cat: concat([thrice, sigmoid()]), relu: relu() }),
    [2, 2, 2, 2],
    x =>
      [0, 1].flatMap(n =>
        [...x.slice(8 * n, 8 * n + 8)].map(v => Math.max(0, 3 * v)).concat([...x.slice(8 * n, 8 * n + 8)].map(v => 1 / (1 + Math.exp(-v)))),
      ),
  ],
  ['mean of branches', mean({ a: thrice, b: tanh(), c: (_, x) => x }), [2, 3], x => x.map(v => (4 * v + Math.tanh(v)) / 3)],
  [
    'flatten passes gradients on',
    sequential({ act: tanh(), flat: flatten(), fc: dense(2, { bias: false }) }),
    [2, 2, 1, 2],
    (x, p) => linear.matmul(x.map(Math.tanh), p['fc.weight']!, { m: 2, k: 4, n: 2, tb: true }),
  ],
  ['global average pooling', globalAvgPool(), [2, 3, 4, 3], x => pool.globalAvgPool(x, { planes: 6, h: 4, w: 3 })],
  [
    'global average pooling of odd planes, then relu',
    sequential({ p: globalAvgPool(), r: relu() }),
    [2, 3, 5, 1],
    x => pool.globalAvgPool(x, { planes: 6, h: 5, w: 1 }).map(v => Math.max(v, 0)),
  ],
  [
    'max pooling that rounds up',
    maxPool(3, { stride: 2, ceil: true }),
    [1, 2, 6, 4],
    x => {
      const at = (c: number, i: number, j: number) => (i < 6 && j < 4 ? x[(c * 6 + i) * 4 + j]! : -Infinity);
      return Array.from({ length: 2 * 3 * 2 }, (_, o) =>
        Math.max(
          ...Array.from({ length: 9 }, (_, t) =>
            at(Math.floor(o / 6), (Math.floor(o / 2) % 3) * 2 + Math.floor(t / 3), (o % 2) * 2 + (t % 3)),
          ),
        ),
      );
    },
  ],
];
for (const [name, layer, shape, reference] of cases) test(name, () => checkLayer(layer, shape, reference));

test('max pooling rounds up as PyTorch only where the last window starts inside', async () => {
  const size = async (h: number, k: number, stride: number, pad: number) =>
    (await runLayer('own', maxPool(k, { stride, pad, ceil: true }), [1, 1, h, h])).shape[2];
  assert.equal(
    [await size(8, 2, 2, 0), await size(7, 2, 2, 0), await size(8, 3, 2, 1), await size(5, 2, 3, 1), await size(4, 2, 3, 0)],
    [4, 4, 5, 2, 2],
  );
});

for (const perSample of [false, true]) {
  for (const way of WAYS) {
    test(`stochastic depth ${perSample ? 'by sample' : 'by batch'} (${way}): equal masks in both directions, drawn by Philox`, async () => {
      const layer: Layer = (g, x) => g.scope('block', () => stochasticDepth(thrice, 0.4, { perSample })(g, x));
      let dropped = 0;
      for (let step = 1; step <= 6; step++) {
        const { y, dx, x, r } = await runLayer(way, layer, [5, 3, 2, 2], { step: { seed: 7, step } });
        const words = Array.from({ length: 5 }, (_, n) => philox([perSample ? n : 0, step, streamOf('block depth'), 0], [7, 0])[0]);
        words.forEach(word => {
          if (word < threshold(0.4)) dropped++;
        });
        y.forEach((v, i) => {
          const keep = words[Math.floor(i / 12)]! >= threshold(0.4) ? 1 : 0;
          assert.ok(
            Math.abs(v - 3 * x[i]! * keep) < 1e-6 && Math.abs(dx![i]! - 3 * r[i]! * keep) < 1e-6,
            `step ${step}, value ${i}: ${v} of ${x[i]}`,
          );
        });
      }
      assert.ok(dropped > 0 && dropped < 30);
    });
  }
}

test('stochastic depth multiplies by 1 - p when evaluating', () =>
  checkLayer(stochasticDepth(thrice, 0.25), [2, 4], x => x.map(v => 2.25 * v), { training: false }));

test('layers one by one, as PyTorch\u2019s Sequential takes them, are refused: they were no layers at all', async () => {
  const message = (layer: () => Layer) => refusal(() => runLayer('own', layer(), [2, 4, 4, 4]));
  for (const [name, of] of Object.entries({ sequential, concat, mean }) as [string, (...layers: unknown[]) => Layer][]) {
    for (const first of [relu(), sequential([relu()])])
      assert.is(
        await message(() => of(first, flatten())),
        `${name}: it got a function where a list of layers goes; give one, as [relu(), flatten()]`,
      );
    assert.is(await message(() => of({ a: relu(), b: undefined })), `${name}: 'b' is undefined; give a layer, as relu()`);
  }
});

test('says which shapes do not go together', async () => {
  const message = (layer: Layer) => refusal(() => runLayer('own', layer, [2, 4, 4, 4]));
  assert.match(await message(residual(conv2d(8, 1))), /add: the two sides are \[2, 8, 4, 4\] and \[2, 4, 4, 4\]; give both one shape/);
  assert.match(
    await message(concat({ a: thrice, b: avgPool(2) })),
    /concat: branches of \[2, 4, 4, 4\] and \[2, 4, 2, 2\]; they may differ in channels alone/,
  );
  assert.match(await message(zeroPadShortcut(3)), /zeroPadShortcut: 3 channels are fewer than the input's 4/);
  assert.match(await message(stochasticDepth(thrice, 1)), /stochasticDepth: p is 1, expected 0 <= p < 1/);
});

test('an option that a layer does not have is named, as of PyTorch or Keras', async () => {
  const message = (layer: Layer, shape = [2, 4, 4, 4]) => refusal(() => runLayer('own', layer, shape));
  const o = (options: unknown) => options as object;
  const conv = 'known: stride, pad, dilation, groups, bias, standardise, through';
  const cases: readonly [layer: Layer, message: string][] = [
    [conv2d(3, 3, o({ padding: 1 })), `unknown option of conv2d 'padding'; ${conv}`],
    [conv2d(3, 3, o({ strides: 2 })), `unknown option of conv2d 'strides'; did you mean 'stride'? ${conv}`],
    [conv2d(3, 3, o(1)), 'conv2d: got 1; give options as { stride, pad, dilation, groups, … }'],
    [convTranspose2d(3, 3, o({ outputPadding: 1 })), "unknown option of convTranspose2d 'outputPadding'; known: stride, "],
    [dense(3, o({ units: 3 })), "unknown option of dense 'units'; known: bias, through"],
    [maxPool(2, o({ padding: 1 })), "unknown option of maxPool 'padding'; known: stride, pad, ceil, dilation"],
    [avgPool(2, o({ dilation: 1 })), "unknown option of avgPool 'dilation'; known: stride, pad, ceil, countIncludePad"],
    [batchNorm(o({ epsilon: 1 })), "unknown option of batchNorm 'epsilon'; known: eps, momentum, affine"],
    [layerNorm(o({ epsilon: 1 })), "unknown option of layerNorm 'epsilon'; known: eps, affine"],
    [groupNorm(2, o({ epsilon: 1 })), "unknown option of groupNorm 'epsilon'; known: eps, affine"],
    [instanceNorm(o({ epsilon: 1 })), "unknown option of instanceNorm 'epsilon'; known: eps, affine"],
    [lrn(o({ depth: 1 })), "unknown option of lrn 'depth'; known: size, alpha, beta, k"],
    [rnn(3, o({ bias: false })), "unknown option of rnn 'bias'; known: dropout, zoneout"],
    [prelu(o({ perchannel: true })), "unknown option of prelu 'perchannel'; did you mean 'perChannel'? known: perChannel, init"],
    [stochasticDepth(relu(), 0.5, o({ persample: true })), "unknown option of stochasticDepth 'persample'; did you mean 'perSample'?"],
  ];
  for (const [layer, wanted] of cases) assert.ok((await message(layer)).startsWith(wanted), `${await message(layer)} is not ${wanted}`);
  for (const layer of [conv1d(3, 3, o({ padding: 1 })), maxPool1d(2, o({ padding: 1 })), avgPool1d(2, o({ dilation: 1 }))]) {
    assert.match(await message(layer, [2, 4, 8]), /^unknown option of \w+1d '/);
  }
  for (const out of [0, 1.5]) assert.is(await message(dense(out)), `weight: its shape is [${out}, 64]; sizes are whole numbers above 0`);
});

test('a number of a layer that is none, or out of its range, is named', async () => {
  const message = (layer: () => Layer) => refusal(() => runLayer('own', layer(), [2, 4, 4, 4]));
  const none = undefined as never;
  const [text, given] = ['x' as unknown as number, 'give a number'];
  const cases: readonly [layer: () => Layer, message: string][] = [
    [() => scale(none), `scale: the factor is undefined; ${given}`],
    [() => scale(NaN), `scale: the factor is NaN; ${given}`],
    [() => unflatten(4 as never), 'unflatten: the shape is 4; give a list, as [1, 28, 28]'],
    [() => batchNorm({ eps: -1 }), `batchNorm: eps is -1; ${given} of at least 0`],
    [() => batchNorm({ momentum: 2 }), `batchNorm: momentum is 2; ${given} of at least 0 and at most 1`],
    [() => layerNorm({ eps: text }), `layerNorm: eps is 'x'; ${given} of at least 0`],
    [() => groupNorm(2, { eps: NaN }), `groupNorm: eps is NaN; ${given} of at least 0`],
    [() => lrn({ size: 2.5 }), `lrn: size is 2.5; give a whole number of at least 1`],
    [() => lrn({ alpha: text }), `lrn: alpha is 'x'; ${given}`],
    [() => constantPad(none), 'constantPad: pad is undefined; give whole numbers of at least 0 as top, bottom, left, right'],
    [() => constantPad(1, text), `constantPad: the value is 'x'; ${given}`],
    [() => auxiliary(dense(2), text), "auxiliary: the share is 'x'; give how much its loss counts, as 0.3"],
    [() => auxiliary(relu as never, 0.3), "auxiliary: 'head' returned a function, no output; give a layer, as relu()"],
    [() => sequential(null as never), 'sequential: it got null where a list of layers goes; give one, as [relu(), flatten()]'],
  ];
  for (const [layer, wanted] of cases) assert.is(await message(layer), wanted);
});

test('two layers that would share their weights by their names are refused, one in both places shares them', async () => {
  const parameters = (layer: Layer) => {
    const g = new Graph({ training: true, profile: DEFAULT_PROFILE });
    layer(g, g.tensor([2, 8], 'input', 'x'));
    return [...g.params.keys()];
  };
  const shared = dense(8, { bias: false });
  const advice = "; give them names, as named('a', dense(8)), or use one and the same to share it";
  for (const [layer, who] of [
    [residual(dense(8), dense(8)), 'residual'],
    [beside(relu(), shared, dense(8, { bias: false })), 'beside'],
    [residual(sequential([dense(8)]), residual(relu(), sequential([dense(8)]))), 'residual'],
  ] as const)
    assert.match(
      await refusal(() => parameters(layer)),
      `${who}: two of its layers have a parameter called ${who === 'beside' ? 'weight' : ''}`,
    );
  assert.is(
    await refusal(() => parameters(sequential({ fc: residual(dense(8), dense(8)) }))),
    `residual fc: two of its layers have a parameter called fc.weight${advice}`,
  );
  assert.equal(parameters(beside(shared, relu(), shared)), ['weight']);
  assert.equal(parameters(residual(named('a', dense(8)), named('b', dense(8)))), ['a.weight', 'a.bias', 'b.weight', 'b.bias']);
});

test('what stands among layers and is none is named', async () => {
  const message = (layer: () => Layer) => refusal(() => runLayer('own', layer(), [2, 4]));
  const uncalled = relu as unknown as Layer;
  const none = 'give a layer, as relu()';
  assert.is(await message(() => sequential([dense(3), uncalled, dense(2)])), `sequential: '1' returned a function, no output; ${none}`);
  assert.is(
    await message(() => sequential({ fc: dense(3), act: () => undefined as never })),
    `sequential: 'act' returned undefined, no output; ${none}`,
  );
  const others: readonly [make: (layer: Layer) => Layer, who: string, what: string][] = [
    [residual, 'residual', 'body'],
    [shortcut => residual(relu(), shortcut), 'residual', 'shortcut'],
    [body => stochasticDepth(body, 0.5), 'stochasticDepth', 'body'],
    [branch => beside(relu(), branch), 'beside', '1'],
    [gated, 'gated', 'gate'],
    [layer => named('act', layer), 'named', 'act'],
  ];
  for (const [make, who, what] of others) {
    assert.is(await message(() => make(uncalled)), `${who}: '${what}' returned a function, no output; ${none}`);
    assert.is(await message(() => make({} as Layer)), `${who}: '${what}' is an object of nothing; ${none}`);
  }
});

test.run();
