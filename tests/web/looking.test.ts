/** What is picked of a net's answers to be looked at. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { verdictsOf } from '../../train/evaluate/report.ts';
import { confusedMost, ORDERS } from '../../web/views/looking/order.ts';

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

test.run();
