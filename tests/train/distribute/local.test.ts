/** Local SGD that is asked to end: it ends at a mean, and goes on to the bit as one that was never asked. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Exchange } from '../../../train/distribute/exchange.ts';
import { distribution } from '../../../train/distribute/methods.ts';
import { start } from '../../../train/distribute/start.ts';
import { loop } from '../../../train/run/loop.ts';
import type { StepMetrics } from '../../../train/step/metrics.ts';
import type { Trainer } from '../../../train/step/trainer.ts';
import { asRanks, trainerOf, valuesOf } from '../../support/ranks/members.ts';

const test = suite('local SGD');

const RULE = 'momentum:lr=0.01';
const TOTAL = 12;

/** What goes on with a rank that ended. */
type Kept = Awaited<ReturnType<typeof keptOf>>;
const keptOf = async (trainer: Trainer, together: Readonly<Record<string, Float32Array>>) => ({
  weights: await trainer.weights(),
  state: await trainer.state(),
  together,
});

/** Trains to the end, or until rank 1 has asked after so many steps. */
async function trained(exchange: Exchange, outer: string, { before, until = Infinity }: { before?: Kept | undefined; until?: number }) {
  const trainer = await trainerOf({ exchange, rule: RULE, sharesBatches: true });
  if (before) {
    await trainer.loadWeights(before.weights);
    await trainer.loadState(before.state);
  }
  const lines: StepMetrics[] = [];
  const asks = () => exchange.rank === 1 && trainer.steps >= until;
  const o = { total: TOTAL, logEvery: 100, onMetrics: (line: StepMetrics) => void lines.push(line) };
  const started = await start(trainer, exchange, distribution('local', { every: 3, outer }), { ...o, asks });
  if (before) await started.kept.load(before.together);
  let kept: Kept | undefined;
  await loop(started.fitted, {
    ...o,
    validate: false,
    state: { evaluated: [] },
    step: started.step,
    stopped: () => started.isAsked,
    onEvaluation: () => undefined,
    onCheckpoint: async () => void (kept = await keptOf(trainer, structuredClone(await started.kept.state()))),
  });
  const { steps } = trainer;
  const weights = valuesOf(await trainer.weights());
  trainer.destroy();
  return { steps, lines: lines.map(line => line.step), weights, kept };
}

for (const outer of ['mean', 'nesterov']) {
  test(`ranks that are asked to end, end at a mean, and go on as if they had not: outer=${outer}`, async () => {
    const whole = await asRanks(2, exchange => trained(exchange, outer, {}));
    const stopped = await asRanks(2, exchange => trained(exchange, outer, { until: 4 }));
    for (const { steps, lines } of stopped) assert.equal([steps, lines], [6, [6]]);
    const resumed = await asRanks(2, exchange => trained(exchange, outer, { before: stopped[exchange.rank]!.kept }));
    for (const [rank, { weights }] of resumed.entries()) assert.equal(weights, whole[rank]!.weights);
  });
}

test.run();
