/** A net above 25 MB, whose gradients leave in several buckets while the backward pass goes on. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Trainer } from '../../../train/step/trainer.ts';
import { asRanks, trainerOf, valuesOf } from '../../support/ranks/members.ts';

const test = suite('buckets');

async function trained(trainer: Trainer): Promise<{ weights: Float32Array; cuts: number[] }> {
  for (let t = 0; t < 3; t++) await trainer.step();
  const weights = valuesOf(await trainer.weights());
  const cuts = trainer.mean?.cuts.map(cut => cut.after) ?? [];
  trainer.destroy();
  return { weights, cuts };
}

test('2 ranks that send gradients in buckets make the bits of 2 micro-batches', async () => {
  const o = { model: 'mlp:hidden=2048-2048', rule: 'sgd:lr=0.001', batchSize: 8 };
  const one = await trained(await trainerOf({ ...o, accumulate: 2 }));
  const ranks = await asRanks(2, async exchange =>
    trained(await trainerOf({ ...o, exchange, sharesBatches: true, sharesGradients: true })),
  );
  for (const { weights, cuts } of ranks) {
    assert.is(cuts.length, 2);
    assert.ok(cuts[0]! < cuts[1]!, 'the second bucket leaves later');
    assert.equal(weights, one.weights);
  }
});

test.run();
