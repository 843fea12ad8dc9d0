import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../../datasets/node/open.ts';
import type { Layer } from '../../../engine/graph.ts';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { dropout } from '../../../layers/noise.ts';
import { maxPool } from '../../../layers/pool.ts';
import { lenet5 } from '../../../models/lenet.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { rules } from '../../../optim/index.ts';
import { openData } from '../../../train/data/data.ts';
import { score, softmaxRows } from '../../../train/study/probabilities.ts';
import type { TrainerOptions } from '../../../train/step/trainer-options.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { close, deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';
import { longTests } from '../../support/long.ts';

const test = suite('trainer');
const long = longTests(test);
const { adam, momentum, sgd } = rules;
const dataset = await openDataset('fashion-mnist', { limitTrain: 2000, limitTest: 500, quiet: true });
const input = { classes: 10, shape: dataset.shape };

async function create(o: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const device = o.device ?? (await deviceFor());
  const data = await openData(dataset, { normalize: 'meanstd' });
  return Trainer.create({ device, data, model: lenet5(input), batchSize: 64, optimizer: optimizer(adam), seed: 3, ...o });
}

/** Losses of steps, one logged line each. */
async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const lines = [];
  for (let i = 0; i < steps; i++) {
    await trainer.step(true);
    lines.push(...trainer.arrived());
  }
  lines.push(...(await trainer.settle()));
  return lines.map(l => l.loss);
}

const bytes = async (t: Trainer) =>
  Object.entries(await t.weights()).map(
    ([name, { data }]) => [name, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')] as const,
  );

/** A small net with dropout: its masks must come again too. */
const noisy: Layer = sequential({ conv1: conv2d(4, 5, { pad: 2 }), act1: relu(), pool1: maxPool(4), drop: dropout(0.4), fc: dense(10) });

test('the same seed gives bitwise equal weights, another seed others', async () => {
  const [a, b, c] = [await create({ model: noisy }), await create({ model: noisy }), await create({ model: noisy, seed: 4 })];
  for (const t of [a, b, c]) await losses(t, 6);
  assert.equal(await bytes(a), await bytes(b));
  assert.not.equal(await bytes(a), await bytes(c));
  for (const t of [a, b, c]) t.destroy();
});

test('a run stopped and resumed across an epoch equals the uninterrupted one bitwise', async () => {
  const whole = await create({ model: noisy });
  const first = await create({ model: noisy });
  const second = await create({ model: noisy });
  const all = await losses(whole, 36); // 31 steps an epoch
  const before = await losses(first, 29);
  const weights = await first.weights();
  const state = await first.state();
  await second.loadWeights(weights);
  await second.loadState(state);
  const after = await losses(second, 7);
  assert.equal([...before, ...after], all);
  assert.equal(await bytes(second), await bytes(whole));
  for (const t of [whole, first, second]) t.destroy();
});

test('the fused and the unfused plan agree over 30 steps to 1e-5', async () => {
  const options = { optimizer: optimizer(momentum, { lr: 0.02 }) };
  const fused = await create(options);
  const plain = await create({ ...options, fuse: false });
  assert.ok(plain.program.commands.length > fused.program.commands.length + 5, 'fusion removes dispatches');
  const a = await losses(fused, 30);
  const b = await losses(plain, 30);
  a.forEach((loss, i) => assert.ok(Math.abs(loss - b[i]!) <= 1e-5 * b[i]!, `step ${i + 1}: ${loss} fused, ${b[i]} unfused`));
  fused.destroy();
  plain.destroy();
});

long('the GPU variants train like the lanes variants', async () => {
  const options = { optimizer: optimizer(sgd, { lr: 0.05 }) };
  const own = await create(options);
  const gpu = await create({ ...options, device: await deviceFor('gpu') });
  const a = await losses(own, 5);
  const b = await losses(gpu, 5);
  a.forEach((loss, i) => assert.ok(Math.abs(loss - b[i]!) <= 1e-5 * b[i]!, `step ${i + 1}: ${loss} and ${b[i]}`));
  own.destroy();
  gpu.destroy();
});

test('validation images are held out; evaluation counts every image once, in batches that do not divide', async () => {
  const { maxBinding } = (await deviceFor()).profile;
  const data = await openData(dataset, { normalize: 'meanstd', maxBinding, valSplit: 0.1 });
  const t = await create({ batchSize: 48, data });
  assert.is(t.stepsPerEpoch, Math.floor(1800 / 48));
  const { loss, accuracy } = await t.evaluate('val');
  const logits = await t.logits('val');
  assert.is(logits.length, 200 * 10);
  const wanted = score(softmaxRows(logits, 10), data.parts.val.labels, 10);
  close('loss and accuracy of 200 images', [loss, accuracy!], [wanted.loss, wanted.accuracy], 1e-5);
  assert.equal(await t.evaluate('val'), { loss, accuracy });
  assert.ok(Math.abs(loss - Math.log(10)) < 0.2, `an untrained net is at chance: ${loss}`);
  t.destroy();
});

test('no buffer, bind group or pipeline is made once the first step is done', async () => {
  const t = await create();
  await losses(t, 2);
  const { gpu } = t.device;
  const made: string[] = [];
  const originals = (['createBuffer', 'createBindGroup', 'createComputePipelineAsync', 'createShaderModule'] as const).map(name => {
    const original = gpu[name];
    (gpu as unknown as Record<string, unknown>)[name] = (...args: unknown[]) => {
      made.push(name);
      return (original as (...a: unknown[]) => unknown).apply(gpu, args);
    };
    return [name, original] as const;
  });
  for (let i = 0; i < 40; i++) await t.step(i % 10 === 9);
  await t.settle();
  for (const [name, original] of originals) (gpu as unknown as Record<string, unknown>)[name] = original;
  assert.equal(made, []);
  t.destroy();
});

test('NaN in the loss ends the run with the step and the rate; debug names the node', async () => {
  const wild = { optimizer: optimizer(sgd, { lr: 1e30 }) };
  const t = await create(wild);
  const message = await refusal(() => losses(t, 5));
  assert.match(message, /loss is (NaN|Infinity|-Infinity) at step \d+ \(learning rate 1e\+30\)/);
  t.destroy();
  const d = await create({ ...wild, debug: true });
  const named = await refusal(() => losses(d, 5));
  assert.match(named, /NaN or infinity at step \d+, first in \S+ \w+ \(\w+\)/);
  d.destroy();
});

test('weights of another model are refused by name and shape', async () => {
  const t = await create();
  const weights = await t.weights();
  const message = (w: typeof weights) => refusal(() => t.loadWeights(w));
  const { 'fc3.bias': bias, ...rest } = weights;
  assert.match(await message(rest), /tensor 'fc3\.bias' \[10\] is missing/);
  assert.match(
    await message({ ...rest, 'fc3.bias': { shape: [5], data: new Float32Array(5) } }),
    /'fc3\.bias' has shape \[5\], the model has \[10\]/,
  );
  assert.match(await message({ ...weights, 'conv9.weight': bias! }), /'conv9\.weight' is not in this model/);
  t.destroy();
});

test('a batch larger than the data is refused', async () => {
  const message = await refusal(() => create({ batchSize: 5000 }));
  assert.match(message, /^batchSize: 5000 is more than the 2000 training images/);
});

test('a lost device ends the run with one line', async () => {
  const { Device } = await import('../../../engine/device.ts');
  const { openAdapter } = await import('../../../engine/node/adapters.ts');
  const device = await Device.open(await openAdapter());
  const t = await create({ device, model: noisy });
  await losses(t, 2);
  device.gpu.destroy();
  const message = await refusal(() => losses(t, 3));
  assert.match(message, /device lost on .+\(destroyed/);
});

long('LeNet-5 reaches 80 % on held-out Fashion-MNIST after a short run', async () => {
  const device = await deviceFor();
  const full = await openDataset('fashion-mnist', { limitTrain: 12000, limitTest: 4000, quiet: true });
  const data = await openData(full, { normalize: 'meanstd' });
  const t = await Trainer.create({ device, data, model: lenet5(input), batchSize: 64, optimizer: optimizer(adam, { lr: 2e-3 }), seed: 1 });
  for (let i = 0; i < 2 * t.stepsPerEpoch; i++) await t.step();
  const { accuracy } = await t.evaluate('test');
  assert.ok(accuracy! >= 0.8, `accuracy ${accuracy}`);
  t.destroy();
});

test.run();
