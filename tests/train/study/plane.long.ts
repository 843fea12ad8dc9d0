/** What depth and data do to boundaries: run with --long. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../support/lab.ts';

const test = suite('boundaries by depth and data');

test('of many points nets know more of others, and of few less than of their own; one layer is behind', async () => {
  const { rows } = await outcomeOf('boundaries:points=200-5000,units=200,steps=400');
  const of = (points: number, head: string) => rows.filter(row => row.points === points).map(row => Number(row[head]));
  const [few, many] = [of(200, 'test accuracy'), of(5000, 'test accuracy')];
  for (const [i, accuracy] of few.entries()) {
    if (i === 0) continue;
    assert.ok(many[i]! > accuracy, `depth ${i + 1}: ${many[i]} of many, ${accuracy} of few`);
    assert.ok(of(200, 'training accuracy')[i]! > accuracy, `depth ${i + 1} of few points`);
    assert.ok(many[i]! > many[0]!, `depth ${i + 1}: ${many[i]}, one layer ${many[0]}`);
  }
});

test.run();
