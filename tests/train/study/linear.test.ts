/** What the experiments on linear models show. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drawn, rmse } from '../../../train/study/linear/problems.ts';
import { lasso } from '../../../train/study/linear/weight-paths.ts';
import { outcomeOf, rowsBy } from '../../support/lab.ts';

const test = suite('experiments on linear models');

test('dependent features leave Cholesky no solution, and gradient descent from 0 comes to the shortest one at the rate of theory', async () => {
  const outcome = await outcomeOf('least-squares:steps=300');
  const by = rowsBy(outcome);
  const { expected, values } = outcome;
  assert.is(by['normal equations, Cholesky']!['length of w'], 'singular');
  assert.is(by['singular values']!.rank, 5);
  const { kept, runs, svd } = values as { kept: number; runs: { w: number[] }[]; svd: number[] };
  assert.ok(kept < 1e-9, 'the shortest solution has nothing of what no prediction depends on');
  runs[1]!.w.forEach((w, i) => assert.ok(Math.abs(w - svd[i]!) < 2e-3, `with momentum ${runs[1]!.w} ${svd}`));
  const [rate] = expected!;
  assert.ok(Math.abs(rate!.found - rate!.expected) < 0.1 * (1 - rate!.expected), JSON.stringify(rate));
});

test('coordinate descent is at the minimum of its penalty, and soft thresholds on the device come to the same zeros', async () => {
  const { train } = drawn(30, [1, 0, -2, 0.5], 0.1, 3, next => [next(), next(), next()]);
  const objective = (w: Float64Array) => rmse(train, w) ** 2 + 0.2 * w.slice(0, -1).reduce((sum, v) => sum + Math.abs(v), 0);
  const w = lasso(train, 0.2);
  for (let i = 0; i < 4; i++) {
    for (const step of [-1e-4, 1e-4]) assert.ok(objective(w.map((v, k) => v + (k === i ? step : 0))) > objective(w), `weight ${i}`);
  }
  const { expected, values } = await outcomeOf('weight-paths:steps=250');
  for (const { expected: host, found } of expected!) assert.ok(Math.abs(host - found) < 1e-3, `${host} ${found}`);
  const { L1, L2 } = values as { L1: number[][]; L2: number[][] };
  const zeros = (path: number[][]) => path.map(w => w.slice(0, -1).filter(v => v === 0).length);
  assert.equal([zeros(L1)[0], zeros(L1).at(-1)], [0, 7]);
  assert.ok(zeros(L2).every(n => n === 0));
});

test('bias falls and variance grows with the degree, and with the noise they are the test error', async () => {
  const { rows, expected } = await outcomeOf('bias-variance:sets=100,degree=7');
  const column = (head: string) => rows.map(row => Number(row[head]));
  const [bias, variance, sum, test] = ['bias\u00b2', 'variance', 'bias\u00b2 + variance + noise', 'test error'].map(column);
  assert.ok(bias![0]! > 50 * bias![5]! && variance![7]! > 5 * variance![0]!);
  variance!.slice(1).forEach((v, i) => assert.ok(v > variance![i]!));
  sum!.forEach((v, i) => assert.ok(Math.abs(v - test![i]!) < 0.05 * v, `degree ${i}: ${v} ${test![i]}`));
  assert.match(expected![0]!.what, /degree [345]/);
});

test('points far behind turn the boundary of the squared error, and not those of hinge and logistic loss', async () => {
  const { rows } = await outcomeOf('hinge-logistic:steps=250');
  const turn = (loss: string): number => {
    const [before, after] = rows.filter(row => String(row.loss).startsWith(loss)).map(row => Number(row['direction, degrees']));
    return Math.abs(after! - before!);
  };
  assert.ok(turn('mse') > 20 && turn('hinge') < 5 && turn('logistic') < 5, JSON.stringify(rows));
});

test.run();
