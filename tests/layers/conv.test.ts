import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { conv2d, type ConvOptions } from '../../layers/conv.ts';
import { checkLayer, runLayer, WAYS } from '../support/check.ts';
import { conv2d as reference } from '../reference/linear.ts';
import { isLongRun } from '../support/long.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('conv');

/** `gpu`: the variants with workgroup memory run on it too, `long` in the long tests alone; each of their pipelines takes a software adapter a second to compile. */
interface Case {
  n: number;
  c: number;
  h: number;
  w: number;
  o: number;
  k: number;
  options?: ConvOptions & { stride?: number; pad?: number; dilation?: number };
  why: string;
  gpu?: true | 'long';
  /** Left to the long tests. */
  long?: true;
}
const cases: readonly Case[] = [
  { n: 8, c: 3, h: 32, w: 32, o: 16, k: 3, options: { pad: 1 }, why: 'the first layer of a CIFAR net: fewer channels than lanes' },
  { n: 2, c: 16, h: 16, w: 16, o: 16, k: 3, options: { pad: 1 }, why: 'halo by shuffle' },
  { n: 2, c: 9, h: 8, w: 8, o: 19, k: 3, options: { pad: 1 }, why: 'whole rows held; channels that fill no tile' },
  { n: 3, c: 8, h: 4, w: 4, o: 33, k: 3, options: { pad: 1 }, why: 'rows of one vec4', long: true },
  { n: 3, c: 8, h: 28, w: 28, o: 8, k: 3, options: { pad: 1 }, why: 'vec4 rows that no subgroup covers: halo loaded' },
  { n: 2, c: 16, h: 16, w: 16, o: 32, k: 3, options: { pad: 1, stride: 2 }, why: 'stride 2, aligned' },
  { n: 3, c: 4, h: 14, w: 14, o: 9, k: 3, options: { pad: 1, stride: 2 }, why: 'stride 2, not aligned', long: true },
  { n: 2, c: 5, h: 7, w: 7, o: 11, k: 3, options: { pad: 1 }, why: 'nothing divides', gpu: true },
  { n: 2, c: 5, h: 7, w: 9, o: 3, k: 3, options: { pad: 1, stride: 2 }, why: 'not square, odd, stride 2', gpu: 'long' },
  { n: 3, c: 1, h: 28, w: 28, o: 6, k: 5, options: { pad: 2 }, why: 'LeNet conv1', gpu: 'long' },
  { n: 2, c: 5, h: 9, w: 8, o: 10, k: 3, options: { pad: 1, groups: 5 }, why: 'depthwise with a multiplier: lanes are pixels' },
  { n: 2, c: 6, h: 14, w: 14, o: 16, k: 5, why: 'LeNet conv2: no padding, tiles of five' },
  { n: 8, c: 11, h: 8, w: 7, o: 3, k: 5, why: 'the gradient of a lane is an image', long: true },
  { n: 16, c: 6, h: 6, w: 6, o: 4, k: 5, options: { pad: 1, groups: 2 }, why: 'a lane is an image, padded, groups', long: true },
  { n: 2, c: 4, h: 12, w: 12, o: 5, k: 5, options: { stride: 2, pad: 2 }, why: '5x5 of stride 2', long: true },
  { n: 2, c: 8, h: 8, w: 8, o: 16, k: 1, why: '1x1' },
  { n: 2, c: 6, h: 9, w: 9, o: 10, k: 1, options: { stride: 2 }, why: '1x1 of stride 2: inputs without gradient', long: true },
  { n: 2, c: 3, h: 21, w: 21, o: 7, k: 7, options: { stride: 2, pad: 3 }, why: 'the stem of ResNet', long: true },
  { n: 2, c: 3, h: 27, w: 27, o: 4, k: 11, options: { stride: 4, pad: 2 }, why: 'the stem of AlexNet', long: true },
  { n: 2, c: 6, h: 10, w: 10, o: 4, k: 3, options: { pad: 2, dilation: 2 }, why: 'dilation', gpu: 'long' },
  { n: 2, c: 8, h: 8, w: 8, o: 12, k: 3, options: { pad: 1, groups: 4 }, why: 'groups', gpu: true },
  { n: 2, c: 6, h: 9, w: 9, o: 6, k: 3, options: { pad: 1, stride: 2, groups: 6 }, why: 'depthwise, stride 2', long: true },
  { n: 2, c: 12, h: 16, w: 16, o: 16, k: 3, options: { pad: 1, groups: 2, bias: false }, why: 'groups, aligned, no bias', long: true },
  {
    n: 2,
    c: 3,
    h: 5,
    w: 5,
    o: 2,
    k: 3,
    options: { pad: 3 },
    why: 'more padding than the kernel reaches: the gradient is no convolution',
    gpu: 'long',
  },
  { n: 1, c: 1, h: 1, w: 1, o: 1, k: 1, why: 'size one' },
  { n: 2, c: 24, h: 2, w: 2, o: 20, k: 3, options: { pad: 1 }, why: 'images smaller than a tile' },
  { n: 2, c: 4, h: 1, w: 6, o: 4, k: 3, options: { pad: 1 }, why: 'one row', long: true },
];

for (const { n, c, h, w, o, k, options = {}, why, gpu } of cases.filter(c => isLongRun || !c.long)) {
  const { stride = 1, pad = 0, dilation = 1, groups = 1 } = options;
  test(`${c} -> ${o}, ${h}x${w}, ${k}x${k}${Object.entries(options)
    .map(e => ` ${e.join(' ')}`)
    .join('')}: ${why}`, () =>
    checkLayer(
      conv2d(o, k, options),
      [n, c, h, w],
      (x, p) => reference(x, p.weight!, p.bias, { n, c, h, w, o, kh: k, kw: k, stride, pad, dilation, groups }),
      { derivatives: 12, ways: isLongRun ? WAYS : gpu === true ? ['own', 'gpu'] : ['own'] },
    ));
}

test('says what does not fit', async () => {
  const message = (layer: ReturnType<typeof conv2d>, shape: number[]) => refusal(() => runLayer('own', layer, shape));
  assert.match(
    await message(conv2d(6, 5), [2, 3, 4, 4]),
    /conv2d: kernel 5x5 is larger than its padded input 4x4 \(input \[2, 3, 4, 4\], pad 0\)/,
  );
  assert.match(await message(conv2d(6, 3, { groups: 4 }), [2, 3, 4, 4]), /3 input and 6 output channels do not divide into 4 groups/);
  for (const groups of [0.5, -1])
    assert.match(await message(conv2d(6, 3, { groups }), [2, 3, 4, 4]), `output channels do not divide into ${groups} groups`);
  assert.match(await message(conv2d(6, 3), [2, 12]), /input is \[2, 12\], expected \[batch, channels, height, width\]/);
});

test.run();
