/** ONNX files run by ONNX Runtime, whose WebAssembly build needs no GPU, beside our own evaluation of the same net. */
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import * as assert from 'uvu/assert';
import { compute } from '../../engine/compute.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import { parseSpec } from '../../engine/spec.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { openModel } from '../../models/index.ts';
import type { ModelInput } from '../../models/model.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { savedOf } from '../../train/evaluate/weights.ts';
import { exportOnnx } from '../../train/onnx/open.ts';
import { weightsOf } from '../../train/onnx/match.ts';
import { decodeOnnx, encodeOnnx, type Constant, type OnnxNet, type OnnxNode } from '../../train/onnx/net.ts';
import { trim } from '../../train/onnx/trim.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { vectorUniform, vectorWeights } from '../vectors/weights.ts';
import { close, deviceFor } from './check.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** The outputs of a file by name, for one input. */
export async function runOnnx(file: Uint8Array, data: Float32Array, dims: readonly number[], input = 'image') {
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'], logSeverityLevel: 3 });
  try {
    const results = await session.run({ [input]: new ort.Tensor('float32', data, dims) });
    const entries = Object.entries(results).map(([name, t]) => [name, { dims: t.dims, data: t.data as Float32Array }] as const);
    return Object.fromEntries(entries);
  } finally {
    await session.release();
  }
}

const tensorsOf = (layer: Layer, shape: readonly number[]): Tensor[] => {
  const g = new Graph({ training: false, profile: DEFAULT_PROFILE });
  layer(g, g.tensor([1, ...shape], 'input', 'image'));
  return savedOf(g);
};

/** The generated weights (tests/vectors/README.md) of a net for inputs of a shape without the batch. */
export const generatedWeights = (layer: Layer, shape: readonly number[]): Tensors =>
  Object.fromEntries(tensorsOf(layer, shape).map(t => [t.name, { shape: t.shape, data: vectorWeights(t.name, t.shape) }]));

/** A net of tests/vectors/onnx, which PyTorch wrote. */
export const torchNet = (name: string): Promise<OnnxNet> =>
  decodeOnnx(readFileSync(new URL(`../vectors/onnx/${name}.onnx`, import.meta.url)), `${name}.onnx`);

/** A model of the zoo by its spec, for ten classes. */
export const zooModel = (spec: string, shape: ModelInput['shape']): Layer => openModel(parseSpec('model', spec), { classes: 10, shape });

/** What a net gives in evaluation for inputs [n, …]. */
export async function evaluated(layer: Layer, dims: readonly number[], data: Float32Array, weights: Tensors): Promise<Float32Array> {
  const build = (g: Graph) => ({ y: layer(g, g.persistent('input', 'image', dims)) });
  const { y } = await compute(await deviceFor(), build, {
    image: data,
    ...Object.fromEntries(Object.entries(weights).map(([name, t]) => [name, t.data])),
  });
  return y;
}

/** A net of nodes on images, each of which takes what comes before it in place of the input `x`. */
export const chain = (nodes: readonly Partial<OnnxNode>[], constants: Readonly<Record<string, Constant['data'] | Constant>>): OnnxNet => ({
  nodes: nodes.map((node, i) => ({
    ...{ name: `n${i}`, op: 'Identity', outputs: [i === nodes.length - 1 ? 'logits' : `v${i}`], attributes: {}, ...node },
    inputs: (node.inputs ?? ['x']).map(name => (name === 'x' ? (i ? `v${i - 1}` : 'image') : name)),
  })),
  constants: new Map(Object.entries(constants).map(([name, c]) => [name, 'data' in c ? c : { shape: [c.length], data: c }])),
  inputs: [{ name: 'image', shape: ['n', 2, 7, 6] }],
  outputs: [{ name: 'logits', shape: ['n', 'k'] }],
  metadata: {},
});

export type Shape = readonly [c: number, h: number, w: number];

/** Exports a net and compares its logits in ONNX Runtime with ours, of `n` images where it was built for one. */
export async function sameLogits(
  model: Layer,
  shape: Shape,
  { classes = 4, n = 3, weights = generatedWeights(model, shape) }: { classes?: number; n?: number; weights?: Tensors } = {},
): Promise<void> {
  const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
  const file = await exportOnnx({ model, shape, classes: names, weights, normalize: 'none' });
  const data = vectorUniform('images', n * shape[0] * shape[1] * shape[2]);
  const dims = [n, ...shape];
  const { logits } = await runOnnx(file, data, dims);
  assert.equal(logits!.dims, [n, classes]);
  close('logits', logits!.data, await evaluated(model, dims, data, weights), 1e-4);
}

/** A net as others write it: its weights without our names, batch norms folded, sums in the other order. */
export function foreign({ nodes, constants, ...rest }: OnnxNet): OnnxNet {
  const own = new Map<string, Constant>();
  const named = new Map([...constants.keys()].map((name, i) => [name, `onnx::${i}`] as const));
  for (const [name, constant] of constants) own.set(named.get(name)!, constant);
  const users = (value: string) => nodes.filter(n => n.inputs.includes(value));
  const gone = new Map<string, string>();
  const out: OnnxNode[] = [];
  for (const node of nodes) {
    const inputs = node.inputs.map(name => named.get(name) ?? gone.get(name) ?? name);
    const [next, other] = users(node.outputs[0]!);
    if (node.op === 'Conv' && next?.op === 'BatchNormalization' && !other) {
      const [scale, shift, mean, variance] = next.inputs.slice(1).map(name => constants.get(name)!.data) as Float32Array[];
      const weight = constants.get(node.inputs[1]!)!;
      const per = weight.data.length / scale!.length;
      const eps = (next.attributes.epsilon as { float: number }).float;
      const factor = scale!.map((s, o) => s / Math.sqrt(variance![o]! + eps));
      own.set(`${node.name} w`, { shape: weight.shape, data: Float32Array.from(weight.data, (v, i) => v * factor[Math.floor(i / per)]!) });
      const bias = node.inputs[2] ? constants.get(node.inputs[2])!.data : new Float32Array(scale!.length);
      own.set(`${node.name} b`, { shape: [scale!.length], data: shift!.map((s, o) => s + (bias[o]! - mean![o]!) * factor[o]!) });
      out.push({ ...node, inputs: [inputs[0]!, `${node.name} w`, `${node.name} b`], outputs: next.outputs });
    } else if (node.op === 'BatchNormalization' && out.some(n => n.outputs[0] === node.outputs[0])) continue;
    else out.push({ ...node, inputs: node.op === 'Add' ? inputs.reverse() : inputs });
  }
  return { ...rest, nodes: out, constants: own };
}

/** Takes the weights of a model by their places in a file that knows none of our names, and compares the logits. */
export async function sameByPlaces(model: Layer, shape: Shape, weights = generatedWeights(model, shape)): Promise<void> {
  const classes = Array.from({ length: 10 }, (_, i) => `${i}`);
  const file = await exportOnnx({ model, shape, classes, weights, normalize: 'none' }, { softmax: true });
  const net = await decodeOnnx(await encodeOnnx(foreign(await decodeOnnx(file, 'ours'))), 'theirs');
  const found = weightsOf(trim(net).net, 'theirs', model, shape);
  assert.equal(Object.keys(found).sort(), Object.keys(weights).sort());
  const data = vectorUniform('images', 2 * shape[0] * shape[1] * shape[2]);
  close('logits', await evaluated(model, [2, ...shape], data, found), await evaluated(model, [2, ...shape], data, weights), 1e-4);
}
