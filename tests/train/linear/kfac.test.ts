/** K-FAC: its inverses on the host, its factors and updates beside float64, and what it does for badly scaled inputs. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset, Split } from '../../../datasets/dataset.ts';
import { tanh } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm, layerNorm } from '../../../layers/norm.ts';
import type { Layer } from '../../../engine/graph.ts';
import { netRules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { bits, numbers } from '../../../optim/minimiser.ts';
import { philox, STREAMS } from '../../../shaders/kernel/random.ts';
import { openData } from '../../../train/data/data.ts';
import { dampedInverses, inverse } from '../../../train/linear/kronecker.ts';
import type { Phase } from '../../../train/step/phases/phase.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import type { TrainerOptions } from '../../../train/step/trainer-options.ts';
import { softmax } from '../../reference/activation.ts';
import { conv2d as convolved, matmul, numericGradient } from '../../reference/linear.ts';
import { layerNorm as normalised } from '../../reference/norm.ts';
import { close, deviceFor, random } from '../../support/check.ts';
import { alone } from '../../../train/distribute/alone.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('kfac');

const { kfac, sgd, adam } = netRules;

test('the inverses of damped factors are inverses, with the damping in the ratio of their sizes', () => {
  const square = (d: number, seed: number, scale: number) => {
    const x = random(d * (d + 2), seed);
    return matmul(x, x, { m: d, k: d + 2, n: d, tb: true }).map(v => scale * v);
  };
  const [inputs, outputs] = [square(5, 1, 9), square(3, 2, 0.1)];
  const trace = (a: Float64Array, d: number) => Array.from({ length: d }, (_, i) => a[i * d + i]!).reduce((a, b) => a + b) / d;
  const pi = Math.sqrt(trace(inputs, 5) / trace(outputs, 3));
  const got = dampedInverses({ inputs, outputs }, 0.04)!;
  for (const [a, b, d, damping] of [
    [inputs, got.inputs, 5, 0.2 * pi],
    [outputs, got.outputs, 3, 0.2 / pi],
  ] as const) {
    const one = Float64Array.from({ length: d * d }, (_, i) => Number(i % (d + 1) === 0));
    const damped = a.map((v, i) => v + damping * one[i]!);
    close('product', matmul(damped, b, { m: d, k: d, n: d }), one, 1e-12);
  }
  assert.is(inverse(Float64Array.of(1, 2, 2, 1)), undefined);
});

const N = 6;
const SIZE = 25;
const split: Split = {
  n: N,
  images: Uint8Array.from(random(N * SIZE, 6), v => 127.5 * (1 + v)),
  labels: Uint16Array.from([0, 1, 2, 2, 1, 0]),
};
const dataset: Dataset = { name: 'random', shape: [1, 5, 5], classes: ['a', 'b', 'c'], train: split, test: split };
const model = () =>
  sequential({
    conv: conv2d(2, 3, { stride: 2, pad: 1 }),
    norm: layerNorm(),
    tanh: tanh(),
    fc1: dense(4),
    tanh1: tanh(),
    fc2: dense(3, { bias: false }),
  });

async function trainerOf(chosen: TrainerOptions['optimizer'], more: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const device = await deviceFor('own');
  return Trainer.create({
    device,
    batchSize: N,
    shuffle: false,
    model: model(),
    optimizer: chosen,
    data: await openData(dataset),
    ...more,
  });
}

type Weights = Readonly<Record<string, Float64Array>>;
const weightsOf = async (trainer: Trainer): Promise<Weights> =>
  Object.fromEntries(Object.entries(await trainer.weights()).map(([name, { data }]) => [name, Float64Array.from(data)]));

/** Layers with factors, the places of their outputs, and the shape [outputs, inputs] of their weights. */
const LAYERS = {
  conv: { places: 9, shape: [2, 9], bias: true },
  fc1: { places: 1, shape: [4, 18], bias: true },
  fc2: { places: 1, shape: [3, 4], bias: false },
} as const;
type Name = keyof typeof LAYERS;
const NAMES = Object.keys(LAYERS) as Name[];

/** Logits of image `s`; what each layer with factors multiplies goes to `seen`, and `more` is added to the output of one. */
function forward(
  w: Weights,
  s: number,
  seen: Partial<Record<Name, Float64Array>> = {},
  more: Partial<Record<Name, Float64Array>> = {},
): Float64Array {
  const plus = (name: Name, y: Float64Array) => y.map((v, i) => v + (more[name]?.[i] ?? 0));
  const x = Float64Array.from(split.images.subarray(s * SIZE, (s + 1) * SIZE), v => v / 255);
  const at = (row: number, column: number) => (row < 0 || row > 4 || column < 0 || column > 4 ? 0 : x[row * 5 + column]!);
  seen.conv = Float64Array.from({ length: 10 * 9 }, (_, i) => {
    const [tap, place] = [Math.floor(i / 9), i % 9];
    return tap === 9 ? 1 : at(2 * Math.floor(place / 3) - 1 + Math.floor(tap / 3), 2 * (place % 3) - 1 + (tap % 3));
  });
  const conv = convolved(x, w['conv.weight']!, w['conv.bias'], { n: 1, c: 1, h: 5, w: 5, o: 2, kh: 3, kw: 3, stride: 2, pad: 1 });
  const norm = normalised(plus('conv', conv), { size: 18 }, { weight: w['norm.weight']!, bias: w['norm.bias']! });
  seen.fc1 = Float64Array.of(...norm.map(Math.tanh), 1);
  const fc1 = matmul(w['fc1.weight']!, seen.fc1, { m: 4, k: 18, n: 1 }).map((v, i) => v + w['fc1.bias']![i]!);
  seen.fc2 = plus('fc1', fc1).map(Math.tanh);
  return plus('fc2', matmul(w['fc2.weight']!, seen.fc2, { m: 3, k: 4, n: 1 }));
}

const lossAt = (w: Weights, s: number, label: number, more?: Partial<Record<Name, Float64Array>>): number =>
  -Math.log(softmax(forward(w, s, {}, more), 3)[label]!);

/** The label that the net draws for image `s` of micro-batches of three. */
function drawn(w: Weights, step: number, s: number): number {
  const [word] = philox([s % 3, (step - 1) * 2 + Math.floor(s / 3) + 1, 0, 0], [SEED, STREAMS.fisher]);
  let rest = (word >>> 8) / 2 ** 24;
  return softmax(forward(w, s), 3).findIndex(p => (rest -= p) < 0);
}
const SEED = 5;
const HYPER = { lr: 0.1, momentum: 0.9, damping: 0.02, decay: 0.4, every: 1, kl: 1e-3 };

/** The factors of a layer on the batch of a step. */
function factorsOf(w: Weights, step: number, name: Name) {
  const { places, shape, bias } = LAYERS[name];
  const [o, d] = [shape[0], shape[1] + Number(bias)];
  const [inputs, outputs] = [new Float64Array(d * d), new Float64Array(o * o)];
  for (let s = 0; s < N; s++) {
    const seen: Partial<Record<Name, Float64Array>> = {};
    forward(w, s, seen);
    const label = drawn(w, step, s);
    const slope = numericGradient(z => lossAt(w, s, label, { [name]: z }), new Float64Array(o * places));
    const add = (to: Float64Array, x: Float64Array, count: number) =>
      matmul(x, x, { m: Math.sqrt(to.length), k: places, n: Math.sqrt(to.length), tb: true }).forEach((v, i) => (to[i]! += v / count));
    add(inputs, seen[name]!, N);
    add(outputs, slope, N * places);
  }
  return { inputs, outputs };
}

test('factors and two steps of a convolution, a norm and two dense layers are those of float64', async () => {
  const trainer = await trainerOf(optimizer(kfac!, HYPER), { accumulate: 2, seed: SEED });
  let w = await weightsOf(trainer);
  const v: Record<string, Float64Array> = {};
  const factors: Partial<Record<Name, ReturnType<typeof factorsOf>>> = {};
  for (const step of [1, 2]) {
    const slopes = Object.fromEntries(
      Object.entries(w).map(([name, at]) => [
        name,
        numericGradient(x => split.labels.reduce((sum, label, s) => sum + lossAt({ ...w, [name]: x }, s, label), 0) / N, at),
      ]),
    );
    const share = Math.min(1 - 1 / step, HYPER.decay);
    let size = 0;
    const moves: Record<string, Float64Array> = { ...slopes };
    for (const name of NAMES) {
      const { shape, bias } = LAYERS[name];
      const [o, d] = [shape[0], shape[1] + Number(bias)];
      const fresh = factorsOf(w, step, name);
      const before = factors[name] ?? fresh;
      const mean = (of: keyof typeof fresh) => fresh[of].map((f, i) => share * before[of][i]! + (1 - share) * f);
      factors[name] = { inputs: mean('inputs'), outputs: mean('outputs') };
      const inverses = dampedInverses(factors[name]!, HYPER.damping)!;
      const [g, b] = [slopes[`${name}.weight`]!, slopes[`${name}.bias`]];
      const joined = Float64Array.from({ length: o * d }, (_, i) =>
        b && i % d === d - 1 ? b[Math.floor(i / d)]! : g[Math.floor(i / d) * shape[1] + (i % d)]!,
      );
      const moved = matmul(matmul(inverses.outputs, joined, { m: o, k: o, n: d }), inverses.inputs, { m: o, k: d, n: d });
      size += moved.reduce((sum, x, i) => sum + x * joined[i]!, 0);
      moves[`${name}.weight`] = moved.filter((_, i) => i % d < shape[1]);
      if (b) moves[`${name}.bias`] = moved.filter((_, i) => i % d === d - 1);
    }
    const nu = Math.min(1, Math.sqrt(HYPER.kl / (HYPER.lr ** 2 * size)));
    assert.ok(nu < 0.9, `the bound acts: ${nu}`);
    w = Object.fromEntries(
      Object.entries(w).map(([name, at]) => {
        const scale = name.startsWith('norm') ? 1 : nu;
        v[name] = moves[name]!.map((x, i) => HYPER.momentum * (v[name]?.[i] ?? 0) + scale * x);
        return [name, at.map((x, i) => x - HYPER.lr * v[name]![i]!)];
      }),
    );
    await trainer.step();
    const { tensors } = await trainer.state();
    for (const name of NAMES) {
      for (const of of ['inputs', 'outputs'] as const) {
        close(`${name} ${of} ${step}`, numbers(tensors[`phase 1.${name}.weight.${of}`]!.data as Float32Array), factors[name]![of], 1e-5);
      }
    }
    const got = await weightsOf(trainer);
    for (const [name, at] of Object.entries(w)) close(`${name} after ${step}`, got[name]!, at, 1e-5);
  }
  trainer.destroy();
});

/** Float64 as bits looks like NaN to a comparison. */
const bytes = async (trainer: Trainer) =>
  Object.entries((await trainer.state()).tensors).map(([name, { data }]) => [
    name,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
  ]);

test('stopped between two estimates, in its phase after another, it goes on bitwise as if it never had', async () => {
  const phases: Phase[] = [{ optimizer: optimizer(adam!), steps: 2 }, { optimizer: optimizer(kfac!, { ...HYPER, every: 2 }) }];
  const make = () => trainerOf(phases, { batchSize: 3 });
  const [whole, first, second] = [await make(), await make(), await make()];
  for (let t = 0; t < 8; t++) await whole.step();
  for (let t = 0; t < 5; t++) await first.step();
  await second.loadWeights(await first.weights());
  await second.loadState(await first.state());
  for (let t = 0; t < 3; t++) await second.step();
  assert.equal(await second.weights(), await whole.weights());
  assert.equal(await bytes(second), await bytes(whole));
  const wrong = { ...(await first.state()) };
  const tensors = { ...wrong.tensors, 'phase 2.fc1.weight.inputs': { shape: [2], data: bits([1]) } };
  assert.match(
    await refusal(() => second.loadState({ ...wrong, tensors })),
    /^optimizer state: 'fc1.weight.inputs' is missing or of another size/,
  );
  for (const t of [whole, first, second]) t.destroy();
});

test('an estimate leaves running statistics to the steps', async () => {
  const net = () => sequential({ conv: conv2d(2, 3), norm: batchNorm(), fc: dense(3) });
  const [one, other] = [
    await trainerOf(optimizer(kfac!, { lr: 0 }), { model: net() }),
    await trainerOf(optimizer(sgd!, { lr: 0 }), { model: net() }),
  ];
  for (const t of [one, other]) await t.step();
  assert.equal(await one.weights(), await other.weights());
  for (const t of [one, other]) t.destroy();
});

test('on inputs whose condition number is 1,000 it is there in few steps, and descent at its best rate is not', async () => {
  const n = 64;
  const scales = [1, 0.3, 0.1, 1 / Math.sqrt(1000)];
  const images = Float32Array.from(random(n * 4, 3), (v, i) => Math.sqrt(3) * v * scales[i % 4]!);
  const targets = Float32Array.from({ length: n }, (_, s) => scales.reduce((sum, scale, i) => sum + images[4 * s + i]! / scale, 0));
  const points: Split = { n, images, labels: new Uint16Array(n), targets };
  const data = await openData({
    name: 'line',
    shape: [4, 1, 1],
    classes: [],
    outputs: ['y'],
    dtype: 'float32',
    train: points,
    test: points,
  });
  const after = async (chosen: TrainerOptions['optimizer'], steps: number) => {
    const trainer = await trainerOf(chosen, { data, batchSize: n, model: dense(1) });
    for (let t = 0; t < steps; t++) await trainer.step();
    const { loss } = await trainer.evaluate('train');
    trainer.destroy();
    return loss;
  };
  const fast = await after(optimizer(kfac!, { lr: 1, momentum: 0, damping: 1e-8, every: 1, kl: 0 }), 8);
  const slow = await after(optimizer(sgd!, { lr: 2 / (2 * 1.001) }), 200);
  assert.ok(fast < 1e-4 && slow > 100 * fast, `K-FAC ${fast} after 8 steps, descent ${slow} after 200`);
});

test('says for what it is not', async () => {
  const said = (more: Partial<TrainerOptions>, model?: Layer) =>
    refusal(() => trainerOf(optimizer(kfac!), { ...more, ...(model && { model }) }));
  assert.match(
    await said({ loss: 'hinge' }),
    /^optimizer kfac: draws targets from what the net predicts, and a loss hinge has no distribution of them; take loss/,
  );
  assert.match(
    await said({ classWeights: [1, 1, 2] }),
    /^optimizer kfac: draws targets of whole batches in f32, which classWeights does not go with; leave/,
  );
  assert.match(await said({ exchange: alone() }), /^optimizer kfac: .*, which distribute does not go with; leave/);
  assert.match(
    await said({}, sequential({ fc: dense(1100), out: dense(3) })),
    /^optimizer kfac: a factor of fc has 1100 rows, whose inverse takes too long; have 1024/,
  );
  assert.match(
    await said({ frozen: name => name.startsWith('conv') || name.startsWith('fc') }),
    /^optimizer kfac: none of the layers that are trained is dense/,
  );
});

test.run();
