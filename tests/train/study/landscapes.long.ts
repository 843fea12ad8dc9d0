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

test.run();
