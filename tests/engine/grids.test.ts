/**
 * More than 65,535 rows, outputs, groups or channels: what a grid holds in one direction is folded, and variants that do not fold are
 * skipped.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Device } from '../../engine/device.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { Memory } from '../../engine/memory.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { Program } from '../../engine/program.ts';
import { Tuner } from '../../engine/tune.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { matmul } from '../reference/linear.ts';
import { checkLayer, type Reference } from '../support/check.ts';

const test = suite('grids');
const MANY = 65_600;

const product =
  (m: number, k: number, n: number): Reference =>
  (x, p) =>
    matmul(x, p.weight!, { m, k, n, tb: true }).map((v, i) => v + p.bias![i % n]!);
const cases: readonly [name: string, Layer, Shape, Reference][] = [
  ['rows of a dense layer', dense(3), [MANY, 4], product(MANY, 4, 3)],
  ['outputs of a dense layer, and their bias', dense(MANY), [2, 4], product(2, 4, MANY)],
  [
    'groups of a depthwise convolution, and their bias',
    conv2d(MANY, 1, { groups: MANY }),
    [2, MANY, 1, 1],
    (x, p) => x.map((v, i) => v * p.weight![i % MANY]! + p.bias![i % MANY]!),
  ],
];
for (const [name, layer, shape, reference] of cases) {
  test(name, () => checkLayer(layer, shape, reference, { derivatives: 6, tolerance: 1e-4 }));
}

test('a variant that cannot run is skipped when variants are timed', async () => {
  const device = await Device.open(await openAdapter(), { lanes: 0 });
  device.tuner = new Tuner({ version: '1' });
  const g = new Graph({ training: false, profile: device.profile });
  const memory = new Memory(device);
  g.kept.add(conv2d(MANY, 1, { groups: MANY })(g, g.persistent('input', 'x', [1, MANY, 1, 1])));
  const program = await Program.compile(memory, g);
  assert.is(program.commands[0]!.pipeline.variant.name, 'plain');
  device.close();
});

test.run();
