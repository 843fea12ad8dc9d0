import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { softmaxRows } from '../../../train/study/probabilities.ts';
import { combine, predictive, Swag } from '../../../train/run/swag.ts';
import { close, random } from '../../support/check.ts';
import { lenetTrainer } from '../../support/lenet-run.ts';
import * as reference from '../../reference/regularise.ts';

const test = suite('SWAG');
const tensor = (data: ArrayLike<number>) => ({ w: { shape: [data.length], data: Float32Array.from(data) } });

test('mean, variance and draws have the moments of the reference', () => {
  const n = 6;
  const weights = Array.from({ length: 7 }, (_, k) => random(n, 40 + k));
  const swag = new Swag(4);
  const want = reference.swag(weights, 4);
  for (const w of weights) swag.collect(tensor(w));
  close('mean', swag.mean.w!.data, want.mean, 1e-6);
  close('variance', swag.variance.w!.data, want.variance, 1e-6);
  close('draw without spread', swag.sample(1, 0, 0).w!.data, want.mean, 1e-6);
  const draws = Array.from({ length: 4000 }, (_, i) => swag.sample(1, i).w!.data);
  const moment = (i: number, p: number) => draws.reduce((s, d) => s + (p === 1 ? d[i]! : (d[i]! - want.mean[i]!) ** 2), 0) / draws.length;
  for (let i = 0; i < n; i++) {
    const variance = want.variance[i]! / 2 + want.deviations.reduce((s, d) => s + d[i]! ** 2, 0) / (2 * 3);
    assert.ok(
      Math.abs(moment(i, 1) - want.mean[i]!) < 5 * Math.sqrt(variance / draws.length),
      `mean of draw ${i}: ${moment(i, 1)}, expected ${want.mean[i]}`,
    );
    assert.ok(Math.abs(moment(i, 2) / variance - 1) < 0.12, `variance of draw ${i}: ${moment(i, 2)}, expected ${variance}`);
  }
  assert.equal(swag.sample(1, 3), swag.sample(1, 3));
  assert.not.equal(swag.sample(1, 3), swag.sample(2, 3));
});

test('what was stopped goes on with the same moments', () => {
  const weights = Array.from({ length: 6 }, (_, k) => tensor(random(5, 60 + k)));
  const [whole, first, second] = [new Swag(3), new Swag(3), new Swag(3)];
  weights.forEach((w, k) => {
    whole.collect(w);
    if (k < 4) first.collect(w);
  });
  second.load(first.state(), first.count);
  weights.slice(4).forEach(w => second.collect(w));
  assert.equal(second.state(), whole.state());
  assert.equal(second.sample(1, 2), whole.sample(1, 2));
});

test('combining predictions', () => {
  const { mean, low, high } = combine(
    [0, 1, 2, 3, 4].map(v => Float32Array.of(v, 10 * v)),
    0.5,
  );
  assert.equal(
    [[...mean], [...low], [...high]],
    [
      [2, 20],
      [1, 10],
      [3, 30],
    ],
  );
  close('softmax', softmaxRows(Float32Array.of(0, Math.log(3), 5, 5), 2), [0.25, 0.75, 0.5, 0.5], 1e-6);
});

test('the predictive distribution of a trained network, whose weights come back', async () => {
  const trainer = await lenetTrainer({ batchSize: 64, optimizer: optimizer(rules.momentum!) });
  const swag = new Swag(5);
  for (let t = 0; t < 30; t++) {
    await trainer.step();
    if (t > 20) swag.collect(await trainer.weights());
  }
  const before = await trainer.weights();
  const { mean, low, high } = await predictive(trainer, swag, 'test', { samples: 6, count: 64 });
  assert.equal(await trainer.weights(), before);
  for (let i = 0; i < 64; i++) assert.ok(Math.abs(mean.subarray(10 * i, 10 * i + 10).reduce((a, b) => a + b) - 1) < 1e-5, `image ${i}`);
  assert.ok(low.every((v, i) => v <= high[i]!) && low.some((v, i) => v < high[i]!));
  const point = await predictive(trainer, swag, 'test', { samples: 2, count: 64, scale: 0 });
  assert.equal(point.low, point.high);
  await trainer.loadWeights(swag.mean);
  close('without spread, of the mean', point.mean, softmaxRows(await trainer.logits('test', 64), 10), 1e-5);
  trainer.destroy();
});

test.run();
