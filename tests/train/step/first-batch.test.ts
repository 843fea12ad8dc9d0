/** What is computed from images before and after training: LSUV and population statistics. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../../engine/graph.ts';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { globalAvgPool, maxPool } from '../../../layers/pool.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { sgd } from '../../../optim/first-order.ts';
import { ema } from '../../../optim/pieces.ts';
import { BatchProgram } from '../../../train/data/batch-program.ts';
import { gatherBatch } from '../../../train/data/batch.ts';
import { openData } from '../../../train/data/data.ts';
import { DeviceData } from '../../../train/data/device-data.ts';
import { lsuv } from '../../../train/init/lsuv.ts';
import { Inference } from '../../../train/evaluate/inference.ts';
import { populationStatistics } from '../../../train/evaluate/population.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { close, deviceFor } from '../../support/check.ts';
import { fashionMnist } from '../../support/lenet-run.ts';

const test = suite('first batch');

const modelOf = (momentum: number) =>
  sequential({
    conv1: conv2d(4, 3, { stride: 2 }),
    bn1: batchNorm({ momentum }),
    act1: relu(),
    pool: maxPool(2),
    conv2: conv2d(6, 3),
    act2: relu(),
    gap: globalAvgPool(),
    fc: dense(10),
  });
const model = modelOf(0.3);
async function trainer() {
  const device = await deviceFor();
  const dataset = await fashionMnist();
  const data = await openData(dataset, { normalize: 'none' });
  const options = { device, model, data, batchSize: 128, seed: 2, shuffle: false };
  return { options, run: await Trainer.create({ ...options, optimizer: optimizer(sgd) }) };
}

test('LSUV gives every layer outputs of variance 1 on the first batch', async () => {
  const { options, run } = await trainer();
  const variances = await lsuv(options, run.data, { tolerance: 0.02 });
  assert.equal(Object.keys(variances), ['conv1.weight', 'conv2.weight', 'fc.weight']);
  for (const [name, v] of Object.entries(variances)) assert.ok(Math.abs(v - 1) <= 0.02, `${name}: ${v}`);
  const logits = await run.logits('train', 128);
  const mean = logits.reduce((a, b) => a + b, 0) / logits.length;
  close('variance of the logits', [logits.reduce((a, v) => a + (v - mean) ** 2, 0) / logits.length], [variances['fc.weight']!], 1e-3);
  run.destroy();
});

test('population statistics are those of all images', async () => {
  const { options, run } = await trainer();
  await populationStatistics(options, run.data);
  const weights = await run.weights();
  // the first batch norm sees what does not depend on any other: a convolution's output, here of all images in one batch
  const g = new Graph({ training: false, profile: options.device.profile });
  const size = options.data.parts.train.n;
  const batch = gatherBatch(g, new DeviceData(options.data, run.memory, size), 'train');
  const y = g.scope('conv1', () => conv2d(4, 3, { stride: 2 })(g, batch.x));
  g.kept.add(y);
  const program = await BatchProgram.compile(batch);
  await program.run({ offset: 0, valid: size });
  const all = await program.read(y);
  const [n, c, h, w] = y.shape as [number, number, number, number];
  const hw = h * w;
  for (let channel = 0; channel < c; channel++) {
    const values = Float64Array.from({ length: n * hw }, (_, i) => all[(Math.floor(i / hw) * c + channel) * hw + (i % hw)]!);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / (values.length - 1);
    close(
      'mean and variance',
      [weights['bn1.running_mean']!.data[channel]!, weights['bn1.running_var']!.data[channel]!],
      [mean, variance],
      2e-6,
    );
  }
  program.destroy();
  run.destroy();
});

test('population statistics are the same of a batch norm whose running ones never move', async () => {
  const { options, run } = await trainer();
  const still = await Trainer.create({ ...options, model: modelOf(0), optimizer: optimizer(sgd) });
  await populationStatistics(options, run.data, 3);
  await populationStatistics({ ...options, model: modelOf(0) }, still.data, 3);
  const [want, seen] = [await run.weights(), await still.weights()];
  for (const name of ['bn1.running_mean', 'bn1.running_var']) close(name, seen[name]!.data, want[name]!.data, 2e-6);
  for (const each of [run, still]) each.destroy();
});

test('weights that are kept have the population statistics that evaluations report by, whether they were evaluated or not', async () => {
  const device = await deviceFor();
  const data = await openData(await fashionMnist(), { normalize: 'meanstd' });
  const options = { device, model, data, batchSize: 64, seed: 2 };
  for (const pieces of [[], [ema(0.9)]]) {
    const run = await Trainer.create({ ...options, population: true, optimizer: optimizer(sgd, {}, pieces) });
    for (let step = 0; step < 3; step++) await run.step();
    const kept = await run.keptWeights();
    const evaluated = await run.evaluatedWeights();
    assert.equal(await run.keptWeights(), kept);
    const { loss } = await run.evaluate('test');
    const again = new Inference(options, evaluated); // by the running statistics
    assert.is((await again.evaluate('test')).loss, loss);
    if (!pieces.length) assert.equal(evaluated, kept);
    await run.step();
    assert.not.equal(await run.keptWeights(), kept);
    again.destroy();
    run.destroy();
  }
});

test.run();
