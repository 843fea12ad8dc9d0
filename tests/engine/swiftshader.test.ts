/** A case of each kind of kernel on the other software driver, whose built-in functions and code differ from lavapipe's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { listAdapters } from '../../engine/node/adapters.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { gelu, softmax, tanh } from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { batchNorm, groupNorm, lrn } from '../../layers/norm.ts';
import { avgPool, maxPool } from '../../layers/pool.ts';
import { openModel } from '../../models/index.ts';
import { momentum } from '../../optim/first-order.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { clipNorm, weightDecay } from '../../optim/pieces.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { openData } from '../../train/data/data.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { checkLayer, close, deviceFor, testWhere, type Reference, type Way } from '../support/check.ts';
import * as activations from '../reference/activation.ts';
import { conv2d as conv, matmul } from '../reference/linear.ts';
import * as norms from '../reference/norm.ts';
import * as pools from '../reference/pool.ts';

const test = suite('SwiftShader');
const there = (await listAdapters()).some(a => a.kind === 'swiftshader');
const on = testWhere(test, there, 'this machine has no SwiftShader');

const images = { n: 2, c: 4, h: 8, w: 8 };
const shape: Shape = [2, 4, 8, 8];
const convolved =
  (o: number, k: number, more: object): Reference =>
  (x, p) =>
    conv(x, p.weight!, p.bias, { ...images, o, kh: k, kw: k, ...more });
const layers: readonly [name: string, Layer, Reference][] = [
  ['conv 3x3', conv2d(6, 3, { pad: 1 }), convolved(6, 3, { pad: 1 })],
  ['conv 3x3 of stride 2 in groups', conv2d(6, 3, { pad: 1, stride: 2, groups: 2 }), convolved(6, 3, { pad: 1, stride: 2, groups: 2 })],
  ['conv 5x5', conv2d(5, 5), convolved(5, 5, {})],
  ['dense', dense(7), (x, p) => matmul(x, p.weight!, { m: 2, k: 256, n: 7, tb: true }).map((v, i) => v + p.bias![i % 7]!)],
  ['max pooling', maxPool(3, { stride: 2, pad: 1 }), x => pools.maxPool(x, { planes: 8, h: 8, w: 8, k: 3, stride: 2, pad: 1 }).y],
  ['average pooling', avgPool(2), x => pools.avgPool(x, { planes: 8, h: 8, w: 8, k: 2 })],
  [
    'batch norm',
    batchNorm(),
    (x, p) => norms.batchNorm(x, images, p, { mean: new Float64Array(4), var: new Float64Array(4).fill(1) }, true).y,
  ],
  [
    'group norm, then tanh',
    sequential({ norm: groupNorm(2), act: tanh() }),
    (x, p) => norms.groupNorm(x, { ...images, groups: 2 }, { weight: p['norm.weight'], bias: p['norm.bias'] }).map(Math.tanh),
  ],
  ['response norm', lrn({ size: 3, alpha: 0.5 }), x => norms.lrn(x, { ...images, size: 3, alpha: 0.5 })],
  ['gelu', gelu(), x => Float64Array.from(x, activations.gelu.f)],
];
for (const [name, layer, reference] of layers) {
  on(name, () => checkLayer(layer, shape, reference, { ways: ['swiftshader'], derivatives: 20 }));
}
on('softmax', () => checkLayer(softmax(), [5, 7], x => activations.softmax(x, 7), { ways: ['swiftshader'] }));

on('augmented batches, losses and updates are those of the default adapter', async () => {
  const losses = async (way: Way) => {
    const dataset = await openDataset('fashion-mnist', { limitTrain: 64, limitTest: 1, quiet: true });
    const device = await deviceFor(way);
    const trainer = await Trainer.create({
      device,
      model: openModel({ name: 'lenet5', options: {} }, { classes: 10, shape: dataset.shape }),
      batchSize: 16,
      seed: 3,
      data: await openData(dataset, {
        normalize: 'meanstd',
        augment: parseAugment('crop:2,rotate:10,contrast,noise,augmix'),
      }),
      optimizer: optimizer(momentum, { lr: 0.02 }, [clipNorm(1), weightDecay(1e-3)]),
    });
    try {
      for (let step = 0; step < 4; step++) await trainer.step(true);
      return (await trainer.settle()).map(m => m.loss);
    } finally {
      trainer.destroy();
    }
  };
  const here = await losses('own');
  assert.is(here.length, 4);
  close('losses', await losses('swiftshader'), here, 1e-4);
});

test.run();
