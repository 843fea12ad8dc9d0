/** Pooling whose rows and columns differ, with taps apart, over edges, into given sizes, and of signals. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import {
  adaptiveAvgPool,
  adaptiveAvgPool1d,
  adaptiveMaxPool,
  adaptiveMaxPool1d,
  avgPool,
  avgPool1d,
  globalAvgPool,
  maxPool,
  maxPool1d,
  type AvgPoolOptions,
  type MaxPoolOptions,
} from '../../layers/pool.ts';
import type { Edges, Sides } from '../reference/linear.ts';
import * as reference from '../reference/pool.ts';
import { checkLayer, runLayer } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('pool geometry');

/** `edges`: the padding where it is not what the options say. */
const cases: readonly [h: number, w: number, k: Sides, options: MaxPoolOptions & AvgPoolOptions, why: string, edges?: Edges][] = [
  [6, 9, [2, 3], {}, 'windows of rows and columns that differ tile the image'],
  [7, 9, [1, 3], { stride: [1, 2] }, 'one row, written out'],
  [8, 9, [4, 3], { stride: [3, 2], pad: [2, 1] }, 'padded, too large to be written out'],
  [6, 7, 3, { stride: 1, pad: 1, countIncludePad: false }, 'the mean of what is inside'],
  [6, 6, 3, { stride: 2, ceil: true }, 'a last window hangs over'],
  [7, 6, 3, { stride: [3, 2], pad: 1, ceil: true }, 'over the padding too: what hangs over does not count'],
  [7, 6, 3, { stride: [3, 2], pad: 1, ceil: true, countIncludePad: false }, 'nor does the padding'],
  [5, 8, 2, { stride: 2, pad: { bottom: 1, right: 1 } }, 'padded behind alone', { top: 0, left: 0, bottom: 1, right: 1 }],
  [7, 8, 3, { stride: 2, pad: 'same', countIncludePad: false }, 'same, as Keras', { top: 1, bottom: 1, left: 0, right: 1 }],
];
for (const [h, w, k, options, why, edges] of cases) {
  const { countIncludePad = true, ...rest } = options;
  const pad = edges ?? (options.pad as Sides | undefined) ?? 0;
  const p = { ...rest, planes: 6, h, w, k, pad };
  if (countIncludePad)
    test(`max ${h}x${w}, window ${k}: ${why}`, () => checkLayer(maxPool(k, rest), [2, 3, h, w], x => reference.maxPool(x, p).y));
  test(`average ${h}x${w}, window ${k}: ${why}`, () =>
    checkLayer(avgPool(k, options), [2, 3, h, w], x => reference.avgPool(x, { ...p, countIncludePad })));
}

for (const [k, options, why] of [
  [2, { stride: 1, dilation: 2 }, 'every second'],
  [3, { stride: 2, pad: 1, dilation: [2, 3] }, 'padded: the first tap inside is not the first'],
  [[3, 2], { stride: [1, 3], dilation: [1, 4], ceil: true }, 'along the columns alone, rounded up'],
] as const) {
  test(`max with taps apart: ${why}`, () =>
    checkLayer(maxPool(k, options), [2, 3, 9, 10], x => reference.maxPool(x, { ...options, planes: 6, h: 9, w: 10, k }).y));
}

for (const [h, w, oh, ow, why] of [
  [7, 5, 3, 2, 'parts overlap'],
  [6, 8, 3, 2, 'parts tile the image'],
  [3, 2, 5, 7, 'more parts than rows and columns'],
  [5, 4, 1, 1, 'the whole'],
  [9, 7, 9, 1, 'all rows'],
] as const) {
  const p = { planes: 6, h, w, oh, ow };
  test(`adaptive ${h}x${w} to ${oh}x${ow}: ${why}`, async () => {
    await checkLayer(adaptiveAvgPool([oh, ow]), [2, 3, h, w], x => reference.adaptiveAvgPool(x, p));
    await checkLayer(adaptiveMaxPool([oh, ow]), [2, 3, h, w], x => reference.adaptiveMaxPool(x, p).y);
    assert.equal((await runLayer('own', adaptiveAvgPool([oh, ow]), [2, 3, h, w])).shape, [2, 3, oh, ow]);
  });
}

test('signals', async () => {
  const p = { planes: 6, h: 1, w: 11 };
  const row = { top: 0, bottom: 0, left: 1, right: 1 };
  const shape: Shape = [2, 3, 11];
  const options = { stride: 2, pad: 1 };
  const windows = { ...p, k: [1, 3], stride: [1, 2], pad: row } as const;
  await checkLayer(maxPool1d(3, { ...options, dilation: 2 }), shape, x => reference.maxPool(x, { ...windows, dilation: [1, 2] }).y);
  await checkLayer(avgPool1d(3, { ...options, countIncludePad: false }), shape, x =>
    reference.avgPool(x, { ...windows, countIncludePad: false }),
  );
  await checkLayer(adaptiveAvgPool1d(4), shape, x => reference.adaptiveAvgPool(x, { ...p, oh: 1, ow: 4 }));
  await checkLayer(adaptiveMaxPool1d(4), shape, x => reference.adaptiveMaxPool(x, { ...p, oh: 1, ow: 4 }).y);
  await checkLayer(globalAvgPool(), shape, x => reference.globalAvgPool(x, p));
  assert.equal((await runLayer('own', maxPool1d(3), shape)).shape, [2, 3, 3]);
});

test('says what does not fit', async () => {
  const message = (layer: Layer) => refusal(() => runLayer('own', layer, [8, 16, 4, 4]));
  assert.match(await message(maxPool([2, 5])), /^maxPool: window 2x5 is larger than its padded input 4x4 \(input \[8, 16, 4, 4\], pad 0\)/);
  assert.match(await message(maxPool(3, { dilation: 2 })), /^maxPool: window 5x5 is larger than its padded input 4x4/);
  assert.is(
    await message(avgPool(2, { pad: { top: 2 } })),
    'avgPool: a window 2x2 has no tap inside its input (input [8, 16, 4, 4], pad top 2); use less padding or a smaller dilation',
  );
  assert.is(
    await message(maxPool(2, { stride: [1, 0] })),
    'maxPool: stride is [1, 0]; give a whole number of at least 1, or two as [rows, columns]',
  );
  assert.is(await message(adaptiveAvgPool(0)), 'adaptiveAvgPool: size is 0; give a whole number of at least 1, or two as [rows, columns]');
  assert.match(
    await refusal(() => runLayer('own', globalAvgPool(), [2, 3])),
    /^globalAvgPool: input is \[2, 3\], expected \[batch, channels, …\]/,
  );
});

test.run();
