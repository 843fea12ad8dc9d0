/** Averages of the weights: exponential, over cycles, and slow ones that the fast ones return to. */
import { suite } from 'uvu';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { ema, lookahead, maxNorm, swa } from '../../optim/pieces.ts';
import * as reference from '../reference/regularise.ts';
import { close, random } from '../support/check.ts';
import { bench, given, moved, SIZE } from '../support/updates.ts';

const test = suite('averages of weights');

for (const [decay, constraints] of [
  [0.9, []],
  [1, []],
  [0.9, [maxNorm(0.5)]],
] as const) {
  test(`average of the weights, decay ${decay}${constraints.length ? ', after max-norm' : ''}`, async () => {
    const b = await bench(optimizer(rules.sgd!, {}, [...constraints, ema(decay)]));
    let mean: Float64Array = new Float64Array(SIZE);
    for (let t = 1; t <= 5; t++) {
      const w = await b.step(t, given(t));
      mean = t === 1 ? w : decay === 1 ? reference.runningMean(mean, w, t) : reference.ema(mean, w, decay);
    }
    close('average', await b.readState('ema'), mean, 1e-5);
    b.destroy();
  });
}

test('Lookahead', async () => {
  const start = random(SIZE, 5);
  const b = await bench(optimizer(rules.sgd!, {}, [lookahead(3, 0.8)]), 'own', start);
  let fast = start;
  let slow = start;
  for (let t = 1; t <= 7; t++) {
    fast = moved(fast, given(t));
    if (t % 3 === 0) fast = slow = reference.lookahead(slow, fast, 0.8);
    close(`step ${t}`, await b.step(t, given(t)), fast, 1e-6);
  }
  b.destroy();
});

test('Lookahead on a schedule of its share, whose last update leaves the slow weights', async () => {
  const start = random(SIZE, 5);
  const updates = 5;
  const b = await bench(optimizer(rules.sgd!, {}, [lookahead(2, 1, { end: 0.2, power: 3, slow: true, updates })]), 'own', start);
  let fast = start;
  let slow = start;
  for (let t = 1; t <= updates; t++) {
    fast = moved(fast, given(t));
    if (t % 2 === 0) fast = slow = reference.lookahead(slow, fast, 1 + (0.2 - 1) * (t / updates) ** 3);
    if (t === updates) fast = slow;
    close(`step ${t}`, await b.step(t, given(t)), fast, 1e-6);
  }
  b.destroy();
});

const cycles: readonly [start: number, every: number, ends: readonly number[]][] = [
  [2, 3, [2, 5, 8]],
  [6, 2, [6, 8]], // updates before the start that lie whole cycles before it
];
for (const [start, every, ends] of cycles) {
  test(`SWA is the mean over the ends of its cycles of ${every} updates, from update ${start} on`, async () => {
    const b = await bench(optimizer(rules.sgd!, {}, [swa(start, every)]));
    let mean: Float64Array = new Float64Array(SIZE);
    for (let t = 1; t <= 9; t++) {
      const w = await b.step(t, given(t));
      const end = ends.indexOf(t);
      if (end >= 0) mean = reference.runningMean(mean, w, end + 1);
    }
    close('average', await b.readState('ema'), mean, 1e-6);
    b.destroy();
  });
}

test.run();
