/** Muon: its steps beside float64, singular values after an iteration, and what comes before and around the matrices. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relu } from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { batchNorm } from '../../layers/norm.ts';
import { maxPool } from '../../layers/pool.ts';
import { netRules } from '../../optim/index.ts';
import type { GroupOptions } from '../../optim/groups.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { clipNorm, gradNoise, type Piece } from '../../optim/pieces.ts';
import { openData } from '../../train/data/data.ts';
import { Net } from '../../train/net/net.ts';
import { Trainer } from '../../train/step/trainer.ts';
import type { TrainerOptions } from '../../train/step/trainer-options.ts';
import { matmul } from '../reference/linear.ts';
import { close, deviceFor, random } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';
import { tinyImages } from '../support/tiny-images.ts';

const test = suite('muon');
const device = await deviceFor();
const muon = netRules.muon!;
const dataset = tinyImages(64);
/** A matrix with more columns than rows, one with more rows, and the last, which is none. */
const model = () =>
  sequential({ conv: conv2d(4, 3), bn: batchNorm(), relu: relu(), pool: maxPool(5), fc1: dense(20), relu1: relu(), fc2: dense(3) });
const HYPER = { lr: 0.1, momentum: 0.6, momentum_beside: 0.85, weight_decay: 0.2, ns_steps: 5, eps: 1e-7, normalize: 0 };
type Hyper = typeof HYPER;

const norm = (x: Float64Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** Newton-Schulz iterations of x [rows, columns] in float64. */
function iterated(x: Float64Array, rows: number, columns: number, { ns_steps, eps }: Hyper): Float64Array {
  let y: Float64Array = x.map(v => v / Math.max(norm(x), eps));
  const isWide = rows <= columns;
  const [d, k] = isWide ? [rows, columns] : [columns, rows];
  for (let i = 0; i < ns_steps; i++) {
    const a = matmul(y, y, { m: d, k, n: d, ...(isWide ? { tb: true } : { ta: true }) });
    const aa = matmul(a, a, { m: d, k: d, n: d });
    const p = a.map((v, j) => (j % (d + 1) ? 0 : 3.4445) - 4.775 * v + 2.0315 * aa[j]!);
    y = isWide ? matmul(p, y, { m: d, k: d, n: k }) : matmul(y, p, { m: k, k: d, n: d });
  }
  return y;
}

/** What update number `t` does to a parameter in float64; `v` is kept. */
function moved(w: Float64Array, g: Float64Array, v: Float64Array, shape: readonly number[], isMatrix: boolean, h: Hyper): Float64Array {
  const momentum = isMatrix ? h.momentum : h.momentum_beside;
  v.forEach((old, i) => (v[i] = momentum * old + g[i]!));
  const along = g.map((value, i) => value + momentum * v[i]!);
  const rows = shape[0]!;
  const columns = w.length / rows;
  const longer = Math.sqrt(Math.max(1, rows / columns));
  const step = isMatrix ? iterated(along, rows, columns, h).map(value => longer * value) : along;
  const scaled = isMatrix && h.normalize ? w.map(value => (value * Math.sqrt(rows)) / norm(w)) : w;
  return scaled.map((value, i) => value * (1 - h.lr * h.weight_decay) - h.lr * step[i]!);
}

/** A net with gradients in memory, its weights, and gradients of the same shapes. */
async function netWithGradients() {
  const net = await Net.build(device, model(), { shape: dataset.shape, batch: 8 });
  const size = dataset.train.images.length / dataset.train.n;
  await net.backward(
    Float32Array.from(dataset.train.images.subarray(0, 8 * size), v => v / 255),
    Uint32Array.from(dataset.train.labels.subarray(0, 8)),
  );
  const shapes = await net.gradients();
  const given = (seed: number) =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, { shape, data }], i) => [name, { shape, data: Float32Array.from(random(data.length, seed + i)) }]),
    );
  return { net, given };
}

for (const [what, hyper] of [
  ['as PyTorch has it', HYPER],
  ['of normalised matrices in three iterations', { ...HYPER, ns_steps: 3, normalize: 1 }],
  ['in one', { ...HYPER, ns_steps: 1, weight_decay: 0 }],
] as const) {
  test(`a step ${what} is that of float64`, async () => {
    const { net, given } = await netWithGradients();
    const chosen = optimizer(muon, hyper);
    const kept: Record<string, Float64Array> = {};
    for (const seed of [1, 100]) {
      const [gradients, before] = [given(seed), await net.weights()];
      await net.setGradients(gradients);
      await net.update(chosen);
      const after = await net.weights();
      for (const [name, { shape, data }] of Object.entries(gradients)) {
        const isMatrix = name === 'conv.weight' || name === 'fc1.weight';
        kept[name] ??= new Float64Array(data.length);
        const want = moved(Float64Array.from(before[name]!.data), Float64Array.from(data), kept[name], shape, isMatrix, hyper);
        close(name, after[name]!.data, want, 2e-5);
      }
    }
    net.destroy();
  });
}

test('what it made its directions of is a gradient no more, for whoever reads it, adds to it or moves by it again', async () => {
  const { net, given } = await netWithGradients();
  const chosen = optimizer(muon, HYPER);
  await net.update(chosen);
  const spent = /muon has made its directions of the gradients; call backward, or give all to setGradients$/;
  assert.match(await refusal(() => net.gradients()), spent);
  assert.match(await refusal(() => net.update(chosen)), spent);
  const x = new Float32Array(8 * dataset.shape.reduce((a, b) => a * b, 1));
  assert.match(await refusal(() => net.backward(x, new Uint32Array(8), { accumulate: true })), spent);
  const { 'fc1.weight': one } = given(5);
  await net.setGradients({ 'fc1.weight': one! });
  assert.match(await refusal(() => net.update(chosen)), spent);
  await net.setGradients(given(5));
  await net.update(chosen);
  await net.backward(x, new Uint32Array(8));
  await net.update(chosen);
  net.destroy();
});

test('five iterations leave a matrix of any spectrum with singular values about 1: its products with itself have a mean diagonal of that', async () => {
  const { net, given } = await netWithGradients();
  const before = await net.weights();
  await net.setGradients(given(3));
  await net.update(optimizer(muon, { ...HYPER, lr: 1, weight_decay: 0 }));
  const after = await net.weights();
  const step = Float64Array.from(before['conv.weight']!.data, (v, i) => v - after['conv.weight']!.data[i]!);
  const products = matmul(step, step, { m: 4, k: 9, n: 4, tb: true });
  for (let i = 0; i < 16; i++) {
    const isDiagonal = i % 5 === 0;
    assert.ok(isDiagonal ? products[i]! > 0.45 && products[i]! < 1.5 : Math.abs(products[i]!) < 0.4, `${i}: ${products[i]}`);
  }
  net.destroy();
});

const trained = async (pieces: readonly Piece[], grouped: GroupOptions, more: Partial<TrainerOptions> = {}, steps = 3) => {
  const trainer = await Trainer.create({
    device,
    batchSize: 16,
    model: model(),
    optimizer: optimizer(muon, { lr: 0.05, weight_decay: 0 }, pieces, grouped),
    data: await openData(dataset),
    ...more,
  });
  for (let i = 0; i < steps; i++) await trainer.step();
  const weights = await trainer.weights();
  trainer.destroy();
  return Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, Float32Array.from(data)]));
};

test('the gradient is clipped before it becomes a direction, whose length is no matter to a matrix', async () => {
  const [free, clipped] = [await trained([], {}, {}, 1), await trained([clipNorm(1e-4)], {}, {}, 1)];
  for (const matrix of ['conv.weight', 'fc1.weight']) close(matrix, clipped[matrix]!, free[matrix]!, 1e-5);
  const start = await trained([], {}, { optimizer: optimizer(muon, { lr: 0 }) });
  const far = (w: typeof free) => norm(Float64Array.from(w['fc2.weight']!, (v, i) => v - start['fc2.weight']![i]!));
  assert.ok(far(clipped) < 1e-3 * far(free), `${far(clipped)} of ${far(free)}`);
});

test('noise stays out of the gaps between parameters, where it grew from step to step until the norm of all gradients was its own', async () => {
  const clip = clipNorm(100); // above all that gradients here reach
  const [without, noisy] = [await trained([clip], {}, withoutNorm, 60), await trained([clip, gradNoise(1e-16)], {}, withoutNorm, 60)];
  for (const name of Object.keys(without)) close(name, noisy[name]!, without[name]!, 1e-2);
});

test('groups have rates of their own, and a rate that is 0 leaves a matrix where it was', async () => {
  const start = await trained([], {}, { optimizer: optimizer(muon, { lr: 0 }) });
  const still = await trained([], { lr: { factors: [0], of: name => (name === 'fc1.weight' ? 0 : 1) } });
  assert.equal(still['fc1.weight'], start['fc1.weight']);
  assert.not.equal(still['conv.weight'], start['conv.weight']);
});

test('micro-batches give the step of the whole batch', async () => {
  const [whole, parts] = [await trained([], {}, withoutNorm), await trained([], {}, { ...withoutNorm, accumulate: 2 })];
  for (const name of Object.keys(whole)) close(name, parts[name]!, whole[name]!, 1e-5);
});
const withoutNorm: Partial<TrainerOptions> = { model: sequential({ conv: conv2d(4, 3), relu: relu(), pool: maxPool(2), fc: dense(3) }) };

test('half precision is refused', async () => {
  assert.match(
    await refusal(() => trained([], {}, { half: true })),
    /^optimizer muon: makes matrices orthogonal in f32, which precision f16/,
  );
});

test.run();
