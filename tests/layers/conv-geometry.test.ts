/** Convolutions whose rows and columns differ, padding of each side, signals, and transposed convolutions. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { relu } from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { conv1d, conv2d, convTranspose2d, type Conv1dOptions, type ConvOptions, type ConvTransposeOptions } from '../../layers/conv.ts';
import { batchNorm } from '../../layers/norm.ts';
import { conv2d as reference, convTranspose2d as transposed, edgesOf, outSize, pairOf, same, type Sides } from '../reference/linear.ts';
import { checkLayer, runLayer, WAYS, type Way } from '../support/check.ts';
import { isLongRun } from '../support/long.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('conv geometry');

/**
 * The long tests run each case in every way, the others with workgroup memory only where a case asks for it: its kernels take two seconds
 * each to compile.
 */
const waysFor = (gpu?: true): readonly Way[] => (isLongRun ? WAYS : gpu ? ['own', 'gpu'] : ['own']);

/** [channels, height, width, output channels]; `gpu`: the variants with workgroup memory run on it in the short tests too. */
const cases: readonly {
  of: readonly [c: number, h: number, w: number, o: number];
  k: Sides;
  options?: ConvOptions;
  why: string;
  gpu?: true;
  /** Left to the long tests. */
  long?: true;
}[] = [
  { of: [8, 7, 9, 12], k: [1, 7], options: { pad: [0, 3] }, why: 'one row of taps', gpu: true },
  { of: [8, 9, 8, 12], k: [7, 1], options: { pad: [3, 0] }, why: 'one column of taps: columns lie as vec4', long: true },
  { of: [9, 8, 8, 12], k: [1, 3], options: { pad: [0, 1] }, why: 'columns as vec4 with a halo', long: true },
  { of: [4, 8, 16, 8], k: [5, 3], options: { pad: [2, 1] }, why: 'rows in a loop, columns as vec4', long: true },
  { of: [5, 9, 8, 6], k: [2, 3], options: { stride: [2, 1] }, why: 'strides that differ', gpu: true, long: true },
  { of: [5, 9, 12, 6], k: 3, options: { stride: [1, 2], pad: 1 }, why: 'a square kernel with strides that differ', long: true },
  { of: [3, 9, 11, 5], k: [3, 2], options: { dilation: [1, 3], pad: [1, 2] }, why: 'dilations that differ' },
  { of: [6, 8, 8, 6], k: [3, 5], options: { groups: 6, pad: 'same' }, why: 'depthwise, taps in a rectangle', long: true },
  {
    of: [10, 8, 8, 9],
    k: 3,
    options: { pad: { top: 1, left: 1, right: 1 } },
    why: 'no padding below: whole rows are not held',
    long: true,
  },
  { of: [10, 8, 8, 9], k: 3, options: { pad: { top: 1, bottom: 2, left: 1, right: 1 } }, why: 'more rows than the input has', long: true },
  { of: [4, 7, 8, 4], k: 3, options: { groups: 4, pad: { top: 1, left: 1 } }, why: 'depthwise, one side padded', long: true },
  { of: [12, 8, 8, 8], k: 1, options: { pad: { bottom: 1 } }, why: 'one tap, and a row of bias below' },
  { of: [3, 6, 7, 4], k: 4, options: { pad: 'same' }, why: 'same, of an even kernel', long: true },
  { of: [6, 8, 8, 8], k: 3, options: { pad: 'same', stride: 2 }, why: 'same of stride 2: padding behind alone', long: true },
  { of: [6, 9, 8, 4], k: [3, 1], options: { pad: 'same', stride: [2, 3] }, why: 'same of strides that differ', long: true },
  { of: [4, 6, 6, 5], k: 5, options: { pad: { top: 4, left: 1, right: 2 } }, why: 'images in lanes, wider padding above', long: true },
];
for (const {
  of: [c, h, w, o],
  k,
  options = {},
  why,
  gpu,
} of cases.filter(c => isLongRun || !c.long)) {
  test(`${c} -> ${o}, ${h}x${w}, kernel ${k}: ${why}`, () => {
    const { stride = 1, pad = 0, dilation = 1, groups = 1 } = options;
    const [kh, kw] = pairOf(k);
    const edges =
      pad === 'same'
        ? same([h, w], k, stride, dilation)
        : typeof pad === 'object' && 'length' in pad
          ? edgesOf(pad)
          : typeof pad === 'number'
            ? edgesOf(pad)
            : { top: 0, bottom: 0, left: 0, right: 0, ...pad };
    const n = why.startsWith('images in lanes') ? 16 : 2;
    const s = { n, c, h, w, o, kh, kw, stride, dilation, groups, pad: edges };
    return checkLayer(conv2d(o, k, options), [n, c, h, w], (x, p) => reference(x, p.weight!, p.bias, s), {
      derivatives: 12,
      ways: waysFor(gpu),
    });
  });
}

const signals: readonly [why: string, k: number, options: Conv1dOptions, pad: readonly [before: number, behind: number], gpu?: true][] = [
  ['padded', 5, { pad: 2 }, [2, 2]],
  ['of stride 3, dilated, in groups', 3, { stride: 3, dilation: 2, groups: 2 }, [0, 0]],
  ['causal: padded before alone', 3, { pad: { left: 4 }, dilation: 2, bias: false }, [4, 0], true],
  ['same', 4, { pad: 'same' }, [1, 2]],
];
for (const [why, k, options, pad, gpu] of signals) {
  test(`signals, ${why}`, async () => {
    const { stride = 1, dilation = 1, groups = 1 } = options;
    const s = { n: 2, c: 4, h: 1, w: 19, o: 6, kh: 1, kw: k, stride: [1, stride], dilation: [1, dilation], groups } as const;
    const edges = { top: 0, bottom: 0, left: pad[0], right: pad[1] };
    const layer = conv1d(6, k, options);
    await checkLayer(layer, [2, 4, 19], (x, p) => reference(x, p.weight!, p.bias, { ...s, pad: edges }), {
      derivatives: 12,
      ways: waysFor(gpu),
    });
    const got = await runLayer('own', layer, [2, 4, 19]);
    assert.equal(got.shape, [2, 6, outSize(19 + pad[0] + pad[1], k, stride, 0, dilation)]);
    assert.is(got.params.weight!.length, (6 * 4 * k) / groups);
  });
}

const turned: readonly {
  of: readonly [c: number, h: number, w: number, o: number];
  k: Sides;
  options?: ConvTransposeOptions;
  out: readonly [number, number];
  why: string;
  gpu?: true;
  /** Left to the long tests. */
  long?: true;
}[] = [
  { of: [6, 5, 5, 4], k: 2, options: { stride: 2 }, out: [10, 10], why: 'twice the size, no overlap', gpu: true },
  { of: [5, 4, 8, 9], k: 4, options: { stride: 2, pad: 1 }, out: [8, 16], why: 'twice the size, overlapping, as vec4', long: true },
  { of: [5, 4, 4, 6], k: 3, options: { stride: 2, pad: 1, outputPad: 1 }, out: [8, 8], why: 'a row and a column more', long: true },
  { of: [5, 6, 4, 6], k: 3, options: { pad: 1 }, out: [6, 4], why: 'stride 1: itself a convolution' },
  { of: [3, 4, 5, 2], k: 3, options: { pad: 3, stride: 2, bias: false }, out: [3, 5], why: 'more padding than a kernel', long: true },
  {
    of: [4, 5, 4, 6],
    k: [3, 2],
    options: { stride: [3, 1], dilation: [1, 2], groups: 2, pad: { top: 1, left: 2 } },
    out: [14, 4],
    why: 'rows and columns differ, groups',
  },
];
for (const {
  of: [c, h, w, o],
  k,
  options = {},
  out,
  why,
  gpu,
} of turned.filter(c => isLongRun || !c.long)) {
  test(`transposed ${c} -> ${o}, ${h}x${w}, kernel ${k}: ${why}`, async () => {
    const { stride = 1, pad = 0, dilation = 1, groups = 1 } = options;
    const [kh, kw] = pairOf(k);
    const edges = typeof pad === 'object' && !('length' in pad) ? { top: 0, bottom: 0, left: 0, right: 0, ...pad } : pad;
    const s = { n: 2, c: o, h: out[0], w: out[1], o: c, kh, kw, stride, dilation, groups, pad: edges };
    const layer = convTranspose2d(o, k, options);
    assert.equal((await runLayer('own', layer, [2, c, h, w])).shape, [2, o, ...out]);
    // what outputPad adds behind the last is of the output alone: the convolution from y to x does not reach it
    await checkLayer(layer, [2, c, h, w], (x, p) => transposed(x, p.weight!, p.bias, s), {
      derivatives: 12,
      ways: waysFor(gpu),
    });
  });
}

test('batch norm after a transposed convolution of stride 1 keeps weights and channels together', async () => {
  const layer = sequential({ up: convTranspose2d(4, 3, { pad: 1, bias: false }), bn: batchNorm(), act: relu() });
  const shape: Shape = [2, 3, 4, 5];
  const positive = Float64Array.of(0.5, 1, 2, 0.25);
  const params = { 'bn.running_var': positive, 'bn.running_mean': Float64Array.of(0.1, -0.2, 0.3, 0) };
  const s = { n: 2, c: 4, h: 4, w: 5, o: 3, kh: 3, kw: 3, pad: 1 };
  await checkLayer(
    layer,
    shape,
    (x, p) =>
      transposed(x, p['up.weight']!, undefined, s).map((v, i) => {
        const c = Math.floor(i / 20) % 4;
        const scaled = (v - p['bn.running_mean']![c]!) / Math.sqrt(p['bn.running_var']![c]! + 1e-5);
        return Math.max(0, scaled * p['bn.weight']![c]! + p['bn.bias']![c]!);
      }),
    { training: false, params, derivatives: 10, ways: waysFor() },
  );
});

test('says what does not fit', async () => {
  const message = (layer: Layer, shape: Shape = [2, 3, 4, 6]) => refusal(() => runLayer('own', layer, shape));
  assert.is(
    await message(conv2d(6, [5, 3], { pad: { left: 1 } })),
    'conv2d: kernel 5x3 is larger than its padded input 4x7 (input [2, 3, 4, 6], pad left 1); use larger images or fewer poolings before it',
  );
  assert.is(
    await message(conv2d(6, 3, { stride: 0 })),
    'conv2d: stride is 0; give a whole number of at least 1, or two as [rows, columns]',
  );
  assert.is(
    await message(conv2d(6, 3, { pad: [1, -1] })),
    'conv2d: pad is [1, -1]; give a whole number of at least 0, or two as [rows, columns]',
  );
  assert.is(
    await message(conv2d(6, 3, { pad: { top: 0.5 } })),
    'conv2d: pad is top 0.5; give whole numbers of at least 0 as top, bottom, left, right',
  );
  assert.match(await message(conv1d(6, 3)), /^conv1d: input is \[2, 3, 4, 6\], expected \[batch, channels, length\]; put unflatten/);
  assert.match(
    await message(conv1d(6, 9, { dilation: 2 }), [2, 3, 8]),
    /^conv1d: kernel 1x9 with dilation 1x2 is larger than its padded input 1x8/,
  );
  assert.is(
    await message(convTranspose2d(6, 3, { outputPad: 1 })),
    'convTranspose2d: outputPad is 1x1, stride 1x1 and dilation 1x1; give less than one of them',
  );
  assert.match(
    await message(convTranspose2d(6, 3, { pad: 4 })),
    /^convTranspose2d: nothing is left of its output -2x0 .*; use less padding$/,
  );
});

test.run();
