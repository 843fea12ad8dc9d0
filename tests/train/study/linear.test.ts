/** What the experiments on linear models show. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drawn, rmse } from '../../../train/study/linear/problems.ts';
import { bowlOf, errorAfter } from '../../../train/study/linear/input-normalisation.ts';
import { lassoOf, lossOf, ridgeOf, type Bowl, type Pair } from '../../../train/study/linear/penalty-geometry.ts';
import { lasso, ridge } from '../../../train/study/linear/weight-paths.ts';
import { labOf, outcomeOf, rowsBy } from '../../support/lab.ts';

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
  const { train } = await drawn(labOf({ seed: 3 }), 30, [1, 0, -2, 0.5], 0.1, next => [next(), next(), next()]);
  const objective = (w: Float64Array) => rmse(train, w) ** 2 + 0.2 * w.slice(0, -1).reduce((sum, v) => sum + Math.abs(v), 0);
  const w = lasso(train, 0.2);
  for (let i = 0; i < 4; i++) {
    for (const step of [-1e-4, 1e-4]) assert.ok(objective(w.map((v, k) => v + (k === i ? step : 0))) > objective(w), `weight ${i}`);
  }
  const shrunk = ridge(train, 0.2);
  const squared = (w: Float64Array) => rmse(train, w) ** 2 + 0.2 * w.slice(0, -1).reduce((sum, v) => sum + v * v, 0);
  for (let i = 0; i < 4; i++) {
    for (const step of [-1e-4, 1e-4]) assert.ok(squared(shrunk.map((v, k) => v + (k === i ? step : 0))) > squared(shrunk), `L2 ${i}`);
  }
  const { expected, values, rows } = await outcomeOf('weight-paths:steps=250');
  assert.is(rows.find(({ penalty }) => penalty === 'L1, coordinate descent')!['length of w'], expected![1]!.expected, 'one length');
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
  const { panels } = await outcomeOf('bias-variance:sets=4,degree=1');
  assert.equal(
    panels.slice(1).map(({ title }) => title),
    ['Degree 1, all sets'],
  );
});

test('points far behind turn the boundary of the squared error, and not those of hinge and logistic loss', async () => {
  const { rows } = await outcomeOf('hinge-logistic:steps=250');
  const turn = (loss: string): number => {
    const [before, after] = rows.filter(row => String(row.loss).startsWith(loss)).map(row => Number(row['direction, degrees']));
    return Math.abs(after! - before!);
  };
  assert.ok(turn('mse') > 20 && turn('hinge') < 5 && turn('logistic') < 5, JSON.stringify(rows));
});

test('the error of plain descent by curvatures is that of its steps', async () => {
  const { train } = await drawn(labOf({ seed: 1 }), 40, [1, -2, 0.5], 0.3, next => [3 + next(), 0.5 * next()]);
  const rows = train.rows.map(row => row.slice(0, -1)); // the constant is added
  const bowl = await bowlOf(labOf(), { rows, y: train.y });
  const w = new Float64Array(3);
  const errors: number[] = [];
  for (let t = 0; t < 400; t++) {
    const residuals = train.rows.map((row, s) => row.reduce((sum, v, i) => sum + v * w[i]!, -train.y[s]!));
    errors.push(residuals.reduce((sum, r) => sum + r * r, 0) / 80);
    for (let i = 0; i < 3; i++) w[i]! -= (bowl.rate * residuals.reduce((sum, r, s) => sum + r * train.rows[s]![i]!, 0)) / 40;
  }
  const least = errors[0]! - bowl.parts.reduce((a, b) => a + b);
  for (const t of [1, 10, 100]) {
    const seen = (errors[t]! - least) / (errors[0]! - least);
    assert.ok(Math.abs(seen - errorAfter(bowl, t)) < 1e-9, `after ${t}: ${seen} ${errorAfter(bowl, t)}`);
  }
});

test('each further normalisation makes the bowl rounder and descent shorter, and whitened inputs need one step', async () => {
  const outcome = await outcomeOf('input-normalisation:images=300', { images: 'shapes', limitTest: 10 });
  const by = rowsBy(outcome);
  const names = ['as they are', 'centred', 'standardised', 'whitened (ZCA)'];
  for (const head of ['condition number', 'steps to 0.001', 'of 7x7 pixels', 'steps there']) {
    const isCloud = head.startsWith('condition') || head.startsWith('steps to'); // all pixels of these images vary alike
    const values = names.filter(name => isCloud || name !== 'standardised').map(name => Number(by[name]![head]));
    values.slice(1).forEach((v, i) => assert.ok(v < values[i]!, `${head}: ${values}`));
  }
  for (const { what, expected, found } of outcome.expected!) assert.ok(Math.abs(found - expected) < 1e-6, `${what}: ${found}`);
});

test('a cloud may have more points than a call takes arguments and a picture shows', async () => {
  const { rows, panels } = await outcomeOf('input-normalisation:points=150000,images=200', { images: 'shapes', limitTest: 10 });
  assert.is(rows.length, 5);
  for (const panel of panels.slice(0, 5)) {
    assert.is(panel.kind, 'scatter');
    if (panel.kind === 'scatter') assert.is(panel.series.flatMap(({ points }) => points).length, 10_000);
  }
});

test('solutions under L1 and L2 are the least ones, and L1 sets to 0 as many weights as theory says', async () => {
  const bowls: Bowl[] = [
    { curvature: [0.8, -0.3, 1], minimum: [0.6, 1.8] },
    { curvature: [1, 0.8, 1], minimum: [-1.5, 0.4] },
    { curvature: [1, 0, 2], minimum: [0.2, 0.1] },
  ];
  for (const bowl of bowls) {
    const penalised: [Pair, (a: number, b: number) => number][] = [
      [lassoOf(bowl, 0.5), (a, b) => Math.abs(a) + Math.abs(b)],
      [ridgeOf(bowl, 0.5), (a, b) => (a * a + b * b) / 2],
    ];
    for (const [[a, b], penalty] of penalised) {
      const at = (u: number, v: number) => lossOf(bowl, u, v) + 0.5 * penalty(u, v);
      for (let k = 0; k < 16; k++) {
        const [u, v] = [a + 1e-3 * Math.cos((k * Math.PI) / 8), b + 1e-3 * Math.sin((k * Math.PI) / 8)];
        assert.ok(at(u, v) > at(a, b), `${a} ${b}: less at ${u} ${v}`);
      }
    }
  }
  const problems = 4000;
  const { expected, rows } = await outcomeOf(`penalty-geometry:problems=${problems}`);
  for (const { what, expected: p, found } of expected!) {
    assert.ok(Math.abs(found - p) < 3.5 * Math.sqrt((p * (1 - p)) / problems), `${what}: ${found}, and theory says ${p}`);
  }
  assert.equal(
    rows.filter(row => row.penalty === 'L2').map(row => row['weights that are 0']),
    [0, 0],
  );
  const strong = await outcomeOf('penalty-geometry:problems=10,lambda=1000');
  assert.equal(
    strong.expected!.map(({ expected: p, found }) => [Math.abs(p - found) < 1e-9, found]),
    [
      [true, 0],
      [true, 1],
    ],
  );
});

test.run();
