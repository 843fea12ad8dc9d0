/** NaN stays NaN, and infinities become what PyTorch makes of them, forward and backward, on both software drivers. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withProgram } from '../../engine/compute.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { listAdapters } from '../../engine/node/adapters.ts';
import * as activations from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { dense } from '../../layers/dense.ts';
import { losses } from '../../layers/loss.ts';
import { dropout, vanillaDropout } from '../../layers/noise.ts';
import { batchNorm, groupNorm, lrn } from '../../layers/norm.ts';
import { avgPool, fractionalMaxPool, globalAvgPool, maxPool } from '../../layers/pool.ts';
import { deviceFor, runLayer, WAYS, type Way } from '../support/check.ts';

const test = suite('NaN and infinities');
const there = (await listAdapters()).some(a => a.kind === 'swiftshader');
const ways: readonly Way[] = [...WAYS, ...(there ? (['swiftshader'] as const) : [])];
if (!there) test.skip('on SwiftShader: this machine has none', () => {});

const INPUTS = [NaN, Infinity, -Infinity] as const;

/** Of NaN, inf and -inf: the value, and the factor that the gradient is multiplied by. PyTorch's, or one of those or NaN where it has more than one. */
const cases: Readonly<
  Record<Exclude<keyof typeof activations, 'softmax' | 'logSoftmax' | 'prelu'>, { y: readonly number[]; slope: readonly number[] }>
> = {
  relu: { y: [NaN, Infinity, 0], slope: [1, 1, 0] },
  leakyRelu: { y: [NaN, Infinity, -Infinity], slope: [0.01, 1, 0.01] },
  elu: { y: [NaN, Infinity, -1], slope: [NaN, 1, 0] },
  celu: { y: [NaN, Infinity, -1], slope: [NaN, 1, 0] },
  relu6: { y: [NaN, 6, 0], slope: [1, 0, 0] },
  hardsigmoid: { y: [NaN, 1, 0], slope: [0, 0, 0] },
  hardswish: { y: [NaN, Infinity, NaN], slope: [NaN, 1, 0] },
  silu: { y: [NaN, Infinity, NaN], slope: [NaN, NaN, NaN] },
  mish: { y: [NaN, Infinity, NaN], slope: [NaN, NaN, NaN] },
  sigmoid: { y: [NaN, 1, 0], slope: [NaN, 0, 0] },
  tanh: { y: [NaN, 1, -1], slope: [NaN, 0, 0] },
  softplus: { y: [NaN, Infinity, 0], slope: [NaN, 1, 0] },
  gelu: { y: [NaN, Infinity, NaN], slope: [NaN, NaN, NaN] },
  geluTanh: { y: [NaN, Infinity, NaN], slope: [NaN, NaN, NaN] },
};

/** Equal, NaN to NaN, finite numbers to five digits. */
const same = (got: number, want: number): boolean =>
  Object.is(got, want) || got === want || Math.abs(got - want) <= 1e-5 * Math.max(1, Math.abs(want));

test('every activation has a case', () => {
  assert.equal([...Object.keys(cases), 'softmax', 'logSoftmax', 'prelu'].sort(), Object.keys(activations).sort());
});

for (const [name, { y, slope }] of Object.entries(cases)) {
  const layer = activations[name as keyof typeof cases];
  const forms: readonly [form: string, Layer][] = [
    ['four values at a time', layer()],
    ['fused behind a kernel of single values', sequential({ before: avgPool(1), act: layer() })],
  ];
  for (const [form, built] of forms) {
    test(`${name}, ${form}`, async () => {
      for (const way of ways) {
        const dy = Float64Array.of(2, -2, 3, NaN);
        const got = await runLayer(way, built, [1, 4, 1, 1], { input: Float64Array.of(...INPUTS, 1), dy });
        INPUTS.forEach((x, i) => {
          assert.ok(same(got.y[i]!, y[i]!), `${way}: ${name}(${x}) is ${got.y[i]}, expected ${y[i]}`);
          const want = slope[i]! * dy[i]!;
          assert.ok(same(got.dx![i]!, want), `${way}: the gradient of ${name} at ${x} is ${got.dx![i]}, expected ${want}`);
        });
        assert.ok(Number.isNaN(got.dx![3]!), `${way}: a NaN gradient of ${name} at 1 becomes ${got.dx![3]}`);
      }
    });
  }
}

/** Fails where one of the values, those at `at` or all, is a number. */
const allNan = (what: string, values: ArrayLike<number>, at: readonly number[] = [...Array(values.length).keys()]) => {
  for (const i of at) assert.ok(Number.isNaN(values[i]!), `${what}[${i}] is ${values[i]}, expected NaN`);
};

test('softmax', async () => {
  for (const way of ways) {
    const dy = Float64Array.of(1, 2, 3, 1, 2, 3, 1, 2, 3);
    const input = Float64Array.of(NaN, 1, 2, 1, Infinity, 2, 1, 1, -Infinity);
    const { y, dx } = await runLayer(way, activations.softmax(), [3, 3], { input, dy });
    allNan(`${way} softmax`, y.slice(0, 6));
    allNan(`${way} gradient`, dx!.slice(0, 6));
    assert.equal([...y.slice(6)], [0.5, 0.5, 0], way);
    assert.ok(same(dx![6]!, -0.25) && same(dx![8]!, 0), `${way}: ${dx!.slice(6)}`);
  }
});

test('log-softmax', async () => {
  for (const way of ways) {
    const dy = Float64Array.of(1, 2, 3, 1, 2, 3, 1, 2, 3);
    const input = Float64Array.of(NaN, 1, 2, 1, Infinity, 2, 1, 1, -Infinity);
    const { y, dx } = await runLayer(way, activations.logSoftmax(), [3, 3], { input, dy });
    allNan(`${way} log-softmax`, y.slice(0, 6));
    allNan(`${way} gradient`, dx!.slice(0, 6));
    assert.ok(same(y[6]!, -Math.LN2) && y[8] === -Infinity, `${way}: ${y.slice(6)}`);
    assert.ok(same(dx![6]!, -2) && same(dx![7]!, -1) && same(dx![8]!, 3), `${way}: ${dx!.slice(6)}`);
  }
});

test('products: an infinite last value meets no zeros beyond an end that does not divide by four', async () => {
  const [n, outputs, inputs] = [2, 3, 5];
  const last = (size: number) => new Float64Array(size).fill(1, 0, -1).fill(Infinity, -1);
  for (const way of ways) {
    const params = { weight: last(outputs * inputs), bias: new Float64Array(outputs) };
    const dy = new Float64Array(n * outputs).fill(1);
    const { y, dx, gradients } = await runLayer(way, dense(outputs), [n, inputs], { input: last(n * inputs), dy, params });
    assert.equal([...y], [5, 5, Infinity, Infinity, Infinity, Infinity], way);
    assert.equal([...dx!], [3, 3, 3, 3, Infinity, 3, 3, 3, 3, Infinity], way);
    assert.equal([...gradients.weight!], Array(outputs).fill([2, 2, 2, 2, Infinity]).flat(), way);
  }
});

const picture: Shape = [1, 1, 4, 4];
const pools: readonly [name: string, Layer, outputs: number][] = [
  ['maximum, windows written out', maxPool(2), 4],
  ['maximum, in loops', maxPool(4), 1],
  ['maximum, padded', maxPool(2, { stride: 2, pad: 1 }), 9],
  ['mean', avgPool(2), 4],
  ['mean, padded', avgPool(2, { stride: 2, pad: 1 }), 9],
  ['mean of a plane', globalAvgPool(), 1],
  ['fractional maximum', fractionalMaxPool(2, { overlapping: false }), 4],
];
for (const [name, layer, outputs] of pools) {
  test(`pooling: ${name}`, async () => {
    for (const way of ways) {
      for (let place = 0; place < 16; place++) {
        const input = new Float64Array(16).fill(1);
        input[place] = NaN;
        const { y, dx } = await runLayer(way, layer, picture, { input });
        assert.is([...y].filter(Number.isNaN).length, 1, `${way}: NaN at ${place} gives ${y}`);
        if (name.startsWith('mean')) continue;
        const r = [...y].findIndex(Number.isNaN);
        assert.ok(dx![place] !== 0, `${way}: the gradient of window ${r} is not that of its NaN at ${place}: ${dx}`);
      }
      for (const x of [-Infinity, Infinity]) {
        const { y, dx } = await runLayer(way, layer, picture, {
          input: new Float64Array(16).fill(x),
          dy: new Float64Array(outputs).fill(1),
        });
        assert.ok(
          [...y].every(v => v === x),
          `${way}: windows of ${x} give ${y}`,
        );
        const sum = [...dx!].reduce((a, b) => a + b, 0);
        const padded = name === 'mean, padded';
        if (!padded) assert.ok(same(sum, y.length), `${way}: windows of ${x}: gradients add up to ${sum}, expected ${y.length}`);
        if (name.startsWith('maximum')) assert.is(dx![0], 1, `${way}: the first of equals has the gradient`);
      }
    }
  });
}

const norms: readonly [name: string, Layer, affected: readonly number[]][] = [
  ['batch norm', batchNorm(), [0, 1, 2, 3, 16, 17, 18, 19]],
  ['group norm', groupNorm(2), [0, 1, 2, 3, 4, 5, 6, 7]],
  ['response norm', lrn({ size: 3, alpha: 0.5 }), [1, 5]],
];
for (const [name, layer, affected] of norms) {
  test(`norm: ${name}`, async () => {
    for (const way of ways) {
      for (const x of [NaN, Infinity, -Infinity]) {
        if (name === 'response norm' && !Number.isNaN(x)) continue; // beside an infinite value its neighbours are 0
        const input = Float64Array.from({ length: 32 }, (_, i) => (i === 1 ? x : i / 9));
        const { y, dx, buffers } = await runLayer(way, layer, [2, 4, 2, 2], { input });
        allNan(`${way} ${name} of ${x}`, y, affected);
        allNan(`${way} gradient of ${name} of ${x}`, dx!, affected);
        if (buffers.running_var) allNan(`${way} running variance`, buffers.running_var, [0]);
      }
    }
  });
}

for (const [name, layer, factor] of [
  ['dropout', dropout(0.5), 2],
  ['vanilla dropout', vanillaDropout(0.5), 1],
] as const) {
  for (const [form, built] of [
    ['four values at a time', layer],
    ['fused behind a kernel of single values', sequential({ before: avgPool(1), drop: layer })],
  ] as const) {
    test(`${name}, ${form}: what is dropped is multiplied by 0, as in PyTorch`, async () => {
      const n = 64;
      const step = { seed: 3, step: 1 };
      for (const way of ways) {
        const run = (input: number, dy: number) =>
          runLayer(way, built, [1, n, 1, 1], { input: new Float64Array(n).fill(input), dy: new Float64Array(n).fill(dy), step });
        const { y: mask } = await run(1, 1);
        assert.ok(mask.includes(0) && mask.includes(factor), `${way}: ${mask}`);
        const infinite = await run(Infinity, NaN);
        infinite.y.forEach((v, i) => assert.ok(same(v, mask[i] ? Infinity : NaN), `${way}: inf of factor ${mask[i]} becomes ${v}`));
        allNan(`${way} gradient`, infinite.dx!);
        const broken = await run(NaN, 1);
        allNan(`${way} output`, broken.y);
        assert.equal([...broken.dx!], [...mask], way);
      }
    });
  }
}

/**
 * Rows of three logits, of which the first class is right, and what each loss makes of them: [cross-entropy, hinge, logistic, mse, mae].
 */
const rows: readonly {
  logits: readonly number[];
  loss: Partial<Record<keyof typeof losses, number>>;
  /** What PyTorch drops of NaN in gradients of these losses, in thirds. */
  thirds?: Partial<Record<keyof typeof losses, readonly number[]>>;
  why: string;
}[] = [
  { logits: [NaN, 1, 2], loss: {}, thirds: { hinge: [0, 0, 0], mae: [0, 1, 1] }, why: 'NaN of the right class' },
  { logits: [0, NaN, 1], loss: {}, thirds: { hinge: [-3, 0, 3], mae: [-1, 0, 1] }, why: 'NaN of a wrong class' },
  {
    logits: [0, 0, -Infinity],
    loss: { 'cross-entropy': Math.log(2), nll: 0, hinge: 1, mse: Infinity, mae: Infinity },
    why: 'a class ruled out',
  },
  {
    logits: [-Infinity, 0, 0],
    loss: { 'cross-entropy': Infinity, nll: Infinity, hinge: Infinity, logistic: Infinity, mse: Infinity, mae: Infinity },
    why: 'the right one',
  },
];
for (const [name, loss] of Object.entries(losses)) {
  test(`loss: ${name}`, async () => {
    for (const way of ways) {
      const device = await deviceFor(way);
      for (const { logits, loss: wants, thirds, why } of rows) {
        const views = name === 'jensen-shannon' ? 3 : 1;
        const found = await withProgram(
          device,
          g => {
            const x = g.persistent('input', 'logits', [views, 3]);
            const labels = g.persistent('input', 'labels', [1]);
            const totals = g.persistent('state', 'totals', [2]);
            const dlogits = loss(g, x, labels, totals)!;
            g.kept.add(dlogits);
            return { x, totals, dlogits };
          },
          async (program, { x, totals, dlogits }) => {
            program.memory.write(x, Float32Array.from(Array(views).fill(logits).flat() as number[]));
            program.run({ valid: 1 });
            return { total: (await program.read(totals))[0]!, slopes: await program.read(dlogits) };
          },
          { training: true },
        );
        const want = wants[name as keyof typeof losses] ?? NaN;
        const isNan = Object.keys(wants).length === 0;
        if (isNan && name === 'nll') continue; // of one logit, and its gradient does not depend on that
        const known = isNan || name in wants;
        if (known) assert.ok(same(found.total, want), `${way}: ${why}: ${name} is ${found.total}, expected ${want}`);
        const slopes = thirds?.[name];
        if (slopes) {
          slopes.forEach((v, i) => assert.ok(same(found.slopes[i]!, v / 3), `${way}: ${why}: gradients of ${name} are ${found.slopes}`));
        } else if (isNan) {
          assert.ok([...found.slopes].some(Number.isNaN), `${way}: ${why}: gradients of ${name} are ${found.slopes}`);
        }
      }
    }
  });
}

test.run();
