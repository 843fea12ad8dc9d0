/** What layers say of themselves while they are built: whoever looks for outputs, weights or running statistics reads that list. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BuiltLayer } from '../../engine/built-layer.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import { writes } from '../../engine/op.ts';
import { relu } from '../../layers/activation.ts';
import { flatten, residual, sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { batchNorm, groupNorm } from '../../layers/norm.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';

const test = suite('announced');

function announced(layer: Layer, training = true): { g: Graph; layers: readonly BuiltLayer[] } {
  const g = new Graph({ training, profile: DEFAULT_PROFILE });
  layer(g, g.persistent('input', 'x', [2, 3, 4, 4]));
  return { g, layers: g.layers };
}

const net = sequential({
  conv: conv2d(4, 3, { pad: 1 }),
  norm: batchNorm({ momentum: 0.2 }),
  block: residual(sequential({ conv: conv2d(4, 1, { standardise: true }), norm: groupNorm(2) })),
  act: relu(),
  flat: flatten(),
  fc: dense(5, { bias: false }),
});

test('each layer says its output, in the order in which they are built; a view is none', () => {
  const { g, layers } = announced(net);
  assert.equal(
    layers.map(l => l.path),
    ['conv', 'norm', 'block.conv', 'block.norm', 'block', 'act', 'fc'],
  );
  for (const { path, output } of layers) {
    const last = g.ops.findLast(op => op.path === path)!;
    assert.ok(writes(last).includes(output), `the last op of ${path} writes what it gives`);
  }
});

test('its weight and bias, and whether its product takes the weight itself', () => {
  const { g, layers } = announced(net);
  assert.equal(
    layers.flatMap(l => [l.weight, l.bias].flatMap(p => p?.value.name ?? [])),
    [...g.params.keys()],
  );
  assert.equal(
    layers.filter(l => l.used).map(l => [l.path, l.used === l.weight!.value]),
    [
      ['conv', true],
      ['block.conv', false],
      ['fc', true],
    ],
  );
});

test('its running statistics, in training and evaluation', () => {
  for (const training of [true, false]) {
    const [running, ...others] = announced(net, training).layers.flatMap(l => l.running ?? []);
    const { mean, variance, ...numbers } = running!;
    assert.equal([mean.name, variance.name, others.length], ['norm.running_mean', 'norm.running_var', 0]);
    assert.equal(numbers, { count: 32 });
  }
});

test.run();
