import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dropout } from '../../layers/noise.ts';
import { normals, permutation, philox, STREAMS, streamOf, uniforms, type Draw } from '../../shaders/kernel/random.ts';
import { runLayer, WAYS } from '../support/check.ts';
import { philoxAnswers } from '../reference/philox.ts';

const test = suite('random');

test('Philox 4x32-10 gives the known answers of Random123', () => {
  for (const { counter, key, out } of philoxAnswers) assert.equal(philox([...counter], [...key]), [...out]);
});

test('dropout on the device is the mask of the host generator, the same forward and backward, in every variant', async () => {
  const n = 1000;
  const p = 0.3;
  const x = new Float64Array(n).fill(1);
  for (const way of WAYS) {
    const { y, dx, r } = await runLayer(way, dropout(p), [1, n], { input: x, step: { seed: 7, step: 5 } });
    for (let i = 0; i < n; i++) {
      const keep = philox([i >> 2, 5, streamOf(''), 0], [7, 0])[i & 3]! >= Math.round(p * 2 ** 32);
      assert.is(y[i]! !== 0, keep, `${way}: element ${i}`);
      if (keep) assert.ok(Math.abs(y[i]! - 1 / (1 - p)) < 1e-6 && Math.abs(dx![i]! - r[i]! / (1 - p)) < 1e-6);
      else assert.is(dx![i], 0);
    }
  }
});

test('the mask changes with the step and the seed, drops the stated share, and is off at evaluation', async () => {
  const n = 40000;
  const ones = new Float64Array(n).fill(1);
  const run = async (step: Record<string, number>) => (await runLayer('own', dropout(0.25), [1, n], { input: ones, step })).y;
  const a = await run({ seed: 1, step: 1 });
  const b = await run({ seed: 1, step: 2 });
  const c = await run({ seed: 2, step: 1 });
  const dropped = (y: Float64Array) => y.reduce((k, v) => k + (v === 0 ? 1 : 0), 0) / n;
  for (const y of [a, b, c]) assert.ok(Math.abs(dropped(y) - 0.25) < 4 * Math.sqrt((0.25 * 0.75) / n), `${dropped(y)} dropped`);
  assert.ok(a.some((v, i) => v !== b[i]) && a.some((v, i) => v !== c[i]));
  const { y } = await runLayer('own', dropout(0.25), [1, n], { input: ones, training: false });
  assert.ok(y.every(v => v === 1));
});

test('host streams: uniform and normal moments, permutations complete and different by epoch', () => {
  const take = (next: Draw, n: number) => Array.from({ length: n }, next);
  const mean = (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length;
  const u = take(uniforms(1, STREAMS.init), 40000);
  const z = take(normals(1, STREAMS.init), 40000);
  assert.ok(Math.abs(mean(u) - 0.5) < 0.006 && u.every(v => v >= 0 && v < 1));
  assert.ok(Math.abs(mean(z)) < 0.02 && Math.abs(mean(z.map(v => v * v)) - 1) < 0.03);
  const one = permutation(1000, 5, STREAMS.shuffle, 0);
  const two = permutation(1000, 5, STREAMS.shuffle, 1);
  assert.equal(
    [...one].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.equal([...permutation(1000, 5, STREAMS.shuffle, 0)], [...one]);
  assert.ok(one.some((v, i) => v !== two[i]));
});

test.run();
