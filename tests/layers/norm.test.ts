import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { relu } from '../../layers/activation.ts';
import { residual, sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, lrn } from '../../layers/norm.ts';
import { checkLayer, close, random, runLayer, WAYS, type Reference, type Way } from '../support/check.ts';
import * as linear from '../reference/linear.ts';
import * as reference from '../reference/norm.ts';
import { isLongRun } from '../support/long.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('norm');

const imagesOf = ([n = 1, c = 1, h = 1, w = 1]: Shape) => ({ n, c, h, w });
const fresh = (c: number) => ({ mean: new Float64Array(c), var: new Float64Array(c).fill(1) });

/** One thread per value is left to the long tests. */
const ways: readonly Way[] = isLongRun ? WAYS : ['own', 'gpu'];

/** `gpu`: with workgroup memory too in the short tests, as all are in the long ones. */
const batches: readonly [shape: Shape, why: string, gpu?: true][] = [
  [[4, 3, 4, 4], 'values in fours', true],
  [[3, 2, 3, 5], 'odd images'],
  [[8, 5], 'features without an image'],
  [[2, 1, 1, 1], 'two values', true],
  [[37, 2, 16, 16], 'several runs of images, the last shorter', true],
  [[2, 70, 2, 2], 'more channels than lanes'],
];
for (const [shape, why, gpu] of batches) {
  const s = imagesOf(shape);
  const two = shape[0]! * s.h * s.w === 2;
  test(`batch norm ${shape.join('x')}: ${why}`, () =>
    checkLayer(batchNorm(), shape, (x, p) => reference.batchNorm(x, s, p, fresh(s.c), true).y, {
      tolerance: two ? 1e-4 : 1e-5,
      derivatives: s.n > 30 ? 8 : 40,
      ways: isLongRun || gpu ? ways : ['own'],
    }));
  test(`batch norm ${shape.join('x')}, evaluation`, () =>
    checkLayer(batchNorm(), shape, (x, p) => reference.batchNorm(x, s, p, { mean: p.running_mean!, var: p.running_var! }, false).y, {
      training: false,
      params: { running_var: random(s.c, 3).map(v => 1 + v / 2) },
      derivatives: 8,
    }));
}

for (const way of ways) {
  test(`running statistics (${way})`, async () => {
    const shape = [5, 3, 4, 2];
    const before = { mean: random(3, 4), var: random(3, 5).map(v => 2 + v) };
    const { x, buffers } = await runLayer(way, batchNorm({ momentum: 0.3 }), shape, {
      params: { running_mean: before.mean, running_var: before.var },
    });
    const after = reference.batchNorm(x, imagesOf(shape), {}, { ...before, momentum: 0.3 }, true);
    close('running_mean', buffers.running_mean!, after.mean, 1e-6);
    close('running_var', buffers.running_var!, after.var, 1e-6);
  });
}

for (const way of ways) {
  test(`a mean a thousand deviations away keeps its variance (${way})`, async () => {
    const shape = [16, 2, 8, 8];
    const input = random(2048, 6).map(v => Math.fround(1000 + v));
    const { y, params } = await runLayer(way, batchNorm(), shape, { input });
    close('y', y, reference.batchNorm(input, imagesOf(shape), params, fresh(2), true).y, 2e-4);
  });
}

test('residual and relu join the application; so do their gradients', () => {
  const layer = sequential({ block: residual(batchNorm()), act: relu() });
  const s = imagesOf([4, 3, 4, 4]);
  return checkLayer(layer, [4, 3, 4, 4], (x, p) =>
    reference.batchNorm(x, s, { weight: p['block.weight'], bias: p['block.bias'] }, fresh(3), true).y.map((v, i) => Math.max(0, v + x[i]!)),
  );
});

const families: readonly [name: string, Layer, Shape, Reference][] = [
  ['layer norm of rows', layerNorm(), [3, 7], (x, p) => reference.layerNorm(x, { size: 7 }, p)],
  ['layer norm of images in fours', layerNorm(), [2, 3, 4, 2], (x, p) => reference.layerNorm(x, { size: 24 }, p)],
  ['group norm, images in fours', groupNorm(2), [3, 4, 2, 2], (x, p) => reference.groupNorm(x, { n: 3, c: 4, h: 2, w: 2, groups: 2 }, p)],
  [
    'group norm, odd images, one group',
    groupNorm(1),
    [2, 3, 3, 1],
    (x, p) => reference.groupNorm(x, { n: 2, c: 3, h: 3, w: 1, groups: 1 }, p),
  ],
  ['group norm of features', groupNorm(3), [2, 12], (x, p) => reference.groupNorm(x, { n: 2, c: 12, h: 1, w: 1, groups: 3 }, p)],
  ['instance norm', instanceNorm(), [2, 3, 3, 3], x => reference.instanceNorm(x, { n: 2, c: 3, h: 3, w: 3 }, {})],
  [
    'instance norm with weights, then relu',
    sequential({ norm: instanceNorm({ affine: true }), act: relu() }),
    [2, 3, 4, 4],
    (x, p) =>
      reference.instanceNorm(x, { n: 2, c: 3, h: 4, w: 4 }, { weight: p['norm.weight'], bias: p['norm.bias'] }).map(v => Math.max(0, v)),
  ],
  [
    'instance norm of signals with weights',
    instanceNorm({ affine: true }),
    [2, 3, 7],
    (x, p) => reference.instanceNorm(x, { n: 2, c: 3, h: 1, w: 7 }, p),
  ],
  [
    'response norm over 5 channels',
    lrn({ size: 5, alpha: 0.5, k: 2 }),
    [2, 7, 2, 2],
    x => reference.lrn(x, { n: 2, c: 7, h: 2, w: 2, size: 5, alpha: 0.5, k: 2 }),
  ],
  [
    'response norm over 4, odd images',
    lrn({ size: 4, alpha: 2, beta: 0.5 }),
    [1, 6, 3, 1],
    x => reference.lrn(x, { n: 1, c: 6, h: 3, w: 1, size: 4, alpha: 2, beta: 0.5 }),
  ],
  [
    'response norm wider than the channels',
    lrn({ size: 9, alpha: 2 }),
    [2, 3, 1, 3],
    x => reference.lrn(x, { n: 2, c: 3, h: 1, w: 3, size: 9, alpha: 2 }),
  ],
  [
    'weight standardisation',
    conv2d(4, 3, { pad: 1, standardise: true }),
    [2, 2, 4, 4],
    (x, p) => linear.conv2d(x, reference.standardise(p.weight!, { o: 4 }), p.bias, { n: 2, c: 2, h: 4, w: 4, o: 4, kh: 3, kw: 3, pad: 1 }),
  ],
  [
    'weight standardisation in a group and stride',
    conv2d(4, 3, { stride: 2, groups: 2, standardise: true }),
    [2, 2, 7, 7],
    (x, p) =>
      linear.conv2d(x, reference.standardise(p.weight!, { o: 4 }), p.bias, {
        n: 2,
        c: 2,
        h: 7,
        w: 7,
        o: 4,
        kh: 3,
        kw: 3,
        stride: 2,
        groups: 2,
      }),
  ],
];
/** The convolution of standardised weights is that of conv.test.ts. */
const waysOf = (name: string): readonly Way[] => (name.startsWith('weight standardisation') && !isLongRun ? ['own'] : ways);
for (const [name, layer, shape, of] of families) test(name, () => checkLayer(layer, shape, of, { derivatives: 40, ways: waysOf(name) }));

test('group norm says which groups divide', async () => {
  const message = await refusal(() => runLayer('own', groupNorm(3), [1, 4, 2, 2]));
  assert.match(message, /groupNorm: 4 channels do not divide into 3 groups \(input \[1, 4, 2, 2\]\); use a divisor of 4/);
});

test('groups that are not whole or none are refused with their number', async () => {
  for (const groups of [0.5, -2, 0, NaN])
    assert.match(
      await refusal(() => runLayer('own', groupNorm(groups), [2, 4, 3, 3])),
      `groupNorm: 4 channels do not divide into ${groups} groups (input [2, 4, 3, 3])`,
    );
});

const nothing: readonly [layer: Layer, shape: Shape, message: string][] = [
  [batchNorm(), [1, 3, 1, 1], 'batchNorm: one value for each channel (input [1, 3, 1, 1]) has no variance; use a larger batch or images'],
  [layerNorm(), [4, 1], 'layerNorm: one value for each sample (input [4, 1]) has no variance; put it where there are more'],
  [groupNorm(3), [2, 3, 1, 1], 'groupNorm: one value for each group (input [2, 3, 1, 1]) has no variance; use fewer groups'],
  [instanceNorm(), [2, 3, 1, 1], 'instanceNorm: images of one pixel (input [2, 3, 1, 1]) have no variance; use larger ones'],
];
for (const [layer, shape, message] of nothing) {
  test(`${message.split(':')[0]} says when there is nothing to normalise`, async () =>
    assert.is(await refusal(() => runLayer('own', layer, shape)), message));
}

test.run();
