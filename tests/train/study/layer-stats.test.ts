import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { openData } from '../../../train/data/data.ts';
import { layerStats, weightsNow } from '../../../train/study/layer-stats.ts';
import { Probe } from '../../../train/evaluate/probe.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { close, deviceFor, random } from '../../support/check.ts';

const test = suite('layer statistics');
const n = 8;
const split = {
  n,
  images: Uint8Array.from(random(n * 4, 3), v => 127.5 * (1 + v)),
  labels: Uint16Array.from({ length: n }, (_, i) => i % 3),
};
const dataset = { name: 'random', shape: [1, 2, 2], classes: ['a', 'b', 'c'], train: split, test: split } as const;
const model = sequential({ fc1: dense(5), act: relu(), fc2: dense(3) });

async function make(accumulate = 1) {
  const device = await deviceFor('own');
  const data = await openData(dataset, { normalize: 'none' });
  return {
    data,
    trainer: await Trainer.create({
      device,
      data,
      model,
      batchSize: n,
      accumulate,
      shuffle: false,
      optimizer: optimizer(rules.sgd!, { lr: 0.5 }),
    }),
  };
}
const rms = (v: ArrayLike<number>) => Math.sqrt(Array.from(v).reduce((s, x) => s + x * x, 0) / v.length);

for (const accumulate of [1, 4]) {
  test(`are what the weights, the step and the images say, in ${accumulate} parts`, async () => {
    const { trainer, data } = await make(accumulate);
    const before = await weightsNow(trainer);
    await trainer.step();
    const stats = await layerStats(trainer, await Probe.create(trainer.memory, model, data, n, true), split.images, n, before);
    const w = await trainer.weights();
    assert.equal(
      stats.map(s => s.name),
      ['fc1', 'act', 'fc2'],
    );
    const out = Float64Array.from({ length: n * 5 }, (_, at) => {
      const i = Math.floor(at / 5);
      const u = at % 5;
      return [0, 1, 2, 3].reduce(
        (s, k) => s + (w['fc1.weight']!.data[4 * u + k]! * split.images[4 * i + k]!) / 255,
        w['fc1.bias']!.data[u]!,
      );
    });
    const act = out.map(v => Math.max(0, v));
    for (const [values, s] of [
      [out, stats[0]!],
      [act, stats[1]!],
    ] as const) {
      const mean = values.reduce((a, b) => a + b) / values.length;
      const units = [0, 1, 2, 3, 4].filter(u => values.every((v, at) => at % 5 !== u || v === 0));
      close(
        s.name,
        [s.mean!, s.std!, s.zeros!, s.dead!],
        [mean, rms(values.map(v => v - mean)), values.filter(v => v === 0).length / values.length, units.length / 5],
        1e-5,
      );
    }
    // one step of descent: the change is the rate times the gradient
    for (const [name, s] of [
      ['fc1', stats[0]!],
      ['fc2', stats[2]!],
    ] as const) {
      const now = w[`${name}.weight`]!.data;
      const change = rms(now.map((v, i) => v - before.get(name)![i]!));
      close(name, [s.weight!, s.update!, s.gradient!], [rms(now), change / rms(now), change / 0.5], 1e-5);
    }
    trainer.destroy();
  });
}

test('there is no gradient before a step, also after one that other programs did', async () => {
  const [fresh, resumed] = [await make(), await make()];
  const gradients = async ({ trainer, data }: typeof fresh) => {
    const stats = await layerStats(trainer, await Probe.create(trainer.memory, model, data, n, true), split.images, n);
    return stats.flatMap(s => s.gradient ?? []).length;
  };
  assert.is(await gradients(fresh), 0);
  await fresh.trainer.step();
  assert.is(await gradients(fresh), 2);
  await resumed.trainer.loadWeights(await fresh.trainer.weights());
  await resumed.trainer.loadState(await fresh.trainer.state());
  assert.equal([resumed.trainer.steps, await gradients(resumed)], [1, 0]);
  await resumed.trainer.step();
  assert.is(await gradients(resumed), 2);
  for (const { trainer } of [fresh, resumed]) trainer.destroy();
});

test('a look changes nothing', async () => {
  const [watched, plain] = [await make(), await make()];
  for (let t = 0; t < 3; t++) {
    const before = await weightsNow(watched.trainer);
    await watched.trainer.step();
    await layerStats(
      watched.trainer,
      await Probe.create(watched.trainer.memory, model, watched.data, 4, true),
      split.images.subarray(0, 16),
      4,
      before,
    );
    await plain.trainer.step();
  }
  assert.equal(await watched.trainer.weights(), await plain.trainer.weights());
  watched.trainer.destroy();
  plain.trainer.destroy();
});

test.run();
