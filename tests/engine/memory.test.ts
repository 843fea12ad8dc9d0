import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import type { Device } from '../../engine/device.ts';
import { checkpoint, checkpointWithin } from '../../engine/passes/checkpoint.ts';
import { slowdownOf } from '../../engine/passes/duration.ts';
import { fuse } from '../../engine/passes/fuse.ts';
import { stage } from '../../engine/passes/stage.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { opName, writes, type Op } from '../../engine/op.ts';
import { plan } from '../../engine/plan.ts';
import { relu } from '../../layers/activation.ts';
import { concat, residual, sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { crossEntropy } from '../../layers/loss.ts';
import { dropout } from '../../layers/noise.ts';
import { batchNorm } from '../../layers/norm.ts';
import { globalAvgPool, maxPool } from '../../layers/pool.ts';
import { openModel } from '../../models/index.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { DEFAULT_PROFILE, type Profile } from '../../shaders/kernel/kernel.ts';
import { parseConfig } from '../../train/config/config.ts';
import { openData } from '../../train/data/data.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openInference } from '../../train/run/open-inference.ts';
import { openTrainer } from '../../train/run/open.ts';
import { parseSpec } from '../../engine/spec.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { close, deviceFor } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';
import { isLongRun } from '../support/long.ts';

const test = suite('memory');
const profile: Profile = { ...DEFAULT_PROFILE, lanes: 8, subgroups: true, maxBinding: 2 ** 30 };
const dataset = await openDataset('shapes', { limitTrain: 200, limitTest: 32, quiet: true });

const modelOf = (spec: string, shape = dataset.shape) => openModel(parseSpec('model', spec), { classes: 10, shape });

/** The training graph's ops of a model, as they are stored. */
function opsOf(model: Layer, shape: readonly [number, number, number] = [3, 32, 32], batch = 32) {
  const g = new Graph({ training: true, profile });
  const input = g.persistent('input', 'x', [batch, ...shape]);
  const logits = model(
    g,
    g.record([input], g.map('v', input), () => []),
  );
  g.backward(logits, crossEntropy(g, logits, g.persistent('input', 'labels', [batch]), g.persistent('state', 'totals', [2]))!);
  return { ops: fuse(g.ops, g.kept, g.profile), kept: g.kept };
}

for (const [name, mib] of [
  ['resnet20', 18.7],
  ['vgg11', 21.6],
  ['vgg16-bn', 38],
] as const) {
  test(`checkpointing plans ${name} within ${mib} MiB`, () => {
    const { ops, kept } = opsOf(modelOf(name, [3, 32, 32]));
    const less = checkpoint(ops, kept);
    const before = plan(ops, kept, 2 ** 30);
    const after = plan(less, kept, 2 ** 30);
    assert.ok(after.peak <= mib * 2 ** 20 && after.peak < 0.8 * before.peak, `${after.peak} of ${before.peak}`);
    const persistent = less.filter(op => op.pass === 'again' && writes(op).some(t => t.role !== 'activation'));
    assert.equal(
      persistent.map(op => opName(op)),
      [],
      'what lasts is written once',
    );
    const forward = ops.filter(op => op.pass === 'forward').length;
    assert.ok(
      less.length > ops.length && less.length - ops.length < forward,
      `${less.length - ops.length} ops more, ${forward} of the forward pass`,
    );
  });
}

for (const [name, share, shape] of [
  ['resnet20', 0.5, [3, 32, 32]],
  ['resnet56', 0.45, [3, 32, 32]],
  ['vgg16-bn', 0.75, [3, 32, 32]],
  ...(isLongRun ? ([['googlenet', 0.7, [3, 32, 32]]] as const) : []),
] as const) {
  test(`the more time ${name} may take the less memory is planned, and no more time is taken`, () => {
    const { ops, kept } = opsOf(modelOf(name, shape), shape);
    const staged = (some: readonly Op[]) => stage(some, kept, () => profile);
    const bytes = (some: readonly Op[]) => plan(staged(some), kept, Infinity).peak;
    assert.is(checkpointWithin(ops, kept, 1, staged), ops, 'nothing is done again for free');
    let before = bytes(ops);
    const most = share * before;
    for (const slowdown of [1.02, 1.1, 1.2, 4]) {
      const less = checkpointWithin(ops, kept, slowdown, staged);
      assert.ok(slowdownOf(less) <= slowdown, `${slowdownOf(less)} of ${slowdown}`);
      assert.ok(bytes(less) <= before, `${bytes(less)} of ${before} at ${slowdown}`);
      before = bytes(less);
      if (slowdown === 1.1) assert.ok(before <= most, `${before} of ${most}`);
    }
    assert.ok(before <= bytes(checkpoint(ops, kept)), 'at most what it takes whatever time it costs');
  });
}

/** Branches, a shared input, dropout and batch norm, deep enough for several segments. */
const block = (width: number): Layer =>
  sequential([residual(sequential([conv2d(width, 3, { pad: 1 }), batchNorm(), relu(), dropout(0.3)])), relu()]);
const branched: Layer = sequential([
  conv2d(8, 3, { pad: 1 }),
  maxPool(2),
  block(8),
  block(8),
  concat([conv2d(4, 1), conv2d(4, 3, { pad: 1 })]),
  block(8),
  block(8),
  globalAvgPool(),
  dense(10),
]);

const bits = async (t: Trainer) =>
  Object.entries(await t.weights()).map(
    ([name, { data }]) =>
      [
        name,
        createHash('sha256')
          .update(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
          .digest('hex'),
      ] as const,
  );

for (const [name, model, batchSize] of [
  ['a net with branches, dropout and batch norm', branched, 8],
  ...(isLongRun
    ? ([
        ['resnet20', modelOf('resnet20'), 4],
        ['vgg11', modelOf('vgg11:dropout=0.5'), 8],
      ] as const)
    : []),
] as const) {
  test(`${name} trains to the same bits with checkpointing, in less memory`, async () => {
    const device = await deviceFor();
    const run = async (checkpoint: boolean | number) => {
      const data = await openData(dataset, { normalize: 'meanstd', valSplit: 0 });
      const rule = optimizer(rules.momentum!, { lr: 0.01 });
      const t = await Trainer.create({ device, data, model, batchSize, optimizer: rule, seed: 3, checkpoint });
      for (let i = 0; i < 3; i++) await t.step(true);
      const out = { losses: (await t.settle()).map(l => l.loss), weights: await bits(t), plan: t.program.plan };
      t.destroy();
      return out;
    };
    const all = await run(false);
    const less = await run(true);
    assert.equal(less.losses, all.losses);
    assert.equal(less.weights, all.weights);
    assert.ok(less.plan.peak < 0.9 * all.plan.peak, `${less.plan.peak} of ${all.plan.peak}`);
    assert.is(less.plan.unchecked, all.plan.peak);
    const within = await run(1.1);
    assert.equal([within.losses, within.weights], [all.losses, all.weights]);
    assert.ok(within.plan.peak < all.plan.peak && within.plan.slowdown! > 1 && within.plan.slowdown! <= 1.1);
  });
}

/** A device whose activations find no memory beyond `limit` bytes, as the driver would say at the end of the error scope. */
async function cramped(limit: number): Promise<Device> {
  const device = (await deviceFor()).withProfile({});
  const { gpu } = device;
  let left = limit;
  const scopes: GPUErrorFilter[] = [];
  const createBuffer = (d: GPUBufferDescriptor) => {
    if (d.label?.startsWith('slot')) left -= d.size;
    return gpu.createBuffer(d);
  };
  const pushErrorScope = (filter: GPUErrorFilter) => {
    scopes.push(filter);
    if (filter === 'out-of-memory') left = limit; // each program asks anew
    gpu.pushErrorScope(filter);
  };
  const popErrorScope = async () => {
    const isFull = scopes.pop() === 'out-of-memory' && left < 0;
    const error = await gpu.popErrorScope();
    return isFull ? new GPUOutOfMemoryError('there is no more') : error;
  };
  const proxy = new Proxy(gpu, {
    get: (_, name) => {
      if (name === 'createBuffer') return createBuffer;
      if (name === 'popErrorScope') return popErrorScope;
      if (name === 'pushErrorScope') return pushErrorScope;
      const value: unknown = Reflect.get(gpu, name, gpu);
      return typeof value === 'function' ? (value.bind(gpu) as unknown) : value;
    },
  });
  Object.defineProperty(device, 'gpu', { value: proxy });
  return device;
}

const recipe = (more: Record<string, string> = {}) =>
  recipeOf(parseConfig('resnet20', { dataset: 'shapes', batchSize: '16', optimizer: 'sgd', valSplit: '0', ...more }));
for (const [what, device, why, tolerance] of [
  [
    'a binding may span',
    async () => (await deviceFor()).withProfile({ maxBinding: 2 ** 18 }),
    /takes .* MiB, more than this adapter binds at once/,
    2e-7, // what a binding spans decides which kernels convolutions take, and so how they round
  ],
  ['there is memory for', () => cramped(8 * 2 ** 20), /out of memory on .* bytes/, 0],
] as const) {
  test(`a batch of more than ${what} is computed in equal parts`, async () => {
    const { trainer, note, parts } = await openTrainer(recipe(), dataset, await device());
    assert.ok(parts === 4 || parts === 2, `${parts} parts`);
    const said = `each batch of 16 is computed in ${parts} parts of ${16 / parts}, of which batch norm sees one at a time: `;
    assert.ok(note!.startsWith(said), note);
    assert.match(note!, why);
    const asked = (await openTrainer(recipe({ accumulate: String(parts) }), dataset, await deviceFor())).trainer;
    const losses = [];
    for (const t of [trainer, asked]) {
      for (let i = 0; i < 2; i++) await t.step(true);
      losses.push((await t.settle()).map(l => l.loss));
    }
    close('losses as with --accumulate', losses[0]!, losses[1]!, tolerance);
    const weights = await trainer.weights();
    const scores = [];
    for (const where of [await device(), await deviceFor()]) {
      const { inference } = await openInference(recipe(), weights, dataset, where);
      scores.push(await inference.evaluate('test'));
      inference.destroy();
    }
    close('the loss by smaller batches', [scores[0]!.loss], [scores[1]!.loss], 1e-5);
    trainer.destroy();
    asked.destroy();
  });
}

test('what does not fit with one image at a time is an error in one line', async () => {
  const device = (await deviceFor()).withProfile({ maxBinding: 2 ** 15 });
  assert.match(await refusal(() => openTrainer(recipe({ batchSize: '2' }), dataset, device)), /: .*; /);
});

test('checkpointing never takes more', () => {
  for (const [name, shape] of [
    ['lenet5', [1, 28, 28]],
    ['mlp', [1, 28, 28]],
    ['alexnet-cifar', [3, 32, 32]],
    ['airbench', [3, 32, 32]],
  ] as const) {
    const { ops, kept } = opsOf(modelOf(name, shape), shape);
    assert.ok(plan(checkpoint(ops, kept), kept, Infinity).peak <= plan(ops, kept, Infinity).peak, name);
  }
});

test('values of another kind than a tensor has are refused: as many bytes of whole numbers were taken as floats', async () => {
  const memory = new Memory(await deviceFor());
  const g = new Graph({ training: false, profile });
  dense(2)(g, g.persistent('input', 'image', [1, 3]));
  memory.reserve(g);
  memory.allocate(g);
  const bias = [...g.params.values()].find(({ value }) => value.name === 'bias')!.value;
  for (const data of [new Int32Array(2), new Uint32Array(2), new Uint8Array(8), new Float64Array(1), [1, 2]])
    assert.is(
      await refusal(() => memory.write(bias, data as never)),
      `bias: got of the class ${data.constructor.name}; give a Float32Array`,
    );
  memory.write(bias, Float32Array.of(1, 2));
  assert.equal(await memory.read(bias), Float32Array.of(1, 2));
  memory.destroy();
});

test('values are written from memory of any kind: of one owner or shared, of a fixed size or not', async () => {
  const memory = new Memory(await deviceFor());
  const buffer = memory.buffer('values', 16);
  const may = { maxByteLength: 32 };
  const kinds = [ArrayBuffer, SharedArrayBuffer] as unknown as (new (bytes: number, o?: object) => ArrayBuffer)[];
  for (const held of kinds.flatMap(Kind => [new Kind(16), new Kind(16, may)])) {
    const values = new Float32Array(held).fill(kinds.length + held.byteLength);
    for (const data of [values, held]) {
      memory.upload(buffer, 0, new Uint8Array(16));
      memory.upload(buffer, 0, data);
      assert.equal([...new Float32Array(await memory.download(buffer, 0, 16))], [...values]);
    }
  }
  memory.destroy();
});

test.run();
