/** A loop by hand: the gradients are PyTorch's and finite differences', the steps those of a trainer. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../../engine/graph.ts';
import { relu, tanh } from '../../../layers/activation.ts';
import { flatten, sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { lossOf, losses } from '../../../layers/loss.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { maxPool } from '../../../layers/pool.ts';
import { models } from '../../../models/index.ts';
import { optimizer, type Optimizer } from '../../../optim/optimizer.ts';
import { ema, swa } from '../../../optim/pieces.ts';
import { netRules, rules } from '../../../optim/index.ts';
import { rowLoss } from '../../../shaders/update/loss.ts';
import { openData } from '../../../train/data/data.ts';
import { Net, type Targets } from '../../../train/net/net.ts';
import type { NetOptions } from '../../../train/net/programs.ts';
import type { LoadOptions } from '../../../train/evaluate/match.ts';
import type { Tensors } from '../../../train/run/safetensors.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { buffersOf } from '../../support/buffers-of.ts';
import { close, deviceFor, random } from '../../support/check.ts';
import { fashionMnist, vectors } from '../../support/lenet-run.ts';
import { refusal } from '../../support/refusal.ts';
import { tinyImages } from '../../support/tiny-images.ts';
import { readTensors } from '../../vectors/read.ts';

const test = suite('net');
const device = await deviceFor();
const { adam, sgd } = rules;
const dataset = tinyImages(64);
const SIZE = 144;
const model: Layer = sequential({ conv1: conv2d(4, 3), bn1: batchNorm(), act1: relu(), pool1: maxPool(2), fc: dense(3) });
/** Images `from` to `from + n` of the data set as x/255, and their classes. */
const batchOf = (from: number, n: number) => ({
  x: Float32Array.from(dataset.train.images.subarray(from * SIZE, (from + n) * SIZE), v => v / 255),
  y: Uint32Array.from(dataset.train.labels.subarray(from, from + n)),
});
const values = (n: number, seed: number) => Float32Array.from(random(n, seed));

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

test('weights that have no gradients are not updated, which is said', async () => {
  for (const mode of ['evaluated', 'drawn'] as const) {
    const net = await Net.build(device, sequential({ fc: dense(2) }), { shape: [3], batch: 4, mode, inputGradient: true });
    await net.backward(values(12, 1), Uint32Array.of(0, 1, 0, 1));
    assert.match(
      await refusal(() => net.update(optimizer(sgd))),
      /^update: no weight of the net has a gradient; build it in mode 'training', /,
    );
    net.destroy();
  }
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

test('what is given wrongly is said in words', async () => {
  const net = await Net.build(device, model, { shape: dataset.shape, batch: 8 });
  const { x, y } = batchOf(0, 8);
  const said = (call: () => unknown) => refusal(call);
  assert.match(await said(() => net.gradients()), /^gradients: there are no gradients; call backward first$/);
  assert.match(await said(() => net.update(optimizer(adam))), /^update: there are no gradients/);
  assert.match(await said(() => net.backward(x, y, { accumulate: true })), /^backward: there are no gradients to add to/);
  assert.match(
    await said(() => net.backward(x.subarray(1), y)),
    /^backward: got 1151 values of the class Float32Array; give a Float32Array of \[8, 1, 12, 12\]/,
  );
  assert.match(await said(() => net.backward(x, Uint32Array.of(1))), /^backward: got 1 values/);
  const other = (o: unknown) => said(() => net.backward(x, y, o as { accumulate: boolean }));
  assert.is(await other({ acumulate: true }), "unknown option of backward 'acumulate'; did you mean 'accumulate'? known: accumulate");
  assert.is(await other(null), 'backward: got null; give options as { accumulate }');
  assert.match(
    await said(async () => net.load(await net.weights(), { strickt: false } as LoadOptions)),
    /^unknown option of loading 'strickt'; /,
  );
  assert.match(
    await said(() =>
      net.backward(
        x,
        y.map(() => 3),
      ),
    ),
    /^backward: the class of input 0 is 3, and there are 3 outputs; give 0 to 2$/,
  );
  for (const [wrong, shown] of [
    [Float64Array.of(0, 0.5, 1, 0, 1, 2, 0, 1), '0.5'],
    [BigInt64Array.of(0n, 1n, 1n, 0n, 1n, 2n, 0n, 1n), '0n'],
  ] as const) {
    const message = new RegExp(`^backward: the class of input \\d is ${shown}, and there are 3 outputs; give 0 to 2$`);
    assert.match(await said(() => net.backward(x, wrong as unknown as Targets)), message);
  }
  const signed = Int32Array.of(0, 1, -1, 0, 1, 2, 0, 1) as unknown as Targets;
  assert.match(await said(() => net.backward(x, signed)), /^backward: the class of input 2 is -1, and there are 3 outputs; give 0 to 2$/);
  assert.match(await said(() => net.backward(x, new Float32Array(16))), /^loss: labels are \[8, 2\], expected class numbers or \[8, 3\]/);
  assert.match(await said(() => net.forward([1, 2] as unknown as Float32Array)), /^forward: got of the class Array; give a Float32Array/);
  await net.backward(x, y);
  assert.is(
    await said(() => net.setGradients(undefined as unknown as Tensors)),
    'setGradients: got undefined; give them as gradients() does',
  );
  await net.update(optimizer(adam));
  assert.match(await said(() => net.update(optimizer(adam))), /^update: another adam moves this net; make the optimizer once/);
  assert.match(
    await said(() => net.update('adam' as unknown as ReturnType<typeof optimizer>)),
    /^optimizer: 'adam' is none for a loop by hand; /,
  );
  assert.match(
    await said(() => net.update(adam as unknown as ReturnType<typeof optimizer>)),
    /^optimizer: an object of name, .* is none for a loop by hand; give optimizer\(rules\.adam, /,
  );
  assert.match(
    await said(() => net.weights(netRules.asgd as unknown as ReturnType<typeof optimizer>)),
    /^weights: an object of name, .* keeps no average; /,
  );
  for (const name of ['newton-diagonal', 'lsgd', 'kfac']) {
    assert.match(await said(() => net.update(optimizer(netRules[name]!))), new RegExp(`^optimizer: ${name} is none for a loop by hand; `));
  }
  net.destroy();
  const built = (o: Partial<NetOptions>, layer: Layer = model) =>
    refusal(() => Net.build(device, layer, { shape: [1, 12, 12], batch: 8, ...o }));
  assert.match(await built({ batch: 0 }), /^batch: it is 0; /);
  assert.is(await built({ mode: 'eval' as 'evaluated' }), "mode: it is 'eval'; give one of training, evaluated, drawn");
  for (const seed of [1.5, -1, NaN, '3'])
    assert.match(await built({ seed: seed as number }), /^seed: it is .*; give a whole number from 0 on$/);
  assert.match(await built({ inputGradient: 'yes' as unknown as boolean }), /^Net.build: inputGradient is 'yes'; give a boolean$/);
  assert.match(await built({ shape: 12 as unknown as number[] }), /^shape: it is 12; /);
  assert.match(await built({}, models.lenet5 as unknown as Layer), /^model: it is a function that makes a layer, and was not called; /);
});

test.run();
