import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Accumulation } from '../../../../train/step/phases/accumulation.ts';

const test = suite('accumulation');

/** The steps after which an update is made, and its number, where batch number t, from 1, grows as `batches` says. */
function updates(batches: (t: number) => number, steps: number, last = Infinity): [step: number, update: number][] {
  const a = new Accumulation();
  const out: [number, number][] = [];
  for (let t = 1; t <= steps; t++) {
    const update = a.updates(t);
    if (a.take(batches(t), t === last)) out.push([t, update]);
  }
  return out;
}

const cases: readonly [why: string, batches: (t: number) => number, last: number | undefined, [number, number][]][] = [
  ['each batch makes an update', () => 1, undefined, [1, 2, 3, 4, 5, 6, 7, 8].map(t => [t, t])],
  [
    'from step 3 on an update takes three',
    t => (t < 3 ? 1 : 3),
    undefined,
    [
      [1, 1],
      [2, 2],
      [5, 3],
      [8, 4],
    ],
  ],
  [
    'the last step of a phase uses what there is',
    () => 5,
    7,
    [
      [5, 1],
      [7, 2],
    ],
  ],
];
for (const [why, batches, last, want] of cases) {
  test(why, () => assert.equal(updates(batches, 8, last), want));
}

test('gradients are added to those that wait, and are the sum of so many', () => {
  const a = new Accumulation();
  const seen = [1, 2, 3, 4].map(() => {
    const before = [a.adds, a.next];
    a.take(3, false);
    return [...before, a.summed];
  });
  assert.equal(seen, [
    [false, 1, 1],
    [true, 2, 2],
    [true, 3, 3],
    [false, 1, 1],
  ]);
});

test('goes on from its counters, of which there are none before a step makes no update', () => {
  const a = new Accumulation();
  a.take(1, false);
  assert.equal(a.counters, {});
  for (let t = 0; t < 4; t++) a.take(3, false);
  assert.equal(a.counters, { held: 1, without: 3 });
  const b = new Accumulation();
  b.load(a.counters);
  for (const x of [a, b]) assert.equal([x.adds, x.updates(6), x.take(3, false), x.take(3, false)], [true, 3, false, true]);
  assert.equal(b.counters, a.counters);
});

test.run();
