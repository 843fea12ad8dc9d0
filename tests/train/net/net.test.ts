/** A loop by hand: the gradients are PyTorch's and finite differences', the steps those of a trainer. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../../engine/graph.ts';
import { relu, tanh } from '../../../layers/activation.ts';
import { flatten, sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { reshape } from '../../../layers/geometry.ts';
import { lossOf, losses } from '../../../layers/loss.ts';
import { dropout } from '../../../layers/noise.ts';
import { models } from '../../../models/index.ts';
import { optimizer, type Optimizer } from '../../../optim/optimizer.ts';
import { ema, swa } from '../../../optim/pieces.ts';
import { rules } from '../../../optim/index.ts';
import { rowLoss } from '../../../shaders/update/loss.ts';
import { openData } from '../../../train/data/data.ts';
import { Net } from '../../../train/net/net.ts';
import type { Targets } from '../../../train/net/targets.ts';
import type { NetOptions } from '../../../train/net/programs.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { buffersOf } from '../../support/buffers-of.ts';
import { close, deviceFor } from '../../support/check.ts';
import { fashionMnist, vectors } from '../../support/lenet-run.ts';
import { refusal } from '../../support/refusal.ts';
import { batchOf, dataset, model, SIZE, values } from '../../support/small-net.ts';
import { readTensors } from '../../vectors/read.ts';

const test = suite('net');
const device = await deviceFor();
const { adam, sgd } = rules;

test('LeNet-5 has PyTorch its gradients and logits', async () => {
  const want = readTensors('lenet5-gradients.safetensors');
  const images = await fashionMnist();
  const n = 64;
  const net = await Net.build(device, models.lenet5({ classes: 10, shape: images.shape }), { shape: images.shape, batch: n });
  assert.equal(await net.load(readTensors('lenet5-init.safetensors')), { missing: [], unexpected: [], mismatched: [] });
  const scaled = (images: ArrayLike<number>, n: number) => Float32Array.from({ length: n * 784 }, (_, i) => images[i]! / 255);
  close('logits', await net.forward(scaled(images.test.images, 4)), vectors.logits.flat(), 1e-5);
  await net.backward(scaled(images.train.images, n), images.train.labels.slice(0, n));
  const gradients = await net.gradients();
  assert.equal(Object.keys(gradients).sort(), Object.keys(want).sort());
  for (const [name, { data }] of Object.entries(want)) close(name, gradients[name]!.data, data, 1e-5);
  net.destroy();
});

test('a loop by hand moves the weights as a trainer does', async () => {
  const data = await openData(dataset);
  const trainer = await Trainer.create({
    device,
    data,
    model,
    batchSize: 16,
    optimizer: optimizer(rules.momentum, { lr: 0.05 }),
    seed: 5,
    shuffle: false,
  });
  const net = await Net.build(device, model, { shape: dataset.shape, batch: 16, seed: 5 });
  const rule = optimizer(rules.momentum, { lr: 0.05 });
  const seen: number[] = [];
  for (let step = 0; step < 6; step++) {
    await trainer.step(true);
    const { x, y } = batchOf((step % 4) * 16, 16);
    seen.push((await net.backward(x, y)).loss);
    await net.update(rule);
  }
  close(
    'losses',
    seen,
    (await trainer.settle()).map(l => l.loss),
    1e-6,
  );
  const [own, theirs] = [await net.weights(), await trainer.weights()];
  for (const name of Object.keys(theirs)) close(name, own[name]!.data, theirs[name]!.data, 1e-5);
  const { x } = batchOf(0, 64);
  const logits = await net.forward(x.subarray(0, 40 * SIZE)); // more than a batch, and no multiple of it
  trainer.destroy();
  assert.is(logits.length, 40 * 3);
  close('any number of inputs', logits.subarray(39 * 3), await net.forward(x.subarray(39 * SIZE, 40 * SIZE)), 1e-6);
  net.destroy();
});

test('the gradient of the inputs is that of finite differences', async () => {
  const smooth = sequential({ fc1: dense(6), act: tanh(), fc2: dense(3) });
  const net = await Net.build(device, smooth, { shape: [5], batch: 2, inputGradient: true });
  const x = values(10, 3);
  const y = Uint32Array.of(2, 0);
  const { inputGradient } = await net.backward(x, y);
  const h = 1e-2;
  const slope = async (i: number) => {
    const [up, down] = await Promise.all(
      [h, -h].map(d =>
        net.backward(
          x.map((v, at) => (at === i ? v + d : v)),
          y,
        ),
      ),
    );
    return (up!.loss - down!.loss) / (2 * h);
  };
  const wanted: number[] = [];
  for (let i = 0; i < 10; i++) wanted.push(await slope(i));
  close('input gradient', inputGradient!, wanted, 1e-4);
  net.destroy();
});

test('gradients add up, are read, and are replaced', async () => {
  const linear = sequential({ fc: dense(2) });
  const net = await Net.build(device, linear, { shape: [3], batch: 4 });
  const [a, b] = [
    { x: values(12, 1), y: Uint32Array.of(0, 1, 0, 1) },
    { x: values(12, 2), y: Uint32Array.of(1, 1, 0, 0) },
  ];
  const of = async ({ x, y }: { x: Float32Array; y: Targets }) => {
    await net.backward(x, y);
    return (await net.gradients())['fc.weight']!.data;
  };
  const [ga, gb] = [await of(a), await of(b)];
  await net.backward(a.x, a.y, { accumulate: true });
  close(
    'sum',
    (await net.gradients())['fc.weight']!.data,
    ga.map((v, i) => v + gb[i]!),
    1e-6,
  );
  const before = (await net.weights())['fc.weight']!.data;
  const clipped = { 'fc.weight': { shape: [2, 3], data: ga.map(Math.sign) } };
  await net.setGradients(clipped);
  assert.equal((await net.gradients())['fc.weight']!.data, clipped['fc.weight'].data);
  await net.update(optimizer(sgd), 0.5);
  close(
    'weights',
    (await net.weights())['fc.weight']!.data,
    before.map((v, i) => v - 0.5 * Math.sign(ga[i]!)),
    1e-6,
  );
  assert.match(
    await refusal(() => net.setGradients({ 'fc.wait': clipped['fc.weight'] })),
    /^setGradients: no weight of the net is called 'fc\.wait'; give some of/,
  );
  net.destroy();
});

test("values are fitted by a squared error, and by a loss of one's own", async () => {
  const huber = lossOf(
    rowLoss(
      'huber',
      p => `
  for (var c = 0u; c < ${p.classes}u; c++) {
    let d = logits[at + c] - goal(c);
    loss += select(abs(d) - 0.5, 0.5 * d * d, abs(d) < 1.0);
    ${p.train ? `dlogits[at + c] = clamp(d, -1.0, 1.0) * ${1 / p.rows};` : ''}
  }`,
    ),
  );
  const x = values(8 * 3, 5);
  const y = Float32Array.from({ length: 8 }, (_, i) => 2 * x[3 * i]! - x[3 * i + 2]! + 3);
  for (const loss of ['mse', huber] as const) {
    const net = await Net.build(device, sequential({ fc: dense(1) }), { shape: [3], batch: 8, loss });
    const out = await net.forward(x);
    const first = await net.backward(x, y);
    const error = (d: number) => (loss === 'mse' ? d * d : Math.abs(d) < 1 ? 0.5 * d * d : Math.abs(d) - 0.5);
    const mean = out.reduce((sum, v, i) => sum + error(v - y[i]!), 0) / 8;
    close('first loss', [first.loss], [mean], 1e-5);
    const rule = optimizer(adam, { lr: 0.3 });
    for (let t = 0; t < 80; t++) {
      await net.update(rule, 0.3 * 0.96 ** t);
      await net.backward(x, y);
    }
    close('fit', await net.forward(x), y, 0.1);
    net.destroy();
  }
});

test("a trainer takes a loss of one's own too", async () => {
  const data = await openData(dataset, { normalize: 'meanstd' });
  const doubled: NetOptions['loss'] = (g, logits, labels, totals, o) => {
    const dlogits = losses['cross-entropy']!(g, logits, labels, totals, o);
    return dlogits && g.map('v * 2.0', dlogits);
  };
  const create = (loss: NetOptions['loss'], lr: number) =>
    Trainer.create({ device, data, model, batchSize: 16, optimizer: optimizer(sgd, { lr }), seed: 5, loss });
  const [twice, plain] = [await create(doubled, 0.05), await create('cross-entropy', 0.1)];
  for (const t of [twice, plain]) for (let i = 0; i < 5; i++) await t.step();
  const [own, wanted] = [await twice.weights(), await plain.weights()];
  for (const name of Object.keys(wanted)) close(name, own[name]!.data, wanted[name]!.data, 1e-5);
  assert.equal(Object.keys(await twice.evaluate('test')), ['loss', 'accuracy']);
  for (const t of [twice, plain]) t.destroy();
});

test('two images go through one net and their outputs are compared: the gradients are those of finite differences', async () => {
  const embed = sequential({ a: dense(5), act: tanh(), b: dense(3) });
  const pairs: Layer = (g, x) => {
    const n = x.shape[0]!;
    return reshape(g, embed(g, reshape(g, x, [2 * n, 4])), [n, 6]);
  };
  const distance = lossOf(
    rowLoss(
      'distance',
      p => `
    for (var c = 0u; c < 3u; c++) {
      let d = logits[at + c] - logits[at + 3u + c];
      loss += d * d;
      ${p.train ? `dlogits[at + c] = ${2 / p.rows} * d; dlogits[at + 3u + c] = ${-2 / p.rows} * d;` : ''}
    }`,
    ),
  );
  const net = await Net.build(device, pairs, { shape: [2, 4], batch: 6, loss: distance });
  const [x, none] = [values(48, 3), new Float32Array(36)];
  await net.backward(x, none);
  const { data } = (await net.gradients())['a.weight']!;
  const weights = await net.weights();
  const own = weights['a.weight']!;
  const lossAt = async (i: number, by: number) => {
    await net.load({ ...weights, 'a.weight': { shape: own.shape, data: Float32Array.from(own.data).fill(own.data[i]! + by, i, i + 1) } });
    return (await net.backward(x, none)).loss;
  };
  for (const i of [0, 7, 19]) {
    const slope = ((await lossAt(i, 1e-2)) - (await lossAt(i, -1e-2))) / 2e-2;
    assert.ok(Math.abs(slope - data[i]!) < 1e-3 * Math.max(1, Math.abs(slope)), `${slope} ${data[i]}`);
  }
  net.destroy();
});

test('an image is compared with one in its own shape; of class numbers the net must give one output each', async () => {
  const deep: Layer = sequential({ conv: conv2d(3, 3, { pad: 1 }) });
  const options = { shape: [1, 4, 4], batch: 2, loss: 'mse', inputGradient: true };
  const x = values(32, 4);
  const want = values(96, 5);
  const [own, flat] = await Promise.all(
    [deep, sequential({ conv: conv2d(3, 3, { pad: 1 }), flat: flatten() })].map(m => Net.build(device, m, options)),
  );
  const found = await own!.backward(x, want);
  assert.equal(found, await flat!.backward(x, want));
  assert.equal(await own!.gradients(), await flat!.gradients());
  const outputs = await own!.forward(x);
  close('loss', [found.loss], [outputs.reduce((sum, v, i) => sum + (v - want[i]!) ** 2 / 96, 0)], 1e-6);
  assert.is(
    await refusal(() => own!.backward(x, Uint8Array.of(0, 1))),
    'backward: got class numbers, and the net gives [3, 4, 4] for an input; end it with flatten() or dense(classes), or give a Float32Array',
  );
  own!.destroy();
  flat!.destroy();
});

test('nets on one device leave each other alone, and nothing behind', async () => {
  const alive = buffersOf(device.gpu);
  const build = () => Net.build(device, model, { shape: dataset.shape, batch: 8 });
  const [one, other] = [await build(), await build()];
  const { x, y } = batchOf(0, 8);
  const [a, b] = await Promise.all([one, other].map(net => net.backward(x, y)));
  assert.equal(a, b);
  await one.update(optimizer(adam));
  one.destroy();
  for (const call of [() => one.forward(x), () => one.backward(x, y), () => one.gradients(), () => one.update(optimizer(adam))]) {
    assert.is(await refusal(call), 'the model was destroyed; create it again');
  }
  assert.equal((await other.backward(x, y)).loss, b!.loss);
  other.destroy();
  assert.is(alive(), 0);
});

test('the average that an optimizer keeps is read beside the weights, which go on from where they are', async () => {
  const net = await Net.build(device, sequential({ fc: dense(2) }), { shape: [3], batch: 4 });
  const [x, y] = [values(12, 1), Uint32Array.of(0, 1, 0, 1)];
  const own = async () => (await net.weights())['fc.weight']!.data;
  const averaged = async (o: Optimizer) => (await net.weights(o))['fc.weight']!.data;
  const [rule, late] = [optimizer(sgd, { lr: 0.5 }, [ema(0.75)]), optimizer(adam, { lr: 0.1 }, [swa(2, 1)])];
  assert.is(await refusal(() => net.weights(rule)), 'weights: this sgd has not moved the net; give the optimizer that update() takes');
  assert.match(await refusal(() => net.weights(optimizer(sgd))), /^weights: sgd keeps no average; give optimizer\(rule, options, \[ema/);
  let wanted = new Float64Array(6);
  for (let t = 1; t <= 4; t++) {
    await net.backward(x, y);
    await net.update(rule);
    const now = await own();
    wanted = wanted.map((v, i) => (t === 1 ? now[i]! : 0.75 * v + 0.25 * now[i]!));
    close('average', await averaged(rule), wanted, 1e-6);
    assert.equal(await own(), now);
  }
  await net.backward(x, y);
  await net.update(late);
  assert.equal(await averaged(late), await own(), 'before the first update that counts');
  net.destroy();
});

test('a loop goes on from weights and state to the bit, in a net that is built again', async () => {
  const dropping: Layer = sequential({ a: dense(8), act: relu(), drop: dropout(0.5), b: dense(3) });
  const options = { shape: [12], batch: 6 };
  const build = async () => {
    const net = await Net.build(device, dropping, options);
    const moves = [optimizer(adam, { lr: 0.01 }, [ema(0.5)]), optimizer(rules.momentum, { lr: 0.01, momentum: 0.9 })];
    const train = async (from: number, to: number) => {
      for (let step = from; step < to; step++) {
        await net.backward(
          values(72, step),
          Uint8Array.from({ length: 6 }, (_, i) => (i + step) % 3),
        );
        await net.update(moves[step % 2]!);
      }
    };
    return { net, moves, train };
  };
  const whole = await build();
  await whole.train(0, 5);
  const [weights, state] = [await whole.net.weights(), await whole.net.state()];
  assert.equal([state.steps, state.updates], [5, { adam: 3, momentum: 2 }]);
  await whole.train(5, 9);
  const again = await build();
  await again.net.load(weights);
  await again.net.loadState(state);
  assert.equal(await again.net.state(), state, 'before a rule has moved it, too');
  const late = await build();
  await late.train(0, 2); // programs are there already
  await late.net.load(weights);
  await late.net.loadState(state);
  for (const { net, moves, train } of [again, late]) {
    await train(5, 9);
    assert.equal(await net.weights(), await whole.net.weights());
    assert.equal(await net.weights(moves[0]), await whole.net.weights(whole.moves[0]));
    assert.equal(await net.state(), await whole.net.state());
    net.destroy();
  }
  const other = await Net.build(device, sequential({ c: dense(3) }), options);
  await other.loadState(state);
  await other.backward(values(72, 1), new Uint8Array(6));
  const update = await refusal(() => other.update(whole.moves[0]!));
  assert.is(
    update,
    "optimizer state: 'adam.m.c.weight' [3, 12] is missing or of another size; the checkpoint is of another optimizer or model",
  );
  assert.is(
    await refusal(() => other.loadState(weights as never)),
    'loadState: got an object of a.weight, a.bias, b.weight, b.bias; give what state() returned',
  );
  other.destroy();
  whole.net.destroy();
});

test('a net without layers gives what it is given, and the gradient of its loss', async () => {
  const x = values(12, 1);
  for (const layer of [sequential({}), flatten()]) {
    const net = await Net.build(device, layer, { shape: [3], batch: 4, inputGradient: true });
    assert.equal(await net.forward(x), x);
    const { inputGradient } = await net.backward(x, Uint32Array.of(0, 1, 2, 0));
    assert.is(inputGradient!.length, 12);
    net.destroy();
  }
});

test.run();
