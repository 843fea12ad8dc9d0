import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listAdapters } from '../../engine/node/adapters.ts';
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import { sequential } from '../../layers/compose.ts';
import { dense } from '../../layers/dense.ts';
import { layerNorm } from '../../layers/norm.ts';
import { rules } from '../../optim/index.ts';
import { matrices } from '../../optim/orthogonal.ts';
import { optimizer } from '../../optim/optimizer.ts';
import {
  clipNorm,
  clipValue,
  ema,
  gradNoise,
  l1,
  l1Proximal,
  lookahead,
  maxNorm,
  swa,
  weightDecay,
  type Piece,
} from '../../optim/pieces.ts';
import { philox } from '../../shaders/kernel/random.ts';
import { close, deviceFor, random, WAYS, type Way } from '../support/check.ts';
import { follow, optimizers } from '../reference/optimizers.ts';
import * as reference from '../reference/regularise.ts';
import { torchOptimizer } from '../support/torch-optimizer.ts';
import { refusal } from '../support/refusal.ts';
import { bench, given, moved, SIZE } from '../support/updates.ts';
import { readOptimizers } from '../vectors/read.ts';
import { vectorUniform } from '../vectors/weights.ts';

const test = suite('optimizers');

const vectors = readOptimizers();

for (const v of vectors.optimizers) {
  test(`${v.name} ${JSON.stringify(v.options)} follows PyTorch over 30 steps`, async () => {
    const pad = (a: ArrayLike<number>) => [...Array.from(a), ...Array<number>(SIZE - vectors.weights).fill(0)];
    const b = await bench(torchOptimizer(v.name, { ...v.options, lr: v.lr }), 'own', pad(vectorUniform('weight', vectors.weights)));
    for (let t = 1; t <= vectors.updates; t++) {
      const w = await b.step(t, pad(vectorUniform(`gradient/${t}`, vectors.weights)));
      if (v.after[t]) close(`step ${t}`, w.subarray(0, vectors.weights), v.after[t]!, 1e-5);
    }
    if (v.average) close('average', (await b.readState('ax')).slice(0, vectors.weights), v.average, 1e-5);
    b.destroy();
  });
}

test('every rule has a reference, and a schedule of the momentum replaces one of its hyper-parameters', () => {
  assert.equal(Object.keys(rules).sort(), Object.keys(optimizers).sort());
  for (const { name, cycled = 'lr', hyper } of Object.values(rules)) {
    assert.ok(cycled in hyper, `${name}: ${cycled} is none of its hyper-parameters`);
  }
});

for (const rule of Object.values(rules)) {
  for (const way of WAYS) {
    test(`${rule.name} follows its reference, ${way}`, async () => {
      const gradient = (t: number) => random(SIZE, 100 + t);
      const curvature = (t: number) => random(SIZE, 200 + t);
      const start = random(SIZE, 5);
      const { probes: _, epsilon: __, ...options } = optimizer(rule).hyper;
      const want = follow(
        rule.name,
        start,
        (_, t) => gradient(t),
        12,
        options,
        (_, t) => curvature(t),
      );
      const b = await bench(optimizer(rule), way, start);
      for (let t = 1; t <= 12; t++) {
        if (rule.probes) b.writeState('h', curvature(t));
        close(`step ${t}`, await b.step(t, gradient(t)), want[t - 1]!.w, 1e-4);
      }
      b.destroy();
    });
  }
}

const weights = new Set([...Array(15).keys(), ...Array.from({ length: 8 }, (_, i) => 18 + i)]);
/** One step of descent at rate 0.1 with `pieces`: what is expected of the weights from gradient and weights. */
const cases: readonly (readonly [
  what: string,
  pieces: Piece[],
  expected: (g: Float64Array, w: Float64Array) => Float64Array,
  options?: { decayBias?: boolean; summed?: number },
])[] = [
  ['clip by norm', [clipNorm(1)], (g, w) => moved(w, reference.clipNorm(g, 1))],
  ['clip by a norm that is not reached', [clipNorm(100)], (g, w) => moved(w, reference.clipNorm(g, 100))],
  ['clip by value', [clipValue(0.3)], (g, w) => moved(w, reference.clipValue(g, 0.3))],
  ['clip by norm, then by value', [clipNorm(2), clipValue(0.3)], (g, w) => moved(w, reference.clipValue(reference.clipNorm(g, 2), 0.3))],
  ['L2', [weightDecay(0.2)], (g, w) => moved(w, reference.penalise(g, w, { l2: 0.2 }))],
  ['L1', [l1(0.2)], (g, w) => moved(w, reference.penalise(g, w, { l1: 0.2 }))],
  ['L1 by soft threshold', [l1Proximal(3)], (g, w) => moved(w, g).map(v => (Math.abs(v) <= 0.3 ? 0 : v - Math.sign(v) * 0.3))],
  [
    'L1 by soft threshold, without biases, then max-norm',
    [l1Proximal(1), maxNorm(0.5)],
    (g, w) => {
      const all = moved(w, g).map((v, i) => (weights.has(i) ? Math.sign(v) * Math.max(0, Math.abs(v) - 0.1) : v));
      return Float64Array.from([
        ...reference.maxNorm(all.subarray(0, 15), 3, 0.5),
        ...all.subarray(15, 18),
        ...reference.maxNorm(all.subarray(18), 2, 0.5),
      ]);
    },
    { decayBias: false },
  ],
  [
    'elastic net after a clip',
    [clipNorm(1), weightDecay(0.3), l1(0.2)],
    (g, w) => moved(w, reference.penalise(reference.clipNorm(g, 1), w, { l2: 0.3, l1: 0.2 })),
  ],
  [
    'L2 without biases',
    [weightDecay(0.5)],
    (g, w) =>
      moved(
        w,
        reference.penalise(
          g,
          w.map((v, i) => (weights.has(i) ? v : 0)),
          { l2: 0.5 },
        ),
      ),
    { decayBias: false },
  ],
  [
    'mean over micro-batches, then the clip',
    [clipNorm(0.5)],
    (g, w) =>
      moved(
        w,
        reference.clipNorm(
          g.map(v => v / 4),
          0.5,
        ),
      ),
    { summed: 4 },
  ],
  [
    'max-norm of each unit',
    [maxNorm(0.8)],
    (g, w) => {
      const all = moved(w, g);
      return Float64Array.from([
        ...reference.maxNorm(all.subarray(0, 15), 3, 0.8),
        ...all.subarray(15, 18),
        ...reference.maxNorm(all.subarray(18), 2, 0.8),
      ]);
    },
  ],
];
for (const [what, pieces, expected, { summed, ...options } = {}] of cases) {
  test(what, async () => {
    for (const way of WAYS) {
      const start = random(SIZE, 5);
      const b = await bench(optimizer(rules.sgd!, {}, pieces, options), way, start, summed);
      close(way, await b.step(1, given(1)), expected(given(1), start), 1e-6);
      b.destroy();
    }
  });
}

test('the soft threshold gives exact zeros, and keeps NaN', async () => {
  const start = Float64Array.from(random(SIZE, 5));
  start[3] = NaN;
  const b = await bench(optimizer(rules.sgd!, {}, [l1Proximal(3)]), 'own', start);
  const w = await b.step(1, given(1));
  const small = [...moved(start, given(1))].flatMap((v, i) => (Math.abs(v) < 0.299 ? [i] : []));
  assert.ok(small.length > 2);
  for (const i of small) assert.is(w[i], 0);
  assert.ok(Number.isNaN(w[3]!));
  b.destroy();
});

test('decoupled decay leaves out biases too', async () => {
  const start = random(SIZE, 5);
  const zero = new Float64Array(SIZE);
  const b = await bench(optimizer(rules.adamw!, { lr: 0.1, weight_decay: 0.5 }, [], { decayBias: false }), 'own', start);
  close(
    'weights',
    await b.step(1, zero),
    start.map((v, i) => (weights.has(i) ? v * 0.95 : v)),
    1e-6,
  );
  b.destroy();
});

test('a layer norm of images has no matrices, whatever the shape of its weight: no decay, no max-norm, no orthogonal steps', async () => {
  const chosen = optimizer(rules.sgd!, { lr: 0.1 }, [weightDecay(1), maxNorm(0.01)], { decayBias: false });
  const device = await deviceFor();
  const memory = new Memory(device);
  const g = new Graph({ training: true, profile: device.profile });
  sequential({ norm: layerNorm(), fc1: dense(2), fc2: dense(2) })(g, g.persistent('input', 'x', [1, 2, 3, 3]));
  const params = [...g.params.values()];
  assert.equal(
    matrices(params).map(({ value }) => value.name),
    ['fc1.weight'],
  );
  memory.reserve(g);
  chosen.addTo(g, memory.layout);
  const program = await Program.compile(memory, g);
  for (const { value, grad } of params) {
    memory.write(value, new Float32Array(value.size).fill(0.3));
    memory.write(grad, new Float32Array(grad.size));
  }
  program.run({ ...chosen.values(1, 0.1), seed: 0, step: 1 });
  for (const { value } of params) {
    const norm = 0.01 / Math.sqrt(value.size / value.shape[0]!);
    const isWeight = /fc.*weight/.test(value.name);
    close(value.name, await memory.read(value), Array<number>(value.size).fill(isWeight ? norm : 0.3), 1e-6);
  }
  program.destroy();
  memory.destroy();
});

test('gradient noise is N(0, eta / (1 + t)^0.55), the same again for the same seed and step', async () => {
  const zero = new Float64Array(SIZE);
  const noise = async (t: number) => {
    const b = await bench(optimizer(rules.sgd!, { lr: 1 }, [gradNoise(0.09)]), 'own', zero);
    const w = await b.step(t, zero);
    b.destroy();
    return w.map(v => -v);
  };
  const [first, again, later] = [await noise(1), await noise(1), await noise(8)];
  assert.equal(first, again);
  assert.not.equal(first, later);
  const at = (k: number, step: number) => {
    // value k of a page, as Box-Muller on the words of Philox
    const [a, b, c, d] = philox([k >> 2, step, 0, 0], [3, 0x6e6f6973]).map(word => ((word >>> 8) + 0.5) / 2 ** 24) as [
      number,
      number,
      number,
      number,
    ];
    const normal = [
      Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * c),
      Math.sqrt(-2 * Math.log(b)) * Math.cos(2 * Math.PI * d),
      Math.sqrt(-2 * Math.log(a)) * Math.sin(2 * Math.PI * c),
      Math.sqrt(-2 * Math.log(b)) * Math.sin(2 * Math.PI * d),
    ];
    return normal[k & 3]! * reference.noiseDeviation(0.09, step - 1);
  };
  close(
    'first tensor',
    first.subarray(0, 15),
    Array.from({ length: 15 }, (_, k) => at(k, 1)),
    1e-5,
  );
  close(
    'at a later step',
    later.subarray(0, 15),
    Array.from({ length: 15 }, (_, k) => at(k, 8)),
    1e-5,
  );
});

test('the number of dispatches does not depend on the number of tensors', async () => {
  const count = async (pieces: Piece[], { decayBias = true, summed = 1 } = {}) => {
    const b = await bench(optimizer(rules.adam!, {}, pieces, { decayBias }), 'own', undefined, summed);
    const n = b.program.commands.length;
    b.destroy();
    return n;
  };
  assert.is(await count([]), 1);
  assert.is(await count([clipNorm(1), clipValue(1), gradNoise(0.1), weightDecay(0.1), l1(0.1), ema(0.9)], { summed: 2 }), 3);
  assert.is(await count([weightDecay(0.1)], { decayBias: false }), 1);
  assert.is(await count([maxNorm(1), ema(0.9)]), 3);
});

test('a momentum given for a step replaces the hyper-parameter', async () => {
  const start = random(SIZE, 5);
  const b = await bench(optimizer(rules.momentum!, { lr: 0.1 }), 'own', start);
  const after = await b.step(1, given(1));
  const v = given(1);
  close(
    'second step',
    await b.step(2, given(2), 0.2, 0.5),
    after.map((w, i) => w - 0.2 * (0.5 * v[i]! + given(2)[i]!)),
    1e-6,
  );
  b.destroy();
});

test('says what is wrong with a hyper-parameter', async () => {
  const message = (name: string, options: Record<string, unknown>) => refusal(() => optimizer(rules[name]!, options));
  assert.is(
    await message('momentum', { momentun: 0.9 }),
    "unknown hyper-parameter of momentum 'momentun'; did you mean 'momentum'? known: lr, momentum, dampening",
  );
  assert.is(await message('adam', { beta1: 1 }), 'adam: beta1 is 1; give a number of at least 0 and below 1');
  assert.is(await message('natural-gradient', { damping: 0 }), 'natural-gradient: damping is 0; give a number above 0');
  assert.is(await message('sgd', { lr: -1 }), 'sgd: lr is -1; give a number of at least 0');
  assert.is(await message('rmsprop', { centered: 2 }), 'rmsprop: centered is 2; give true or false');
  assert.is(await message('sgd', { lr: 'fast' }), "sgd: lr is 'fast'; give a number of at least 0");
});

test('a number of a piece that is out of its range is refused, and what is no list of pieces', async () => {
  const none = undefined as unknown as number;
  const cases: readonly [make: () => Piece, message: string][] = [
    [() => ema(2), 'ema is 2; give a number of at least 0 and at most 1'],
    [() => clipNorm(-1), 'clipNorm is -1; give a number above 0'],
    [() => clipValue(0), 'clipValue is 0; give a number above 0'],
    [() => maxNorm(NaN), 'maxNorm is NaN; give a number above 0'],
    [() => weightDecay(-0.1), 'weightDecay is -0.1; give a number of at least 0'],
    [() => l1(none), 'l1 is undefined; give a number of at least 0'],
    [() => lookahead(none), 'lookahead is undefined; give a whole number of at least 1'],
    [() => lookahead(5, 2), 'lookahead: alpha is 2; give a number above 0 and at most 1'],
    [
      () => lookahead(5, 1, { ende: 0.2 } as object),
      "unknown option of lookahead 'ende'; did you mean 'end'? known: alpha, end, power, slow",
    ],
    [() => swa(10, 0), 'swa: every is 0; give a whole number of at least 1'],
  ];
  for (const [make, message] of cases) assert.is(await refusal(make), message);
  const made = (pieces: unknown) => refusal(() => optimizer(rules.sgd!, {}, pieces as Piece[]));
  assert.is(await made(ema(0.9)), 'sgd: an object of state, after, values, average is no list of pieces; give one, as [ema(0.999)]');
  const around = (options: unknown, groups?: unknown) =>
    refusal(() => optimizer(rules.sgd!, options as Record<string, unknown>, [], groups as object));
  assert.is(await around(null), 'sgd: got null; give options, as { lr: 0.01 }');
  assert.match(await around({}, { decaybias: false }), /^unknown option of optimizer 'decaybias'; did you mean 'decayBias'\?/);
  assert.is(await made([ema(0.9), swa(2, 1)]), 'sgd: ema and swa both average the weights; leave one out');
  assert.is(await made([ema]), 'sgd: a function is no list of pieces; give one, as [ema(0.999)]');
});

const swiftshader: readonly Way[] = (await listAdapters()).some(a => a.kind === 'swiftshader') ? ['swiftshader'] : [];
for (const way of [...WAYS, ...swiftshader]) {
  test(`clipping keeps a NaN gradient as PyTorch does: by value where it stands, by norm everywhere (${way})`, async () => {
    const gradient = random(SIZE, 8).map((v, i) => (i === 3 ? NaN : i === 4 ? Infinity : v));
    const start = random(SIZE, 5);
    const byValue = await bench(optimizer(rules.sgd!, { lr: 1 }, [clipValue(0.5)]), way, start);
    const w = await byValue.step(1, gradient);
    assert.equal(
      [...w].flatMap((v, i) => (Number.isFinite(v) ? [] : [i])),
      [3],
    );
    close('the infinite one', [w[4]!], [start[4]! - 0.5], 1e-6);
    byValue.destroy();
    const byNorm = await bench(optimizer(rules.sgd!, { lr: 1 }, [clipNorm(1)]), way, start);
    assert.ok((await byNorm.step(1, gradient)).every(Number.isNaN));
    byNorm.destroy();
  });
}

test.run();
