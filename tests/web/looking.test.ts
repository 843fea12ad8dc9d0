/** What is picked of a net's answers to be looked at. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunConfig } from '../../train/config/config.ts';
import { verdictsOf } from '../../train/evaluate/report.ts';
import { batchFor } from '../../web/data/batch-size.ts';
import { countsOf, firstOfEach } from '../../web/data/samples-of.ts';
import { confusedMost, ORDERS } from '../../web/views/looking/order.ts';
import { heightsOf } from '../../web/views/looking/sweep-heights.ts';
import { columnsOf } from '../../web/views/looking/rate-picture.ts';

const test = suite('looking');

test('mistakes come by how sure the net was, others by how unsure', () => {
  const verdicts = verdictsOf([2, 0, 0, 1, 5, 0, 0, 9], [0, 0, 1, 0], 2);
  const images = (order: keyof typeof ORDERS) => ORDERS[order].of(verdicts).map(v => v.image);
  assert.equal(images('worst'), [3, 2, 1]);
  assert.equal(images('unsure'), [1, 0, 2, 3]);
  assert.equal(images('first'), [0, 1, 2, 3]);
});

test('the pairs that are confused most come first, right answers never', () => {
  const counts = [9, 0, 2, 3, 9, 0, 0, 1, 9];
  assert.equal(confusedMost(counts, 3, 2), [
    { label: 1, answer: 0, images: 3 },
    { label: 0, answer: 2, images: 2 },
  ]);
});

test('charts of a sweep have an axis for each loss on each data set, as high as what the middle one of its runs began with', () => {
  const run = (loss: string | undefined, first: number, dataset = 'shapes') => ({ config: { loss, dataset } as RunConfig, first });
  const runs = [run(undefined, 2.3), run('mse', 0.1), run(undefined, 2.5), run('mse', 30, 't.csv'), run('mse', 0.2), run('mse', 9)];
  assert.equal(
    heightsOf(runs),
    [2.3, 0.2, 2.3, 30, 0.2, 0.2].map(first => 1.2 * first),
  );
  assert.equal(heightsOf([run('mse', 0)]), [1.2]);
});

test('a drawn rate loses nothing quick, and has every step where there are few', () => {
  const spike = (step: number) => (step === 40_001 ? 9 : 1 / step);
  const points = columnsOf(spike, 1, 64_000, 4);
  assert.ok(points.length <= 8);
  assert.ok(points.every(([step, rate], i) => rate === spike(step) && step > (points[i - 1]?.[0] ?? 0)));
  assert.equal(columnsOf(spike, 3, 5, 9), [
    [3, 1 / 3],
    [4, 1 / 4],
    [5, 1 / 5],
  ]);
});

test('the first images of each class stand for it', () => {
  const labels = Uint16Array.from([2, 0, 0, 2, 0xffff, 0, 1]);
  assert.equal(
    firstOfEach(labels, 3, 2).map(of => [...of]),
    [[1, 2], [6], [0, 3]],
  );
  assert.equal([...countsOf(labels, 3)], [3, 1, 2]);
});

test('where there are fewer images than in the usual batch, it is smaller', () => {
  assert.equal([batchFor(64, 1000), batchFor(64, 43), batchFor(32, 20), batchFor(64, 1)], [64, 8, 32, 1]);
});

test.run();
