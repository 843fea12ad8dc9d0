/** What the experiments on functions of one variable show. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shareOf } from '../../../train/study/functions/spectral-bias.ts';
import { outcomeOf, rowsBy } from '../../support/lab.ts';
import { longTests } from '../../support/long.ts';

const test = suite('experiments on functions');
const long = longTests(test);

long('L-BFGS after Adam goes on where Adam alone is slow', async () => {
  const outcome = await outcomeOf('adam-lbfgs:adam=20,lbfgs=25,function=sine');
  const by = rowsBy(outcome);
  const { panels } = outcome;
  const error = (name: string) => Number(by[name]!['training RMSE']);
  assert.ok(error('Adam, then L-BFGS') < 0.6 * error('Adam'), JSON.stringify(by));
  const [, panel] = panels;
  const curve = panel?.kind === 'line' ? panel.series : [];
  assert.equal(curve[0]!.points.slice(0, 20), curve[2]!.points.slice(0, 20), 'the first steps are the same');
  assert.is(curve[2]!.points.length, 45);
});

test('a small rate has not arrived where the right one is, a large one diverges or is thrown about', async () => {
  const by = rowsBy(await outcomeOf('rate-sizes:steps=120'));
  const [small, right, large] = Object.values(by).map(row => row['training RMSE']);
  assert.ok(Number(small) > 1.2 * Number(right), `${small} ${right}`);
  assert.ok(large === 'diverged' || Number(large) > Number(right), String(large));
});

test('a curve is fitted once to each moment, however few steps there are', async () => {
  const after = async (steps: number) => (await outcomeOf(`curve-fitting:steps=${steps},width=4`)).rows.map(row => row.after);
  assert.equal([await after(1), await after(14)], [['1 step'], ['1 step', '14 steps']]);
});

test('inputs far from 0 are learnt once they are normalised', async () => {
  const by = rowsBy(await outcomeOf('input-scaling:steps=120'));
  const error = (name: string) => Number(by[name]!['test RMSE']);
  assert.ok(error('as they are') > 5 * error('mean 0, deviation 1'), JSON.stringify(by));
});

long('L1 sets weights to 0, L2 makes them small, and each keeps from the points what no penalty goes through', async () => {
  const by = rowsBy(await outcomeOf('heaviside-penalties:steps=100,width=24,l1=0.1,l2=0.01'));
  for (const depth of ['2 layers', '3 layers']) {
    const [none, l1, l2] = ['none', 'L1', 'L2'].map(name => by[`${name}, ${depth}`]!);
    assert.ok(Number(l1!.zeros) > 0.1 && none!.zeros === 0 && l2!.zeros === 0, JSON.stringify(by));
    assert.ok(Number(l2!['weights RMS']) < 0.8 * Number(none!['weights RMS']));
    assert.ok(Number(l2!['training RMSE']) > Number(none!['training RMSE']));
  }
});

long('a large net goes through ten points and is as wrong between them as their noise', async () => {
  const by = rowsBy(await outcomeOf('ten-points:steps=400'));
  const large = by['64-64 units']!;
  const penalised = by['64-64 units, L2']!;
  assert.ok(Number(large['training RMSE']) < 0.02 && Number(large['from the function']) > 0.1, JSON.stringify(by));
  assert.ok(Number(penalised['training RMSE']) > 2 * Number(large['training RMSE']));
});

test('of a sum of sines the low frequencies are learnt first, though the high ones are larger', async () => {
  const at = (i: number) => 2 * Math.PI * ((i + 0.5) / 64);
  const values = Array.from({ length: 64 }, (_, i) => 0.6 * Math.sin(3 * at(i) + 1) + 5 * Math.sin(4 * at(i)));
  assert.ok(Math.abs(shareOf(values, { k: 3, amplitude: 2, phase: 1 }) - 0.3) < 1e-12);
  const { rows } = await outcomeOf('spectral-bias:sines=3,hidden=48,steps=300');
  for (const target of new Set(rows.map(row => row.target))) {
    const steps = rows.filter(row => row.target === target).map(row => Number(row['steps to 50 %']));
    assert.ok(steps[0]! < steps[1]! && steps[1]! < steps[2]!, `${target}: ${steps}`);
  }
});

test.run();
