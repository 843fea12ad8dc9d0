import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import type { Device } from '../../engine/device.ts';
import type { Graph } from '../../engine/graph.ts';
import { withProgram } from '../../engine/compute.ts';
import type { Program } from '../../engine/program.ts';
import { softmax } from '../../layers/activation.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { batchNorm, groupNorm } from '../../layers/norm.ts';
import { avgPool, maxPool } from '../../layers/pool.ts';
import type { Layer } from '../../engine/graph.ts';
import { writePart } from '../../shaders/move/copy.ts';
import { throughHalf } from '../../shaders/kernel/half.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import type { Trainer } from '../../train/step/trainer.ts';
import { checkLayer, close, deviceFor, testWhere, type Reference } from '../support/check.ts';
import * as activation from '../reference/activation.ts';
import { conv2d as convolved, matmul } from '../reference/linear.ts';
import * as norm from '../reference/norm.ts';
import * as pool from '../reference/pool.ts';
import { isLongRun } from '../support/long.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('half precision');

for (const [what, code, want] of [
  ['a value is read', 'let v = x[i + 1u] * 2.0;', 'let v = f32(x[i + 1u]) * 2.0;'],
  ['a vec4 is read, and a component', 'let v = q[i / 4u]; let w = q[i].x;', 'let v = vec4f(q[i / 4u]); let w = vec4f(q[i]).x;'],
  ['an index reads', 'let v = x[u32(x[i])];', 'let v = f32(x[u32(f32(x[i]))]);'],
  ['a value is stored', 'x[at(i, j)] = select(0.0, f(x[i]), i < n);', 'x[at(i, j)] = rounded(select(0.0, f(f32(x[i])), i < n));'],
  ['a vec4 is stored', 'q[i] = finish(q[i], i);', 'q[i] = rounded4(finish(vec4f(q[i]), i));'],
  ['a component is stored', 'q[i].y = v; q[i][j] = v;', 'q[i].y = rounded(v); q[i][j] = rounded(v);'],
  ['it is added to', 'x[i] += a * b;', 'x[i] = rounded(f32(x[i]) + (a * b));'],
  ['it is compared', 'if (x[i] == 0.0) { n += 1; }', 'if (f32(x[i]) == 0.0) { n += 1; }'],
  ['names look alike', 'let v = op.x + xx[i] + p.x[i] + y[i];', 'let v = op.x + xx[i] + p.x[i] + y[i];'],
  ['a comment speaks of it', 'x[i] = 1.0; // and x[j]; too', 'x[i] = rounded(1.0); '],
] as const) {
  test(`rewriting where ${what}`, () => assert.is(throughHalf(code, { x: 'f32', q: 'vec4f' }), want));
}

test('a pointer to a binding is refused', () => assert.throws(() => throughHalf('f(&x);', { x: 'f32' }), /f16 bindings have no pointers/));

const onHalf = testWhere(test, (await deviceFor()).profile.f16, 'this adapter has no shader-f16');
const image = { n: 3, c: 8, h: 8, w: 8 };
const layers: readonly (readonly [name: string, layer: Layer, shape: readonly number[], reference: Reference])[] = [
  [
    'convolution',
    conv2d(6, 3, { pad: 1 }),
    [3, 8, 8, 8],
    (x, p) => convolved(x, p.weight!, p.bias, { ...image, o: 6, kh: 3, kw: 3, pad: 1 }),
  ],
  [
    'convolution of odd sizes and stride 2',
    conv2d(5, 3, { pad: 1, stride: 2 }),
    [2, 3, 7, 9],
    (x, p) => convolved(x, p.weight!, p.bias, { n: 2, c: 3, h: 7, w: 9, o: 5, kh: 3, kw: 3, pad: 1, stride: 2 }),
  ],
  ['dense', dense(7), [5, 33], (x, p) => matmul(x, p.weight!, { m: 5, k: 33, n: 7, tb: true }).map((v, i) => v + p.bias![i % 7]!)],
  [
    'max pooling',
    maxPool(3, { stride: 2, pad: 1 }),
    [2, 3, 7, 9],
    x => pool.maxPool(x, { planes: 6, h: 7, w: 9, k: 3, stride: 2, pad: 1 }).y,
  ],
  ['average pooling', avgPool(2), [2, 3, 8, 8], x => pool.avgPool(x, { planes: 6, h: 8, w: 8, k: 2 })],
  [
    'batch norm',
    batchNorm(),
    [3, 8, 8, 8],
    (x, p) => norm.batchNorm(x, image, p, { mean: new Float64Array(8), var: new Float64Array(8) }, true).y,
  ],
  ['group norm', groupNorm(2), [3, 8, 8, 8], (x, p) => norm.groupNorm(x, { ...image, groups: 2 }, p)],
  ['softmax', softmax(), [5, 7], x => activation.softmax(x, 7)],
];
for (const [name, layer, shape, reference] of layers) {
  onHalf(`${name} on f16, sums in f32`, () =>
    checkLayer(layer, shape, reference, {
      half: true,
      tolerance: 3e-3,
      derivatives: 16,
      ways: name.includes('odd') || !isLongRun ? ['own'] : ['own', 'gpu'],
    }),
  );
}

onHalf('values are rounded to f16; beyond its range they are infinite', async () => {
  const values = Float32Array.of(1 / 3, 65504, -70000, 1e-7, 1e-9, 2049, 65519, 65520, -Infinity, NaN);
  const n = values.length;
  const copy = { n: 1, size: n, source: n, start: 0, dest: n, offset: 0 };
  const build = (g: Graph) => {
    const x = g.persistent('input', 'x', [n]);
    const y = g.tensor([n]);
    const z = g.tensor([n]);
    g.run(writePart, copy, { x, y });
    g.run(writePart, copy, { x: y, y: z });
    g.kept.add(z);
    return { x, z };
  };
  const run = (program: Program, { x, z }: ReturnType<typeof build>) => {
    assert.is(program.commands.filter(c => c.op.tensors.y!.half).length, 1, 'the one between is f16');
    program.memory.write(x, values);
    program.run();
    return program.read(z);
  };
  const rounded = await withProgram(await deviceFor(), build, run, { half: true });
  assert.equal([...rounded], [0.333251953125, 65504, -Infinity, 2 ** -23, 0, 2048, 65504, Infinity, -Infinity, NaN]);
});

const dataset = await openDataset('shapes', { limitTrain: 512, limitTest: 64, quiet: true });
const open = async (model: string, more: Record<string, string> = {}): Promise<Trainer> =>
  (
    await openTrainer(
      recipeOf(parseConfig(model, { dataset: 'shapes', batchSize: '32', optimizer: 'momentum', lr: '0.02', valSplit: '0', ...more })),
      dataset,
      await deviceFor(),
    )
  ).trainer;
async function losses(t: Trainer, steps: number): Promise<number[]> {
  const lines = [];
  for (let i = 0; i < steps; i++) {
    await t.step(true);
    lines.push(...t.arrived());
  }
  return [...lines, ...(await t.settle())].map(l => l.loss);
}
/** Has few kernels, for what does not depend on the net. */
const SMALL = 'mlp:hidden=16';
const scaling = async (t: Trainer) => [...(await t.state()).tensors['loss scale']!.data];
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

for (const [model, steps, more] of [
  ['lenet5', 40, {}],
  ...(isLongRun ? [['resnet20', 12, { batchSize: '16', lr: '0.005' }] as const] : []),
  ['lenet5', 8, { optimizer: 'adam', lr: '0.002', accumulate: '2', clipNorm: '1', ema: '0.9' }],
] as const) {
  onHalf(`${model} learns in f16 as in f32 ${JSON.stringify(more)}, in less memory`, async () => {
    const whole = await open(model, more);
    const half = await open(model, { ...more, precision: 'f16' });
    const a = await losses(whole, steps);
    const b = await losses(half, steps);
    const last = Math.ceil(steps / 4);
    assert.ok(
      Math.abs(mean(a.slice(-last)) - mean(b.slice(-last))) <= 0.03 * mean(a.slice(-last)),
      `${mean(b.slice(-last))} in f16, ${mean(a.slice(-last))} in f32`,
    );
    assert.ok(half.program.plan.peak < 0.75 * whole.program.plan.peak, `${half.program.plan.peak} of ${whole.program.plan.peak} bytes`);
    const [f32, f16] = [await whole.evaluate('test'), await half.evaluate('test')];
    assert.ok(Math.abs(f32.loss - f16.loss) <= 0.05 * f32.loss, `test loss ${f16.loss}, ${f32.loss} in f32`);
    assert.is((await scaling(half))[3], 0, 'no update was left out');
    whole.destroy();
    half.destroy();
  });
}

for (const more of [{}, { accumulate: '2' }] as Record<string, string>[]) {
  onHalf(`an overflow leaves the update out and halves the scale ${JSON.stringify(more)}`, async () => {
    const t = await open(SMALL, { ...more, optimizer: 'adam', precision: 'f16' });
    const weights = async () => Object.values(await t.weights()).flatMap(w => [...w.data]);
    await losses(t, 2);
    assert.is(await t.gradientScale(), 1 / 65536 / Number(more.accumulate ?? 1));
    const state = await t.state();
    const before = await weights();
    await t.loadState({ ...state, tensors: { ...state.tensors, 'loss scale': { shape: [4], data: Float32Array.of(2 ** 40, 2, 0, 0) } } });
    await losses(t, 1);
    const after = await t.state();
    assert.equal([...after.tensors['loss scale']!.data], [2 ** 39, 0, 0, 1]);
    assert.equal(await weights(), before, 'weights stay');
    for (const name of Object.keys(state.tensors)) {
      if (name.startsWith('adam.')) assert.equal([...after.tensors[name]!.data], [...state.tensors[name]!.data], `${name} stays`);
    }
    await t.loadState({ ...after, tensors: { ...after.tensors, 'loss scale': { shape: [4], data: Float32Array.of(1024, 1999, 0, 1) } } });
    await losses(t, 1);
    assert.equal(await scaling(t), [2048, 0, 1 / 1024, 1], 'after 2000 good updates it doubles');
    assert.not.equal(await weights(), before);
    t.destroy();
  });
}

onHalf('what a rule does at its first update waits for one that is made', async () => {
  const moved = async (optimizer: string) => {
    const t = await open(SMALL, { optimizer, lr: '0.01', precision: 'f16' });
    const weights = async () => Object.values(await t.weights()).flatMap(w => [...w.data]);
    const scaled = async (scale: number, leftOut: number) => {
      const state = await t.state();
      await t.loadState({
        ...state,
        tensors: { ...state.tensors, 'loss scale': { shape: [4], data: Float32Array.of(scale, 0, 0, leftOut) } },
      });
      await losses(t, 1);
    };
    const before = await weights();
    await scaled(2 ** 40, 0);
    assert.equal(await weights(), before, `${optimizer}: the first update is left out`);
    await scaled(1024, 1);
    const after = await weights();
    t.destroy();
    return after.map((w, i) => w - before[i]!);
  };
  const down = await moved('sgd');
  const root = Math.sqrt(1e-3 * 0.01);
  for (const [rule, ahead] of [
    ['nag-c', 1 / 4],
    ['nag-sc', (1 - root) / (1 + root)],
  ] as const) {
    close(
      rule,
      await moved(rule),
      down.map(d => (1 + ahead) * d),
      1e-3,
    );
  }
  const steps = new Set((await moved('rprop')).map(d => Math.abs(d).toPrecision(2)));
  assert.ok(steps.has('0.010') && steps.size <= 2, `rprop took steps of ${[...steps].join(', ')}`);
});

onHalf('a resumed run in f16 equals the uninterrupted one bitwise', async () => {
  const [whole, first, second] = [
    await open('lenet5', { precision: 'f16' }),
    await open('lenet5', { precision: 'f16' }),
    await open('lenet5', { precision: 'f16' }),
  ];
  const all = await losses(whole, 6);
  const before = await losses(first, 3);
  await second.loadWeights(await first.weights());
  await second.loadState(await first.state());
  assert.equal([...before, ...(await losses(second, 3))], all);
  assert.equal(await second.weights(), await whole.weights());
  for (const t of [whole, first, second]) t.destroy();
});

if (isLongRun)
  onHalf('checkpointing goes with f16 bitwise', async () => {
    const plain = await open('resnet20', { batchSize: '8', precision: 'f16' });
    const less = await open('resnet20', { batchSize: '8', precision: 'f16', checkpointActivations: 'true' });
    assert.equal(await losses(less, 2), await losses(plain, 2));
    assert.ok(less.program.plan.peak < 0.6 * plain.program.plan.peak);
    plain.destroy();
    less.destroy();
  });

onHalf('--debug watches a run in f16: an overflow of the gradients is none of a layer', async () => {
  const config = parseConfig('lenet5', { dataset: 'shapes', batchSize: '32', valSplit: '0', precision: 'f16' });
  const { trainer: t } = await openTrainer(recipeOf(config), dataset, await deviceFor(), { debug: true });
  const state = await t.state();
  await t.loadState({ ...state, tensors: { ...state.tensors, 'loss scale': { shape: [4], data: Float32Array.of(2 ** 40, 0, 0, 0) } } });
  await losses(t, 2);
  assert.is((await scaling(t))[3], 2);
  t.destroy();
});

onHalf('where it cannot be, one line says why', async () => {
  const message = (more: Record<string, string>, device: Device) => {
    const config = parseConfig('lenet5', { dataset: 'shapes', valSplit: '0', precision: 'f16', ...more });
    return refusal(() => openTrainer(recipeOf(config), dataset, device));
  };
  assert.match(
    await message({}, (await deviceFor()).withProfile({ f16: false })),
    /^precision f16: .* has no shader-f16; use precision f32, or another adapter$/,
  );
  assert.match(await message({ optimizer: 'lbfgs' }, await deviceFor()), /^precision f16: .* needs exact gradients; use precision f32/);
});

test.run();
