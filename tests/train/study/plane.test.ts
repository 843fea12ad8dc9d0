/** Points in the plane: boundaries by depth, centroids, kernels of nets. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { firstCentroids, lloyd, reached, stochastic } from '../../../train/study/plane/clusters.ts';
import { kernelDescent } from '../../../train/study/plane/tangent-kernel.ts';
import { close, random } from '../../support/check.ts';
import { labOf, outcomeOf } from '../../support/lab.ts';

const test = suite('experiments in the plane');

/** Four clouds at the corners of a square. */
const points = { d: 2, values: random(4000, 3).map((v, i) => v + (((i >> 1) + (i & 1)) % 4 < 2 ? 4 : -4)) };

test("Lloyd's inertia falls from pass to pass, and ends where each centroid is the mean of its points", async () => {
  const start = { d: 2, values: points.values.filter((_, i) => i < 32 && i % 8 < 2) }; // all in one corner
  const { curve, centroids } = await lloyd(labOf(), points, start, 100);
  assert.ok(curve.length > 2 && curve.length < 100, `${curve.length} passes`);
  curve.slice(1).forEach(({ inertia }, i) => assert.ok(inertia <= curve[i]!.inertia + 1e-12, `pass ${i + 1}`));
  const again = await lloyd(labOf(), points, centroids, 1);
  assert.ok(again.centroids.values.every((v, i) => Math.abs(v - centroids.values[i]!) < 1e-12));
});

test('point by point and by batches centroids come within 5 % after fewer points than one pass has; each is the mean of its points', async () => {
  const start = await firstCentroids(labOf(), points, 4);
  const end = (await lloyd(labOf(), points, start, 100)).curve.at(-1)!.inertia;
  for (const batch of [1, 50]) {
    const { curve } = await stochastic(labOf(), points, start, { batch, seen: 2000 });
    assert.ok(reached(curve, 1.05 * end)! < 2000, `batches of ${batch}: ${curve.at(-1)!.inertia} of ${end}`);
  }
  const one = { d: 1, values: Float64Array.of(3) };
  const { centroids } = await stochastic(labOf(), one, { d: 1, values: Float64Array.of(9) }, { batch: 1, seen: 5 });
  assert.is(centroids.values[0], 3);
  assert.is(
    reached(
      [5, 1, 4, 2, 1].map((inertia, seen) => ({ seen, inertia })),
      2,
    ),
    3,
  );
});

test('first centroids are points, and lie apart', async () => {
  const { values } = await firstCentroids(labOf({ seed: 1 }), points, 4);
  const corners = Array.from({ length: 4 }, (_, c) => `${Math.sign(values[2 * c]!)} ${Math.sign(values[2 * c + 1]!)}`);
  assert.is(new Set(corners).size, 4, corners.join());
});

test('errors under a kernel that stays fall in each of its directions by a factor of its own', async () => {
  const gram = [Float64Array.of(2, 1), Float64Array.of(1, 2)]; // 3 along (1, 1), 1 along (1, -1)
  const { moves, errors } = await kernelDescent(labOf(), gram, Float64Array.of(3, 1), 0.1, 10);
  const [sum, difference] = [2 * 0.7 ** 10, 0.9 ** 10];
  close('errors', errors, [sum + difference, sum - difference], 1e-12);
  close(
    'what was learnt',
    gram.map(row => row[0]! * moves[0]! + row[1]! * moves[1]!),
    [3 - errors[0]!, 1 - errors[1]!],
    1e-12,
  );
});

test('the wider a net, the closer it comes to its tangent kernel, which moves the less', async () => {
  const { rows } = await outcomeOf('tangent-kernel:widths=8-512,nets=1,steps=30,points=5');
  const [narrow, wide] = rows;
  for (const head of ['net from kernel, RMS', 'kernel moved by']) {
    assert.ok(Number(wide![head]) < 0.25 * Number(narrow![head]), `${head}: ${wide![head]} and ${narrow![head]}`);
  }
});

test('boundaries: nets of as many units; the ground is the class that lies there', async () => {
  const { rows, values } = await outcomeOf('boundaries:set=gauss,points=100,units=20,depths=2,steps=60,noise=0');
  assert.is(rows[0]!.parameters, 3 * 10 + 11 * 10 + 11 * 2);
  const [{ blue }] = values as [{ blue: number[] }];
  assert.ok(blue[0]! < 0.2 && blue.at(-1)! > 0.8, `blue is at (2, 2), ${blue[0]} ${blue.at(-1)}`);
});

test.run();
