import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { avgPool, maxPool } from '../../layers/pool.ts';
import { checkLayer, runLayer } from '../support/check.ts';
import * as reference from '../reference/pool.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('pool');

const cases: readonly [h: number, w: number, k: number, stride: number, pad: number, why: string][] = [
  [6, 6, 2, 2, 0, 'the usual one'],
  [7, 5, 3, 2, 1, 'overlapping, padded, not square (the stem of ResNet)'],
  [5, 5, 2, 2, 0, 'a last row and column in no window'],
  [7, 8, 3, 3, 0, 'a last row and two columns in no window'],
  [5, 4, 2, 2, 0, 'a last row in no window'],
  [5, 5, 2, 3, 0, 'stride past the window: some inputs get no gradient'],
  [3, 3, 3, 1, 0, 'one window over all'],
  [1, 1, 1, 1, 0, 'size one'],
];
for (const [h, w, k, stride, pad, why] of cases) {
  for (const max of [true, false]) {
    test(`${max ? 'max' : 'average'} ${h}x${w}, window ${k}, stride ${stride}, pad ${pad}: ${why}`, () =>
      checkLayer((max ? maxPool : avgPool)(k, { stride, pad }), [2, 3, h, w], x => {
        const p = { planes: 6, h, w, k, stride, pad };
        return max ? reference.maxPool(x, p).y : reference.avgPool(x, p);
      }));
  }
}

test('the first of equal maxima gets the gradient', async () => {
  const { dx } = await runLayer('own', maxPool(2), [1, 1, 2, 4], { input: Float64Array.of(1, 1, 0, 0, 1, 1, 0, 0) });
  assert.equal(
    [...dx!].map(v => v !== 0),
    [true, false, true, false, false, false, false, false],
  );
});

test('says what does not fit', async () => {
  const message = (layer: ReturnType<typeof maxPool>) => refusal(() => runLayer('own', layer, [8, 16, 4, 4]));
  assert.match(await message(maxPool(5)), /maxPool: window 5x5 is larger than its padded input 4x4 \(input \[8, 16, 4, 4\], pad 0\)/);
  assert.match(await message(avgPool(2, { pad: 2 })), /avgPool: pad 2 is more than half the window 2; use pad 0 to 1/);
});

test.run();
