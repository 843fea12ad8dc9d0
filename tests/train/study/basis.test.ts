/** What the experiment on solving for the last layer shows: figures of PyTorch in float64, by one net in place of the median of several. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf, rowsBy } from '../../support/lab.ts';

const test = suite('experiments on bases');

test('LSGD from box weights begins where Adam ends, and goes on from there', async () => {
  const short = await outcomeOf('lsgd:nets=1,steps=3');
  for (const row of short.rows) assert.equal([Object.keys(row), typeof row['after 3']], [['way', 'after 0', 'after 3'], 'number']);
  const outcome = await outcomeOf('lsgd:nets=1,steps=100');
  const by = rowsBy(outcome);
  const error = (way: string, step: number) => Number(by[way]![`after ${step}`]);
  assert.ok(
    error('box, LSGD', 0) < 0.3 * error('box, Adam', 100) && error('box, LSGD', 100) < 0.3 * error('box, LSGD', 0),
    JSON.stringify(by),
  );
  assert.ok(Math.abs(error('He, LSGD', 0) - 0.446) < 1e-3, 'a line is all that biases of 0 give');
  for (const { what, expected, found } of outcome.expected!) assert.ok(found < 3 * expected && found > expected / 3, `${what}: ${found}`);
});

test.run();
