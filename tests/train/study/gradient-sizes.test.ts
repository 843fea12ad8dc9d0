import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../support/lab.ts';

const test = suite('gradients of deep nets');

test('gradients vanish layer by layer under sigmoids, with depth under ReLU and Glorot, and neither under He', async () => {
  const { rows, expected } = await outcomeOf('gradient-sizes:depth=12');
  for (const { what, expected: said, found } of expected!)
    assert.ok(Math.abs(found / said - 1) < 0.15, `${what}: ${found}, expected ${said}`);
  const row = (net: string) => rows.find(r => r.net === net)! as Record<string, number>;
  const factor = (net: string) => row(net)['factor a layer back']!;
  assert.is(rows.length, 10);
  for (const net of ['tanh, orthogonal', 'relu, he', 'relu, lsuv']) assert.ok(Math.abs(factor(net) - 1) < 0.15, `${net}: ${factor(net)}`);
  const size = (net: string) => row(net)['layer 2']!;
  assert.ok(size('sigmoid, glorot') < 1e-3 * size('relu, glorot') && size('relu, glorot') < 0.1 * size('relu, he'));
  assert.ok(size('relu, glorot, batch norm') > size('relu, he') && size('relu, glorot, shortcuts') > size('relu, he'));
});

test.run();
