import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rules } from '../../../../optim/index.ts';
import { optimizer, type Optimizer } from '../../../../optim/optimizer.ts';
import { clipNorm, ema, swa, type Piece } from '../../../../optim/pieces.ts';
import { lbfgs, quasiNewton, type QuasiNewton, quasiNewtonMethods } from '../../../../optim/quasi-newton.ts';
import { schedule } from '../../../../optim/schedules.ts';
import { sequential } from '../../../../layers/compose.ts';
import { conv2d } from '../../../../layers/conv.ts';
import { dense } from '../../../../layers/dense.ts';
import { batchNorm } from '../../../../layers/norm.ts';
import { first } from '../../../../datasets/dataset.ts';
import { openData } from '../../../../train/data/data.ts';
import type { Phase } from '../../../../train/step/phases/phase.ts';
import { Trainer } from '../../../../train/step/trainer.ts';
import { close, deviceFor, random } from '../../../support/check.ts';
import { fashionMnist, lenetTrainer, losses } from '../../../support/lenet-run.ts';
import { refusal } from '../../../support/refusal.ts';

const test = suite('steps of training');

const flat = async (trainer: Trainer) => Object.values(await trainer.weights()).flatMap(t => [...t.data]);

test('four micro-batches are the large batch', async () => {
  const run = async (accumulate: number) => {
    const rule = optimizer(rules.momentum!, {}, [clipNorm(1)]);
    const trainer = await lenetTrainer({ batchSize: 64, accumulate, optimizer: rule });
    const out = { losses: await losses(trainer, 6), weights: await flat(trainer), test: await trainer.evaluate('test') };
    trainer.destroy();
    return out;
  };
  const [whole, parts] = [await run(1), await run(4)];
  close('losses', parts.losses, whole.losses, 1e-5);
  close('weights', parts.weights, whole.weights, 1e-5);
  close('test loss', [parts.test.loss], [whole.test.loss], 1e-5);
  close('test accuracy', [parts.test.accuracy!], [whole.test.accuracy!], 1.5 / 512); // of weights that rounding has moved
});

test('one optimizer after another', async () => {
  const trainer = await lenetTrainer({
    batchSize: 128,
    optimizer: [
      { optimizer: optimizer(rules.adam!), steps: 5 },
      { optimizer: quasiNewton(lbfgs), steps: 6 },
      { optimizer: optimizer(rules.sgd!, { lr: 0.01 }) },
    ],
  });
  const alone = await lenetTrainer({ batchSize: 128, optimizer: optimizer(rules.adam!) });
  const seen: { step: number; loss: number; lr: number }[] = [];
  for (let t = 0; t < 13; t++) {
    await trainer.step(true);
    seen.push(...(await trainer.settle()));
  }
  close(
    'the first phase',
    seen.slice(0, 5).map(l => l.loss),
    await losses(alone, 5),
    1e-6,
  );
  assert.equal(
    seen.map(l => l.lr),
    [...Array<number>(5).fill(0.001), ...Array<number>(6).fill(1), 0.01, 0.01],
  );
  assert.equal(
    seen.map(l => l.step),
    [...Array(13).keys()].map(t => t + 1),
  );
  for (let t = 6; t < 11; t++) assert.ok(seen[t]!.loss < seen[t - 1]!.loss, `lbfgs went from ${seen[t - 1]!.loss} to ${seen[t]!.loss}`);
  trainer.destroy();
  alone.destroy();
});

test('a phase of the same rule as the one before starts anew', async () => {
  const all = await fashionMnist();
  const images = { ...all, train: first(all.train, 128) };
  const lr = 0.002; // every step has the same batch
  const run = (chosen: Phase[]) => lenetTrainer({ batchSize: 128, images, optimizer: chosen });
  const both = await run([{ optimizer: optimizer(rules.adam!), steps: 4 }, { optimizer: optimizer(rules.adam!, { lr }) }]);
  for (let t = 0; t < 4; t++) await both.step();
  const alone = await run([{ optimizer: optimizer(rules.adam!, { lr }) }]);
  await alone.loadWeights(await both.weights());
  for (let t = 0; t < 3; t++) {
    await both.step();
    await alone.step();
  }
  close('weights', await flat(both), await flat(alone), 1e-6);
  both.destroy();
  alone.destroy();
});

test('the averaged weights are evaluated, the others trained', async () => {
  const make = (...pieces: Piece[]) => lenetTrainer({ batchSize: 64, optimizer: optimizer(rules.sgd!, {}, pieces) });
  const [plain, averaged] = [await make(), await make(ema(0.5))];
  const means: number[][] = [];
  for (let t = 0; t < 4; t++) {
    await plain.step();
    const w = await flat(plain);
    const last = means.at(-1);
    means.push(last ? w.map((v, i) => 0.5 * v + 0.5 * last[i]!) : w);
    await averaged.step();
  }
  close('weights', await flat(averaged), await flat(plain), 1e-6); // by different kernels
  close(
    'average',
    Object.values(await averaged.evaluatedWeights()).flatMap(t => [...t.data]),
    means.at(-1)!,
    1e-6,
  );
  const expected = await averaged.evaluate('test');
  await plain.loadWeights(await averaged.evaluatedWeights());
  assert.equal(await plain.evaluate('test'), expected);
  plain.destroy();
  averaged.destroy();
});

test('the mean of SWA is evaluated by running statistics of its own, and the trained ones come back', async () => {
  const n = 16;
  const device = await deviceFor('own');
  const split = {
    n,
    images: Uint8Array.from(random(n * 9, 6), v => 127.5 * (1 + v)),
    labels: Uint16Array.from({ length: n }, (_, i) => i % 2),
  };
  const dataset = { name: 'random', shape: [1, 3, 3], classes: ['a', 'b'], train: split, test: split } as const;
  const trainer = await Trainer.create({
    device,
    batchSize: n / 2,
    shuffle: false,
    data: await openData(dataset),
    model: sequential({ conv: conv2d(2, 1), norm: batchNorm(), fc: dense(2) }),
    optimizer: optimizer(rules.sgd!, { lr: 0.5 }, [swa(2, 1)]),
  });
  for (let t = 0; t < 5; t++) await trainer.step();
  const trained = await trainer.weights();
  const evaluated = await trainer.evaluatedWeights();
  const values = await trainer.weights();
  assert.equal(values, trained);
  assert.not.equal(evaluated['conv.weight']!.data, trained['conv.weight']!.data);
  const count = split.images.length;
  const mean = split.images.reduce((a, v) => a + v / 255, 0) / count;
  const variance = split.images.reduce((a, v) => a + (v / 255 - mean) ** 2, 0) / (count - 1);
  const [w, b] = [evaluated['conv.weight']!.data, evaluated['conv.bias']!.data];
  close(
    'running mean',
    evaluated['norm.running_mean']!.data,
    [0, 1].map(c => w[c]! * mean + b[c]!),
    1e-5,
  );
  close(
    'running variance',
    evaluated['norm.running_var']!.data,
    [0, 1].map(c => w[c]! ** 2 * variance),
    1e-5,
  );
  trainer.destroy();
});

test('newton-diagonal estimates the diagonal of the Hessian, and its probes leave no trace in weights and metrics', async () => {
  const n = 32;
  const classes = 3;
  const device = await deviceFor('own');
  const values = random(n * 4, 6);
  const split = {
    n,
    images: Uint8Array.from(values, v => 127.5 * (1 + v)),
    labels: Uint16Array.from({ length: n }, (_, i) => i % classes),
  };
  const dataset = { name: 'random', shape: [1, 2, 2], classes: ['a', 'b', 'c'], train: split, test: split } as const;
  const make = async (chosen: Optimizer) =>
    Trainer.create({
      device,
      batchSize: n,
      shuffle: false,
      model: dense(classes),
      optimizer: chosen,
      data: await openData(dataset),
    });
  const trainer = await make(optimizer(rules['newton-diagonal']!, { lr: 0, probes: 1500 }));
  const plain = await make(optimizer(rules.sgd!, { lr: 0 }));
  const before = await flat(trainer);
  close('loss', await losses(trainer, 1), await losses(plain, 1), 1e-6);
  close('weights', await flat(trainer), before, 0);

  const { weight, bias } = (await trainer.weights()) as unknown as Record<'weight' | 'bias', { data: Float32Array }>;
  const exact = { weight: new Float64Array(12), bias: new Float64Array(3) };
  for (let i = 0; i < n; i++) {
    // softmax regression: d2 loss / d z_c^2 = p_c (1 - p_c)
    const x = split.images.subarray(4 * i, 4 * i + 4);
    const e = [0, 1, 2].map(c => Math.exp(bias.data[c]! + [0, 1, 2, 3].reduce((s, j) => s + (weight.data[4 * c + j]! * x[j]!) / 255, 0)));
    const sum = e.reduce((a, b) => a + b);
    e.forEach((v, c) => {
      const curvature = ((v / sum) * (1 - v / sum)) / n;
      exact.bias[c]! += curvature;
      for (let j = 0; j < 4; j++) exact.weight[4 * c + j]! += curvature * (x[j]! / 255) ** 2;
    });
  }
  const { tensors } = await trainer.state();
  // 1,500 probes leave a noise of 0.007
  for (const name of ['weight', 'bias'] as const) close(name, tensors[`newton-diagonal.h.${name}`]!.data, exact[name], 0.02);
  trainer.destroy();
  plain.destroy();
});

/** State as bytes: bits of float64 look like NaN to a comparison. */
const bytes = async (trainer: Trainer) =>
  Object.entries((await trainer.state()).tensors).map(([name, { data }]) => [
    name,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
  ]);

/** 192 random images in file order, a small net. */
async function small(batchSize: number, chosen: Optimizer | QuasiNewton, lr?: number, given?: string) {
  const n = 192;
  const device = await deviceFor('own');
  const split = {
    n,
    images: Uint8Array.from(random(n * 16, 6), v => 127.5 * (1 + v)),
    labels: Uint16Array.from({ length: n }, (_, i) => i % 3),
  };
  const dataset = { name: 'random', shape: [1, 4, 4], classes: ['a', 'b', 'c'], train: split, test: split } as const;
  return Trainer.create({
    device,
    batchSize,
    shuffle: false,
    model: sequential({ conv: conv2d(4, 3), fc: dense(3) }),
    optimizer: chosen,
    data: await openData(dataset),
    ...(given !== undefined && { schedule: schedule('batch-growth', { milestones: given, times: 4 }, { lr: lr!, total: 100 }) }),
  });
}

for (const name of ['momentum', 'adam']) {
  test(`a batch that grows is the large batch, ${name}`, async () => {
    const growing = await small(16, optimizer(rules[name]!, { lr: 0.05 }, [clipNorm(0.5)]), 0.05, '4');
    const large = await small(64, optimizer(rules[name]!, { lr: 0.05 }, [clipNorm(0.5)]));
    for (let t = 0; t < 4; t++) await growing.step();
    const weights = await growing.weights();
    const { tensors } = await growing.state();
    await large.loadWeights(weights);
    await large.loadState({ tensors, counters: { steps: 4 } }); // the fifth update, on images 64 to 127 of an epoch of three batches
    for (let t = 0; t < 3; t++) {
      await growing.step();
      assert.equal(await growing.weights(), weights);
    }
    await growing.step();
    await large.step();
    close('weights', await flat(growing), await flat(large), 1e-6);
    growing.destroy();
    large.destroy();
  });
}

test('a run stopped while a batch is gathered goes on bitwise as if it never had', async () => {
  const make = () => small(16, optimizer(rules.adam!), 0.01, '2');
  const [whole, first, second] = [await make(), await make(), await make()];
  for (let t = 0; t < 15; t++) await whole.step();
  for (let t = 0; t < 9; t++) await first.step(); // updates after steps 1, 2, 6, 10, 14
  await second.loadWeights(await first.weights());
  await second.loadState(await first.state());
  for (let t = 0; t < 6; t++) await second.step();
  assert.equal(await second.weights(), await whole.weights());
  assert.equal(await bytes(second), await bytes(whole));
  for (const t of [whole, first, second]) t.destroy();
});

for (const name of ['lbfgs', 'bfgs'] as const) {
  for (const stop of [0, 1, 4]) {
    test(`${name} stopped after ${stop} steps goes on bitwise as if it never had`, async () => {
      const make = () => small(64, quasiNewton(quasiNewtonMethods[name]!));
      const [whole, first, second] = [await make(), await make(), await make()];
      const seen: number[] = [];
      for (const [trainer, steps] of [
        [whole, 7],
        [first, stop],
      ] as const) {
        for (let t = 0; t < steps; t++) await trainer.step();
      }
      await second.loadWeights(await first.weights());
      await second.loadState(await first.state());
      for (let t = stop; t < 7; t++) {
        await second.step(true);
        seen.push(...(await second.settle()).map(l => l.loss));
      }
      assert.ok(seen.at(-1)! < seen[0]!, `losses ${seen.join(' ')}`);
      assert.equal(await second.weights(), await whole.weights());
      assert.equal(await bytes(second), await bytes(whole));
      for (const t of [whole, first, second]) t.destroy();
    });
  }
}

for (const biases of [true, false]) {
  test(`lbfgs minimises the loss with its L2 penalty${biases ? '' : ', biases left out'}, and reports the loss alone`, async () => {
    const weight = 0.02;
    const trainer = await small(192, { ...quasiNewton(lbfgs), l2: { weight, biases } });
    const other = await small(192, optimizer(rules.sgd!, { lr: 1 }));
    for (let t = 0; t < 60; t++) await trainer.step();
    const at = await trainer.weights();
    await other.loadWeights(at);
    await other.step(true);
    const loss = (await other.settle())[0]!.loss;
    const after = await other.weights();
    // at the minimum the gradient of the loss, here a step of descent at rate 1, is that of the penalty turned round
    for (const [name, { data, shape }] of Object.entries(at)) {
      const step = data.map((v, i) => v - after[name]!.data[i]!);
      close(
        name,
        step,
        data.map(v => (biases || shape.length > 1 ? -weight * v : 0)),
        2e-3,
      );
    }
    await trainer.step(true);
    close('loss', [(await trainer.settle()).at(-1)!.loss], [loss], 1e-5);
    trainer.destroy();
    other.destroy();
  });
}

test('a batch that is not equal parts is refused', async () => {
  const message = await refusal(() => lenetTrainer({ batchSize: 64, accumulate: 3, optimizer: optimizer(rules.sgd!) }));
  assert.is(message, 'accumulate: a batch of 64 is not 3 equal parts; give a divisor of the batch size');
});

test.run();
