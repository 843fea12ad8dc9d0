/** How much a run of the page evaluates while it trains. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { batchesWithin } from '../../web/worker/paced.ts';

const test = suite('pace of a run');

/** A batch that is evaluated takes 0.37 of a step at most (lenet5, llvmpipe and SwiftShader), which of a tenth of the time in all are 0.3. */
const MOST = 0.3;

test('validation takes a tenth of the time up to a share of 0.2, batches that are begun counted whole', () => {
  for (const every of [20, 50, 75, 200])
    for (const valSplit of [0.02, 0.05, 0.1, 0.15, 0.2]) {
      const share = valSplit / (1 - valSplit);
      const batches = batchesWithin(share, every);
      assert.ok(Number.isInteger(batches) && batches >= 1, `${batches} batches`);
      const all = share + batches / every;
      assert.ok(all <= MOST + 1e-9, `${all} batches a step at a share of ${valSplit}, every ${every} steps`);
    }
  assert.is(batchesWithin(0.25, 1), 1, 'an evaluation has images, however often it comes');
});
test.run();
