/** The figures of untrained bases: within a factor of two of those of NumPy in float64. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../support/lab.ts';

const test = suite('bases before training');

test('box weights of any depth give a residual net a basis of full rank, He and Glorot a line', async () => {
  const { expected, values } = await outcomeOf('box-basis');
  for (const { what, expected: said, found } of expected!) assert.ok(found < 2 * said && found > said / 2, `${what}: ${found}`);
  const ranks = (kind: string, scheme: string) =>
    (values as { kind: string; scheme: string; rank: number }[]).filter(v => v.kind === kind && v.scheme === scheme).map(v => v.rank);
  assert.ok(ranks('residual', 'box').every(rank => rank === 33));
  assert.ok(ranks('plain', 'he').every(rank => rank === 2));
  assert.ok(ranks('plain', 'box').at(-1)! < 5);
});

test.run();
