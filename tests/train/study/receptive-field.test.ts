import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph, type Layer } from '../../../engine/graph.ts';
import { concat, sequential } from '../../../layers/compose.ts';
import { conv2d, convTranspose2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { avgPool, globalAvgPool, maxPool } from '../../../layers/pool.ts';
import { openModel } from '../../../models/index.ts';
import { DEFAULT_PROFILE } from '../../../shaders/kernel/kernel.ts';
import { parseSpec } from '../../../engine/spec.ts';
import { receptiveFields } from '../../../train/study/receptive-field.ts';

const test = suite('receptive fields');

type Shape = readonly [c: number, h: number, w: number];

/** Their sizes by layer, of a net for images of a shape. */
function sizesOf(net: Layer, shape: Shape): Record<string, readonly number[] | 'all'> {
  const g = new Graph({ training: false, profile: DEFAULT_PROFILE });
  const image = g.tensor([1, ...shape], 'input', 'images');
  net(g, image);
  return Object.fromEntries(Array.from(receptiveFields(g, image), ([name, field]) => [name, field === 'all' ? field : field.size]));
}

const model = (name: string, shape: Shape) => sizesOf(openModel(parseSpec('model', name), { classes: 10, shape }), shape);

test('the published ones of known nets (Araujo et al. 2019), and what their layers add up to', () => {
  assert.equal(model('vgg16', [3, 224, 224])['features.30'], [212, 212]);
  assert.equal(model('alexnet', [3, 224, 224])['features.12'], [195, 195]);
  assert.equal(model('resnet20', [3, 32, 32])['layer3.2.conv2'], [81, 81]);
  const { conv1, pool1, conv2, pool2, fc1 } = model('lenet5', [1, 28, 28]);
  assert.equal([conv1, pool1, conv2, pool2, fc1], [[5, 5], [6, 6], [14, 14], [16, 16], 'all']);
});

test('strides, dilation, oblong windows, branches, transposed convolutions and poolings', () => {
  const sizes = sizesOf(
    sequential({
      wide: conv2d(4, [1, 5], { pad: [0, 2] }),
      spread: conv2d(4, 3, { dilation: 2, pad: 2 }),
      halved: conv2d(4, 3, { stride: 2, pad: 1 }),
      branches: concat({ small: conv2d(2, 1), large: sequential({ a: conv2d(2, 3, { pad: 1 }), b: conv2d(2, 3, { pad: 1 }) }) }),
      pool: avgPool(2),
      max: maxPool(2),
      up: convTranspose2d(4, 2, { stride: 2 }),
      mean: globalAvgPool(),
      fc: dense(3),
    }),
    [3, 32, 32],
  );
  const expected = {
    wide: [1, 5],
    spread: [5, 9],
    halved: [7, 11],
    'branches.small': [7, 11],
    'branches.large.b': [15, 19],
    pool: [17, 21],
    max: [21, 25],
    up: [21, 25],
    mean: 'all',
    fc: 'all',
  };
  for (const [name, size] of Object.entries(expected)) assert.equal(sizes[name], size, name);
});

test.run();
