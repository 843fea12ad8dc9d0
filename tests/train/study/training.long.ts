/** What the experiments about training show that take many nets: orders, batches, ensembles, snapshots, zoneout, dropout by share, norms in small batches, augmentations. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planned } from '../../../train/study/experiments.ts';
import { mean } from '../../../train/study/statistics.ts';
import { labOf, outcomeOf } from '../../support/lab.ts';

const test = suite('training experiments of many nets');
const SHAPES = { images: 'shapes' };

test('images sorted by class teach the last class alone', async () => {
  const { panels } = await outcomeOf('orders:seeds=1,images=320,epochs=2', SHAPES);
  const series = panels[0]!.kind === 'line' ? panels[0]!.series : [];
  const [sorted, , shuffled] = series.map(({ points }) => Math.max(...points.slice(2).map(([, loss]) => loss)));
  assert.ok(sorted! > shuffled! + 0.02, `a class that is new has a loss of ${sorted}, a mixture of all ${shuffled}`);
});

test('an update of more images goes further, and an image of few goes further', async () => {
  const outcome = await outcomeOf('batches:seeds=1,images=64,updates=30', SHAPES);
  const [byUpdates, byImages] = outcome.panels.map(panel => (panel.kind === 'line' ? panel.series : []));
  const lossAt = (series: NonNullable<typeof byUpdates>[number], x: number) => series.points.findLast(([at]) => at <= x)![1];
  const [one, , all] = byUpdates!;
  assert.ok(lossAt(all!, 30) < lossAt(one!, 30), 'after 30 updates');
  const [oneImage, , allImages] = byImages!;
  assert.ok(lossAt(oneImage!, 640) < lossAt(allImages!, 640), 'after 640 images');
});

test('the mean of nets that differ in their seed has at most their mean loss', async () => {
  const { rows } = await outcomeOf('ensemble:members=2,images=128,epochs=1', SHAPES);
  assert.ok(Number(rows.at(-1)!['its loss']) <= mean(rows.map(row => Number(row.loss))) + 1e-6);
});

test('the mean of snapshots has at most their mean loss, and the rate is near 0 at each', async () => {
  const { rows, panels } = await outcomeOf('snapshots:cycles=2,images=320,epochs=1', SHAPES);
  assert.equal(
    rows.map(row => row.snapshot),
    [1, 2, 'one fall'],
  );
  const cyclic = rows.slice(0, 2).map(row => Number(row.loss));
  assert.ok(Number(rows[1]!['its loss']) <= mean(cyclic) + 1e-6);
  const [rate] = panels;
  const cycles = rate?.kind === 'line' ? rate.series[0] : undefined;
  assert.is(
    cycles!.points.filter(([, lr], i, all) => i > 0 && lr > all[i - 1]![1]).length,
    1,
    'the rate rises after each end but the last',
  );
});

test('zoneout leaves the state of units that are struck as it was, dropout takes it away', async () => {
  const outcome = await outcomeOf('zoneout:images=64,epochs=1,hidden=8,share=0.3', SHAPES);
  const runs = outcome.values as { name: string; struck: boolean[][]; states: number[][] }[];
  for (const { name, struck, states } of runs) {
    const wrong = states.flatMap((state, t) =>
      state.filter((v, unit) => struck[t]![unit] && v !== (name === 'dropout' ? 0 : (states[t - 1]?.[unit] ?? 0))),
    );
    const count = struck.flat().filter(Boolean).length;
    assert.equal([wrong.length, count > 0], [0, name !== 'neither'], name);
  }
  const [, dropped, zoned] = outcome.rows.map(row => Number(row['state changes by']));
  assert.ok(zoned! < dropped!, `${zoned} from row to row under zoneout, ${dropped} under dropout`);
});

test('batch norm learns nothing of one image at a time, group norm over standardised weights does', async () => {
  const { rows } = await outcomeOf('small-batches:images=300', { limitTest: 500 });
  const accuracy = (batch: number, norm: RegExp) =>
    Number(rows.find(row => row.batch === batch && norm.test(String(row.norm)))!['test accuracy']);
  assert.is(rows.length, 12);
  assert.ok(accuracy(1, /^batch/) < 0.2, JSON.stringify(rows));
  assert.ok(accuracy(1, /standardised$/) > 0.35 && accuracy(4, /^batch/) > 0.3, JSON.stringify(rows));
});

test('of one width few units kept learn too little, of as many left more, and no dropout learns the images by heart', async () => {
  const { rows } = await outcomeOf('dropout-rates:width=64,images=200,epochs=40', { limitTest: 500 });
  const errors = (figure: string, part: string) => rows.filter(row => row.figure === figure).map(row => Number(row[`${part} error`]));
  for (const part of ['training', 'test']) {
    const [one, asMany] = [errors('one width', part), errors('as many left', part)];
    assert.equal([one.length, asMany.length, errors('depth', part).length], [5, 5, 9]);
    assert.ok(one[0]! > one.at(-1)! + 0.1 && asMany[0]! < one[0]! - 0.05, `${part}: ${one}, ${asMany}`);
  }
  assert.ok(errors('one width', 'training').at(-1)! < 0.02);
});

test('what is cut and mixed is learnt less by heart: cutmix least, and the loss on other images is smaller for it', async () => {
  const given = { model: 'lenet5', optimizer: 'adam', lr: '0.002', limit_train: '110', limit_test: '64', epochs: '50' };
  const { rows } = await planned('augmentations', given).run(labOf(SHAPES));
  const [none, ...others] = rows;
  assert.equal(
    rows.map(row => row.augmentations),
    ['none', 'cutout', 'mixup', 'cutmix', 'augmix'],
  );
  for (const row of others) assert.ok(Number(row['training accuracy']) <= Number(none!['training accuracy']), JSON.stringify(rows));
  const cutmix = others[2]!;
  assert.ok(Number(cutmix['training accuracy']) < Number(none!['training accuracy']) - 0.1, JSON.stringify(rows));
  assert.ok(Number(cutmix['test loss']) < Number(none!['test loss']), JSON.stringify(rows));
});

test.run();
