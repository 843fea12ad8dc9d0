/** What the experiments about uncertainty show: stationary distributions, SWAG, calibration. */
import { Matrix } from 'ml-matrix';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ellipse, squaredDistance, stationary } from '../../../train/study/uncertainty/lyapunov.ts';
import { openNet } from '../../../train/study/with-trainer.ts';
import { brier } from '../../../train/study/uncertainty/calibration.ts';
import { mcDropout } from '../../../train/study/uncertainty/mc-dropout.ts';
import { mean } from '../../../train/study/statistics.ts';
import { softmaxRows } from '../../../train/study/probabilities.ts';
import { labOf, outcomeOf } from '../../support/lab.ts';

const test = suite('uncertainty');

const A = new Matrix([
  [2, 0.5],
  [0.5, 1],
]);
const C = new Matrix([
  [1, -0.3],
  [-0.3, 2],
]);
const largest = (m: Matrix): number => Math.max(...m.to1DArray().map(Math.abs));

test('the stationary covariance stays as it is under an update, and that for small rates solves the Lyapunov equation', () => {
  const rate = 0.4;
  const sigma = stationary(A, C, rate);
  const keep = Matrix.sub(Matrix.eye(2), Matrix.mul(A, rate));
  const after = keep
    .mmul(sigma)
    .mmul(keep.transpose())
    .add(Matrix.mul(C, rate * rate));
  assert.ok(largest(Matrix.sub(after, sigma)) < 1e-14);
  const limit = stationary(A, C, rate, { continuous: true });
  const lyapunov = A.mmul(limit).add(limit.mmul(A.transpose()));
  assert.ok(largest(Matrix.sub(lyapunov, Matrix.mul(C, rate))) < 1e-14);
  const near = stationary(A, C, 1e-6);
  assert.ok(largest(Matrix.sub(near, stationary(A, C, 1e-6, { continuous: true }))) < 2e-6 * largest(near));
  // of one number it is η c / (a (2 − η a))
  const one = stationary(Matrix.from1DArray(1, 1, [3]), Matrix.from1DArray(1, 1, [2]), 0.1).get(0, 0);
  assert.ok(Math.abs(one - 0.2 / (3 * (2 - 0.3))) < 1e-14);
  for (const point of ellipse(sigma, 6)) assert.ok(Math.abs(squaredDistance(sigma, point) - 6) < 1e-10);
});

test('ends of SGD have the covariance of theory to three and a half standard errors, and at a large rate not that for small ones', async () => {
  const runs = 1000;
  const { rows, values } = await outcomeOf(`stationary:runs=${runs}`);
  for (const { rate, batch, covariance: seen, theory } of values as { [key: string]: any }[]) {
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const error = Math.sqrt((theory[i][i] * theory[j][j] + theory[i][j] ** 2) / runs); // of a covariance of Gaussians
      assert.ok(Math.abs(seen[i][j] - theory[i][j]) < 3.5 * error, `rate ${rate}, batch ${batch}: ${seen[i][j]}, theory ${theory[i][j]}`);
    }
  }
  const share = (row: (typeof rows)[number], column: string) => Number(row[column]);
  const standard = Math.sqrt((0.95 * 0.05) / runs);
  for (const row of rows) assert.ok(Math.abs(share(row, 'within the ellipse') - 0.95) < 3.5 * standard);
  assert.ok(share(rows.at(-1)!, 'within that for small rates') < 0.85);
});

test('masks of dropout are drawn anew for each pass, and the mean over many is near the answers without them', async () => {
  const lab = labOf({ images: 'shapes', limitTest: 64 });
  const shapes = await lab.dataset('shapes', { limitTrain: 64 });
  const { trainer } = await openNet(lab, 'mlp:hidden=8,dropout=0.5', { batchSize: '48', epochs: '1' }, shapes);
  const [a, b] = await mcDropout(trainer, 2, 0);
  const [again] = await mcDropout(trainer, 1, 0);
  const off = softmaxRows(await trainer.logits('test'), shapes.classes.length);
  assert.equal(a, again);
  assert.not.equal(a, b);
  assert.is(a!.length, off.length); // 64 images are no multiple of a batch
  const many = await mcDropout(trainer, 100, 1);
  const apart = off.map((p, i) => Math.abs(mean(many.map(m => m[i]!)) - p));
  assert.ok(mean(apart) < 0.02, `the mean over masks is ${mean(apart)} from the answers without them`);
  trainer.destroy();
});

test("Brier's score is 0 of who knows, 2 of who is sure and wrong, 1 - 1/k of who says nothing", () => {
  assert.is(brier([1, 0, 0, 0, 1, 0], [0, 1], 3), 0);
  assert.is(brier([0, 1, 0], [0], 3), 2);
  assert.ok(Math.abs(brier([1 / 3, 1 / 3, 1 / 3], [2], 3) - 2 / 3) < 1e-12);
});

test.run();
