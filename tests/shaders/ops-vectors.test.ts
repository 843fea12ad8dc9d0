import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compute } from '../../engine/compute.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import * as activations from '../../layers/activation.ts';
import { add, multiply } from '../../layers/broadcast.ts';
import { conv1d, conv2d, convTranspose2d } from '../../layers/conv.ts';
import { losses, weightedMeans } from '../../layers/loss.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, lrn } from '../../layers/norm.ts';
import { circularPad, constantPad, reflectionPad, replicationPad } from '../../layers/pad.ts';
import { adaptiveAvgPool, adaptiveMaxPool, avgPool, avgPool1d, globalAvgPool, maxPool, maxPool1d } from '../../layers/pool.ts';
import { rnn } from '../../layers/recurrent.ts';
import { sumSlices } from '../../shaders/kernel/sum-slices.ts';
import { UNLABELLED } from '../../datasets/dataset.ts';
import { LabelWeights } from '../../train/data/label-weights.ts';
import { jensenShannon } from '../../shaders/update/consistency.ts';
import { ROW_METRICS } from '../../shaders/update/loss.ts';
import { close, deviceFor } from '../support/check.ts';
import { longTests } from '../support/long.ts';
import { readOperations, type OperationCase } from '../vectors/read.ts';
import { vectorUniform } from '../vectors/weights.ts';

type Case = OperationCase;
const cases = readOperations();

const test = suite('PyTorch, one operation each');
const long = longTests(test);

const generated = (v: Case, input: string): Float32Array => {
  const { shape, scale, offset } = v.inputs[input]!;
  return vectorUniform(`${v.name}/${input}`, product(shape)).map(u => offset + scale * u);
};

const kernelOf = (v: Case) => v.inputs.weight!.shape.slice(2) as [number, number];

/** A function of x and the case's other input, as a parameter. */
const withOther =
  (v: Case, f: typeof add): Layer =>
  (g, x) => {
    const { shape } = v.inputs.other!;
    const { value, grad } = g.param('other', shape, () => new Float32Array(product(shape)));
    const other = g.record([value], g.map('v', value), dy => {
      g.run(sumSlices, { size: grad.size, count: 1, gradient: g.gradient(grad) }, { slices: dy, out: grad });
      return [undefined];
    });
    return f(g, x, other);
  };

const layers: Record<string, (v: Case) => Layer> = {
  conv2d: v => conv2d(v.inputs.weight!.shape[0]!, kernelOf(v), { ...v.options, bias: Boolean(v.inputs.bias) }),
  conv1d: v => conv1d(v.inputs.weight!.shape[0]!, v.inputs.weight!.shape[2]!, v.options),
  convTranspose2d: v => convTranspose2d(v.inputs.bias!.shape[0]!, kernelOf(v), v.options),
  constant: v => constantPad(v.options.pad),
  reflect: v => reflectionPad(v.options.pad),
  replicate: v => replicationPad(v.options.pad),
  circular: v => circularPad(v.options.pad),
  add: v => withOther(v, add),
  multiply: v => withOther(v, multiply),
  maxPool: ({ options: { k, ...options } }) => maxPool(k, options),
  avgPool: ({ options: { k, ...options } }) => avgPool(k, options),
  maxPool1d: ({ options: { k, ...options } }) => maxPool1d(k, options),
  avgPool1d: ({ options: { k, ...options } }) => avgPool1d(k, options),
  adaptiveAvgPool: v => adaptiveAvgPool([v.options.oh, v.options.ow]),
  adaptiveMaxPool: v => adaptiveMaxPool([v.options.oh, v.options.ow]),
  globalAvgPool,
  rnn: v => rnn(v.inputs.bias_hh_l0!.shape[0]!),
  batchNorm: ({ options: { training: _, ...options } }) => batchNorm(options),
  layerNorm: v => layerNorm(v.options),
  groupNorm: ({ options: { groups, ...options } }) => groupNorm(groups, options),
  instanceNorm: v => instanceNorm({ affine: Boolean(v.inputs.weight) }),
  lrn: v => lrn(v.options),
  ...Object.fromEntries(
    Object.entries(activations).map(([name, layer]) => [
      name,
      (v: Case) => (layer as (option?: number) => Layer)(v.options.slope ?? v.options.alpha),
    ]),
  ),
  prelu: v => activations.prelu({ perChannel: v.inputs.weight!.shape[0]! > 1 }),
};
const lossNames: Record<string, string> = {
  crossEntropy: 'cross-entropy',
  nll: 'nll',
  hinge: 'hinge',
  bceWithLogits: 'logistic',
  mse: 'mse',
  mae: 'mae',
};

/** What is not ours to compute, and why. */
const left: Record<string, string> = {
  fractionalMaxPool: "the paper's regions are ours; PyTorch has windows of k",
};

/**
 * A layer on the case's inputs; each further input is a further step. Outputs, gradients of the last step, buffers; then x in evaluation.
 */
async function run(v: Case, layer: Layer, inputs: readonly string[], training: boolean) {
  const device = await deviceFor();
  const memory = new Memory(device);
  const shape = v.inputs[inputs[0]!]!.shape;
  const build = async (training: boolean) => {
    const g = new Graph({ training, profile: device.profile });
    const x0 = g.persistent('input', 'x', shape);
    const x = g.record([x0], g.map('v', x0), dy => [dy]);
    const y = layer(g, x);
    const dy = g.persistent('input', 'dy', y.shape);
    const dx = g.backward(y, dy).get(x0);
    g.kept.add(y);
    if (dx) g.kept.add(dx);
    memory.reserve(g);
    return { g, x0, y, dy, dx, program: await Program.compile(memory, g) };
  };
  const main = await build(training);
  const out: Float32Array[] = [];
  for (const t of main.g.init.keys()) memory.write(t, generated(v, t.name));
  memory.write(main.dy, vectorUniform(`${v.name}/dy`, main.y.size));
  for (const name of inputs) {
    memory.write(main.x0, generated(v, name));
    main.program.run({ accumulate: 0 });
    out.push((await main.program.read(main.y)).slice());
  }
  const gradients: Record<string, Float32Array> = { [inputs.at(-1)!]: await main.program.read(main.dx!) };
  const buffers: Record<string, Float32Array> = {};
  if (training) for (const [name, { grad }] of main.g.params) gradients[name] = await main.program.read(grad);
  for (const t of main.g.init.keys()) if (t.role === 'buffer') buffers[t.name] = await main.program.read(t);
  let evaluated: Float32Array | undefined;
  if (v.outputs.eval) {
    const fixed = await build(false);
    memory.write(fixed.x0, generated(v, inputs[0]!));
    fixed.program.run({ accumulate: 0 });
    evaluated = await fixed.program.read(fixed.y);
    fixed.program.destroy();
  }
  main.program.destroy();
  memory.destroy();
  return { out, gradients, buffers, evaluated };
}

async function runLoss(v: Case) {
  const js = v.op === 'jensenShannon';
  const names = js ? ['a', 'b', 'c'] : ['logits'];
  const [n, classes] = v.inputs[names[0]!]!.shape as [number, number];
  const { labels, targets, classWeights } = v.given;
  const numbers = Uint16Array.from(labels ?? Array(n).fill(0), label => (label < 0 ? UNLABELLED : label));
  const unlabelled = numbers.includes(UNLABELLED);
  const build = (g: Graph) => {
    const logits = g.persistent('input', 'logits', [n * names.length, classes]);
    const given = g.persistent('input', 'labels', targets ? [n, classes] : [n]);
    if (!js) {
      const totals = g.persistent('state', 'totals', [2]);
      const weights = classWeights && g.persistent('input', 'classWeights', [classes]);
      const options = { ...v.options, classWeights: weights, unlabelled };
      return { losses: totals, dlogits: losses[lossNames[v.op]!]!(g, logits, given, totals, options)! };
    }
    const row = g.tensor([n, ROW_METRICS]);
    const dlogits = g.tensor(logits.shape);
    const p = { rows: n, classes, views: 3, smoothing: 0, consistency: 1, train: true };
    g.run(jensenShannon, p, { logits, labels: given, row, dlogits });
    return { losses: row, dlogits };
  };
  const inputs = {
    logits: Float32Array.from(names.flatMap(name => [...generated(v, name)])),
    labels: targets ? Float32Array.from(targets) : Uint32Array.from(numbers),
    ...(classWeights && { classWeights: Float32Array.from(classWeights) }),
  };
  const indices = Uint32Array.from(numbers, (_, i) => i);
  const images = {
    part: 'train',
    source: 'train',
    from: { images: new Uint8Array(), labels: numbers, n },
    indices,
    labels: numbers,
    n,
  } as const;
  const isOverWeights = !targets && weightedMeans[lossNames[v.op]!] === 'weights';
  const scales = new LabelWeights(images, { weights: isOverWeights ? classWeights : undefined, size: n, isWhole: true }).of(undefined, 0);
  const seen = await compute(await deviceFor(), build, inputs, { valid: n, ...scales }, { training: true });
  const loss = js ? seen.losses.reduce((a, b, i) => a + (i % ROW_METRICS ? 0 : b), 0) : seen.losses[0]!;
  const gradient = seen.dlogits;
  const size = n * classes;
  return { loss: loss / n, gradients: Object.fromEntries(names.map((name, k) => [name, gradient.slice(k * size, (k + 1) * size)])) };
}

/**
 * Convolutions of the short tests. The reference in float64 has all of PyTorch's (tests/reference.test.ts), and layers of each geometry are
 * held against it (tests/layers/conv.test.ts): the others are left to the long tests.
 */
const CONVOLUTIONS = ['plain 3x3', '1x1 without bias', 'stride 2 pad 1', 'groups stride dilation', 'padded above and left'];
const isShort = ({ op, name }: Case): boolean => op !== 'conv2d' || CONVOLUTIONS.includes(name.slice(op.length + 1));

for (const v of cases) {
  if (left[v.name] ?? left[v.op] ?? v.op === 'jensenShannon') continue;
  (isShort(v) ? test : long)(v.name, async () => {
    if (v.op in lossNames) {
      const { loss, gradients } = await runLoss(v);
      const [expected] = v.outputs.y!.data as [number];
      close('loss', [loss / Math.max(1, Math.abs(expected))], [expected / Math.max(1, Math.abs(expected))], 1e-6);
      close('dlogits', gradients.logits!, v.gradients.logits!, 1e-6);
      return;
    }
    const layer = layers[v.op]!(v);
    const inputs = v.inputs.x2 ? ['x', 'x2'] : ['x'];
    const training = v.options.training ?? true;
    const { out, gradients, buffers, evaluated } = await run(v, layer, inputs, training);
    close('y', out[0]!, v.outputs.y!.data, 1e-5);
    if (v.outputs.y2) close('second step', out[1]!, v.outputs.y2.data, 1e-5);
    for (const name of ['running_mean', 'running_var']) if (v.outputs[name]) close(name, buffers[name]!, v.outputs[name]!.data, 1e-6);
    if (v.outputs.eval) close('evaluation', evaluated!, v.outputs.eval.data, 1e-5);
    for (const [name, expected] of Object.entries(v.gradients)) {
      if (training || name === 'x') close(`gradient of ${name}`, gradients[name]!, expected, 1e-5);
    }
  });
}

test('the gradients of the three views (the cross-entropy of the first taken away)', async () => {
  const v = cases.find(c => c.op === 'jensenShannon')!;
  const { gradients } = await runLoss(v);
  const [n, classes] = v.inputs.a!.shape as [number, number];
  const a = generated(v, 'a');
  for (let i = 0; i < n; i++) {
    const row = a.subarray(i * classes, (i + 1) * classes);
    const sum = row.reduce((s, x) => s + Math.exp(x), 0);
    row.forEach((x, c) => {
      gradients.a![i * classes + c]! -= (Math.exp(x) / sum - (c ? 0 : 1)) / n;
    });
  }
  for (const name of ['a', 'b', 'c']) close(name, gradients[name]!, v.gradients[name]!, 1e-6);
});

test('every case of the file is run or left out for a reason', () => {
  const known = new Set([...Object.keys(layers), ...Object.keys(lossNames), 'jensenShannon']);
  for (const v of cases) assert.ok(known.has(v.op) || left[v.name] || left[v.op], v.name);
});

test.run();
