/** What SWAG and calibration show, on whole experiments. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mean } from '../../../train/study/statistics.ts';
import { outcomeOf, rowsBy } from '../../support/lab.ts';

const test = suite('uncertainty, at length');

const few = { images: 'shapes', limitTest: 64 };

test('SWAG draws differ most where a net is unsure, and each image has probabilities that add up to 1', async () => {
  const { rows, values, panels } = await outcomeOf('swag:images=128,epochs=4,draws=4,shown=20', few);
  assert.equal(
    rows.map(({ way }) => way),
    ['Adam', 'SWA', 'SWAG'],
  );
  const { path, images } = values as { path: { swa?: object }[]; images: { mean: number[]; deviation: number[] }[] };
  assert.equal(
    path.map(({ swa }) => swa !== undefined),
    [false, false, true, true],
    'the mean begins after half of the epochs',
  );
  for (const { mean } of images) assert.ok(Math.abs(mean.reduce((a, b) => a + b) - 1) < 1e-5);
  const [sure, unsure] = [[], []] as number[][];
  for (const { mean, deviation } of images) {
    for (const [c, p] of mean.entries()) (Math.abs(p - 0.5) < 0.35 ? unsure! : sure!).push(deviation[c]!);
  }
  assert.ok(mean(unsure!) > mean(sure!), `${mean(unsure!)} of probabilities in the middle, ${mean(sure!)} near 0 and 1`);
  assert.is(panels.length, 21);
});

test('the mean over seeds, snapshots and masks is better calibrated and has less loss than one of them, and SWAG than its last weights', async () => {
  const calibrated = rowsBy(await outcomeOf('calibration:images=1000,epochs=20,members=3'));
  const pairs = [
    ['one net', 'mean of 3 nets'],
    ['last snapshot', 'mean of 3 snapshots'],
    ['dropout, masks off', 'dropout, 20 masks'],
    ['one net', 'SWAG, 20 draws'],
  ] as const;
  for (const measure of ['NLL', 'ECE', 'Brier']) {
    for (const [alone, averaged] of pairs) {
      const [before, after] = [alone, averaged].map(way => Number(calibrated[way]![measure]));
      assert.ok(after! < before!, `${measure}: ${alone} ${before}, ${averaged} ${after}`);
    }
  }
});

test.run();
