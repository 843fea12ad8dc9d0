/** ONNX files run by ONNX Runtime, whose WebAssembly build needs no GPU, beside our own evaluation of the same net. */
import * as ort from 'onnxruntime-web';
import { compute } from '../../engine/compute.ts';
import { Graph, type Layer, type Tensor } from '../../engine/graph.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { savedOf } from '../../train/evaluate/weights.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { vectorWeights } from '../vectors/weights.ts';
import { deviceFor } from './check.ts';

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

/** What a net gives in evaluation for inputs [n, …]. */
export async function evaluated(layer: Layer, dims: readonly number[], data: Float32Array, weights: Tensors): Promise<Float32Array> {
  const build = (g: Graph) => ({ y: layer(g, g.persistent('input', 'image', dims)) });
  const { y } = await compute(await deviceFor(), build, {
    image: data,
    ...Object.fromEntries(Object.entries(weights).map(([name, t]) => [name, t.data])),
  });
  return y;
}
