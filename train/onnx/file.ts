/** An ONNX file as a program has it: a model of our layers, its weights, and what it says of itself. */
import type { Layer } from '../../engine/graph.ts';
import { product } from '../../shaders/kernel/shape.ts';
import type { Model } from '../../models/model.ts';
import { factsIn, type WeightsFacts } from '../run/metadata.ts';
import type { Tensors } from '../run/safetensors.ts';
import { modelOf, weightsIn } from './import.ts';
import { weightsOf } from './match.ts';
import { decodeOnnx, type Beside } from './net.ts';
import { trim, type PixelNormalisation } from './trim.ts';

/** A net that was read from an ONNX file. */
export interface OnnxFile {
  /** A model whose first weights are those of the file: `fit(model, …)`, and as a layer `model({ classes, shape })`. */
  readonly model: Model;
  /** Of one input, without the batch; a size that the file leaves open is a word. */
  readonly shape: readonly (number | string)[];
  /** Values of the output for one input; NaN where the file does not say. */
  readonly size: number;
  /** What is known of it: what it says of itself, the shape where it is fixed, the normalisation. */
  readonly facts: WeightsFacts;
  /** What it does to pixels in [0, 1] at its beginning, which is no part of the model; undefined where it takes normalised ones. */
  readonly normalisation: PixelNormalisation | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** The file's weights, for inputs of a shape. */
  weights(shape: readonly number[]): Tensors;
  /**
   * The file's weights under the names of a model of ours that is the same net, for inputs of a shape. Throws where the nets differ, and says
   * where.
   */
  weightsOf(model: Layer, shape: readonly number[]): Tensors;
}

/** Reads a file, which is called `file` in messages. Throws where it is none, or has operators that are no layers here. */
export async function onnxFile(bytes: Uint8Array, file: string, beside?: Beside): Promise<OnnxFile> {
  const { net, normalisation } = trim(await decodeOnnx(bytes, file, beside));
  const model = modelOf(net, file);
  const shape = net.inputs[0]!.shape.slice(1);
  const size = product((net.outputs[0]?.shape ?? [NaN]).slice(1).map(Number)); // an output [n, k, 1, 1] is of k classes
  const { metadata } = net;
  return {
    model,
    shape,
    size,
    facts: { ...fixed(shape), ...factsIn(metadata, file), ...normalisation },
    normalisation,
    metadata,
    weights: shape => weightsIn(model({ classes: size, shape: imageOf(shape) }), shape),
    weightsOf: (other, shape) => weightsOf(net, file, other, shape),
  };
}

/** What the shape of an input says, where it leaves nothing open: rows and signals are values as they are. */
function fixed(shape: OnnxFile['shape']): Pick<WeightsFacts, 'shape' | 'dtype' | 'normalize'> {
  const sizes = shape.map(Number);
  if (sizes.some(Number.isNaN)) return {};
  return shape.length === 3 ? { shape: imageOf(sizes) } : { shape: [product(sizes), 1, 1], dtype: 'float32', normalize: 'none' };
}

/** A shape as models are asked for: rows [features] and signals [c, l] are images of one column. */
const imageOf = ([c = 1, h = 1, w = 1]: readonly number[]): readonly [number, number, number] => [c, h, w];
