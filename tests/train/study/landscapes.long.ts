/** What the experiments about landscapes show with nets that take their time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf, rowsBy } from '../../support/lab.ts';

const test = suite('landscapes, long');
const SHAPES = { images: 'shapes', limitTest: 32 };

test('the loss falls along the path of training, most of which two directions hold', async () => {
  const { rows, values } = await outcomeOf('training-path:model=mlp,points=3,stops=8,images=64,epochs=12', SHAPES);
  const [row] = rows;
  assert.ok(Number(row!['at the end']) < Number(row!['loss at the start']));
  assert.ok(Number(row!.both) > 0.4, `${row!.both}`);
  assert.equal((values as { points: number[][] }).points.length, 9);
});

test('curves of one bend join minima between which the straight line has a barrier', async () => {
  const outcome = await outcomeOf('mode-connectivity:model=mlp,points=5,surface=2,steps=150,images=64,epochs=10', SHAPES);
  const { line, chain, Bezier } = rowsBy(outcome);
  for (const curve of [chain!, Bezier!]) {
    assert.is(curve['loss at its ends'], line!['loss at its ends']);
    assert.ok(Number(curve.barrier) < 0.2 * Number(line!.barrier), `${curve.barrier}, and ${line!.barrier} on the line`);
  }
});

test('without shortcuts the loss around a net of 56 layers rises by factors that a residual net does not know', async () => {
  const { rows } = await outcomeOf('shortcuts:points=5,images=64,epochs=4', SHAPES);
  const [residual, plain] = rows.map(row => Number(row['greatest / least']));
  assert.ok(plain! > 100 * residual!, `${residual} with shortcuts, ${plain} without`);
});

test('the mean of the weights of SGD is wider than where SGD ends, and better on the test images', async () => {
  const { SWA, SGD } = rowsBy(await outcomeOf('wide-optima'));
  assert.ok(Number(SWA!['width, loss + 0.1']) > 1.1 * Number(SGD!['width, loss + 0.1']));
  assert.ok(Number(SWA!['training loss']) > Number(SGD!['training loss']));
  assert.ok(Number(SWA!['test error']) < Number(SGD!['test error']));
});

test('there are negative eigenvalues at the start and the saddle, few after training, and few that stand out', async () => {
  const outcome = await outcomeOf('hessian-spectrum:hidden=4,images=64,epochs=30,probes=2,steps=24', { images: 'shapes' });
  const by = rowsBy(outcome);
  const [least, negative] = outcome.expected!;
  assert.ok(Math.abs(least!.found / least!.expected - 1) < 0.01, JSON.stringify(least));
  // two starts tell 36 of 12,000 to a deviation of 6
  assert.ok(Math.abs(negative!.found - negative!.expected) < 20, JSON.stringify(negative));
  const of = (name: string, head: string) => Number(by[name]![head]);
  assert.ok(of('start', 'negative') > 8 && of('after training', 'negative') < 3, JSON.stringify(by));
  const depth = (name: string) => -of(name, 'smallest') / of(name, 'largest');
  assert.ok(depth('start') > 0.03 && depth('after training') < 0.01, JSON.stringify(by));
  assert.ok(of('after training', 'below 0.1 of the largest') > 0.99 && of('after training', 'above that') <= 15, JSON.stringify(by));
});

test.run();
