/** What the experiments about landscapes show with nets that take their time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf, rowsBy } from '../../support/lab.ts';

const test = suite('landscapes, long');
const SHAPES = { images: 'shapes', limitTest: 32 };

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

test.run();
