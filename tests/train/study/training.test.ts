/** Noisy descent against its theory, and images in an order of their own. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../../datasets/node/open.ts';
import { noisyEnds, endOf } from '../../../train/study/descent/noisy-ends.ts';
import { dropoutRates } from '../../../train/study/training/dropout-rates.ts';
import type { Lab } from '../../../train/study/experiment.ts';
import { sortedByClass } from '../../../train/study/training/orders.ts';
import { labOf, outcomeOf } from '../../support/lab.ts';

const test = suite('training experiments');

test('ends of noisy descent have the mean and the deviation of theory, to three and a half standard errors', async () => {
  const seeds = 400;
  const { expected } = await noisyEnds.run(labOf(), { seeds, steps: 300 });
  assert.ok(expected!.length >= 7);
  for (const [i, { what, expected: theory, found }] of expected!.entries()) {
    // the deviation of a mean over runs is that of one run, which is told after it
    const deviation = what.includes('deviation') ? theory / Math.SQRT2 : expected![i + 1]!.expected;
    assert.ok(Math.abs(found - theory) < (3.5 * deviation) / Math.sqrt(seeds), `${what}: ${found}, and theory says ${theory}`);
  }
  // at a constant rate the variance settles at η / (h (2 − η h))
  const { deviation } = endOf(Array(300).fill(0.1), 2, -5);
  assert.ok(Math.abs(deviation - Math.sqrt(0.1 / (2 * (2 - 0.2)))) < 1e-9);
});

test('images sorted by class are those of the data set', async () => {
  const shapes = await openDataset('shapes', { limitTrain: 100, limitTest: 10, quiet: true });
  const { train } = await sortedByClass(shapes);
  assert.equal([...train.labels], [...shapes.train.labels].sort());
  const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
  assert.is(sum(train.images), sum(shapes.train.images));
});

test('of a single run no deviation is told', async () => {
  const of = async (seeds: number) =>
    (await outcomeOf(`orders:seeds=${seeds},images=128,epochs=1`, { images: 'shapes', limitTest: 16 })).rows.map(
      row => row['its deviation'],
    );
  assert.ok((await of(1)).every(deviation => deviation === undefined));
  assert.ok((await of(2)).every(deviation => Number(deviation) >= 0));
});

test('of an odd number of units a whole one is left, and nets of as many left are as wide as that takes', async () => {
  let done = 0;
  const lab: Lab = {
    ...labOf({ images: 'shapes', limitTest: 16 }),
    progress: complete => void (done = complete),
    get stopped() {
      return done > 5;
    },
  };
  const { panels, rows } = await dropoutRates.run(lab, { width: 9, images: 50, epochs: 1 });
  assert.is(panels[1]!.title, 'Two layers with 5 units left');
  assert.is(rows.find(({ figure }) => figure === 'as many left')?.units, 50);
});

test.run();
