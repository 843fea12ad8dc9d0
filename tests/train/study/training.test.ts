/** What the experiments about training show: orders, batches, snapshots, ensembles, and noisy descent against its theory. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../../datasets/node/open.ts';
import { noisyEnds, endOf } from '../../../train/study/descent/noisy-ends.ts';
import type { Cell, Outcome } from '../../../train/study/experiment.ts';
import { sortedByClass } from '../../../train/study/training/orders.ts';
import { mean } from '../../../train/study/statistics.ts';
import { labOf, outcomeOf as outcomeIn } from '../../support/lab.ts';

const test = suite('training experiments');

const outcomeOf = (text: string) => outcomeIn(text, { images: 'shapes' });
const of = ({ rows }: Outcome, column: string): Cell[] => rows.map(row => row[column]);
const numbersOf = (outcome: Outcome, column: string): number[] => of(outcome, column).map(Number);

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

test('images sorted by class teach the last class alone; nothing of them is lost', async () => {
  const shapes = await openDataset('shapes', { limitTrain: 100, limitTest: 10, quiet: true });
  const { train } = await sortedByClass(shapes);
  assert.equal([...train.labels], [...shapes.train.labels].sort());
  const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
  assert.is(sum(train.images), sum(shapes.train.images));
  const { panels } = await outcomeOf('orders:seeds=1,images=320,epochs=2');
  const series = panels[0]!.kind === 'line' ? panels[0]!.series : [];
  const [sorted, , shuffled] = series.map(({ points }) => Math.max(...points.slice(2).map(([, loss]) => loss)));
  assert.ok(sorted! > shuffled! + 0.02, `a class that is new has a loss of ${sorted}, a mixture of all ${shuffled}`);
});

test('an update of more images goes further, and an image of few goes further', async () => {
  const outcome = await outcomeOf('batches:seeds=1,images=64,updates=30');
  const [byUpdates, byImages] = outcome.panels.map(panel => (panel.kind === 'line' ? panel.series : []));
  const lossAt = (series: NonNullable<typeof byUpdates>[number], x: number) => series.points.findLast(([at]) => at <= x)![1];
  const [one, , all] = byUpdates!;
  assert.ok(lossAt(all!, 30) < lossAt(one!, 30), 'after 30 updates');
  const [oneImage, , allImages] = byImages!;
  assert.ok(lossAt(oneImage!, 640) < lossAt(allImages!, 640), 'after 640 images');
});

test('the mean of nets has at most their mean loss, for seeds and for snapshots, whose rate is near 0 at each end', async () => {
  const nets = await outcomeOf('ensemble:members=2,images=128,epochs=1');
  const losses = numbersOf(nets, 'loss');
  assert.ok(Number(nets.rows.at(-1)!['its loss']) <= mean(losses) + 1e-6);
  const taken = await outcomeOf('snapshots:cycles=2,images=320,epochs=1');
  assert.equal(of(taken, 'snapshot'), [1, 2, 'one fall']);
  const cyclic = numbersOf(taken, 'loss').slice(0, 2);
  assert.ok(Number(taken.rows[1]!['its loss']) <= mean(cyclic) + 1e-6);
  const [rate] = taken.panels;
  const cycles = rate?.kind === 'line' ? rate.series[0] : undefined;
  assert.is(
    cycles!.points.filter(([, lr], i, all) => i > 0 && lr > all[i - 1]![1]).length,
    1,
    'the rate rises after each end but the last',
  );
});

test('zoneout leaves the state of units that are struck as it was, dropout takes it away', async () => {
  const outcome = await outcomeOf('zoneout:images=64,epochs=1,hidden=8,share=0.3');
  const runs = outcome.values as { name: string; struck: boolean[][]; states: number[][] }[];
  for (const { name, struck, states } of runs) {
    const wrong = states.flatMap((state, t) =>
      state.filter((v, unit) => struck[t]![unit] && v !== (name === 'dropout' ? 0 : (states[t - 1]?.[unit] ?? 0))),
    );
    const count = struck.flat().filter(Boolean).length;
    assert.equal([wrong.length, count > 0], [0, name !== 'neither'], name);
  }
  const [, dropped, zoned] = numbersOf(outcome, 'state changes by');
  assert.ok(zoned! < dropped!, `${zoned} from row to row under zoneout, ${dropped} under dropout`);
});

test.run();
