/** ONNX files on the command line: as a model of their own, and as weights of another. */
import { dirname, join } from 'node:path';
import type { Layer } from '../engine/graph.ts';
import type { Model } from '../models/model.ts';
import type { Normalisation } from '../train/onnx/trim.ts';
import { readWhole } from '../train/run/node/files.ts';
import { factsIn } from '../train/run/metadata.ts';
import { decodeSafetensors } from '../train/run/read-safetensors.ts';
import type { Tensors } from '../train/run/safetensors.ts';
import { backbone, BACKBONE } from '../train/tune/backbone.ts';
import type { GivenWeights } from '../train/tune/tuning.ts';
import { isNet } from '../engine/spec.ts';
import { product } from '../shaders/kernel/shape.ts';
import { readSafetensors } from '../train/run/node/sealed.ts';

type Shape = readonly [c: number, h: number, w: number];

export interface OnnxFile {
  readonly model: Model;
  /** Of an image, as far as the file fixes it. */
  readonly shape: readonly (number | string)[];
  /** For pixels in [0, 1], where the file says or does it. */
  readonly normalisation: Normalisation | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly classes: number;
  /** The file's weights, for images of a shape. */
  weights(shape: Shape): Tensors;
  /** The file's weights as those of another model. */
  weightsOf(model: Layer, shape: Shape): Tensors;
}

export async function openOnnx(path: string): Promise<OnnxFile> {
  const bytes = readWhole(path, 'give an .onnx file');
  const [{ decodeOnnx }, { trim }, { modelOf, weightsIn }, { weightsOf }] = await Promise.all([
    import('../train/onnx/net.ts'),
    import('../train/onnx/trim.ts'),
    import('../train/onnx/import.ts'),
    import('../train/onnx/match.ts'),
  ]);
  const files = new Map<string, Uint8Array>();
  const beside = (name: string): Uint8Array => {
    const found = files.get(name) ?? readWhole(join(dirname(path), name), `it holds weights of ${path}: put both into one folder`);
    files.set(name, found);
    return found;
  };
  const { net, normalisation } = trim(decodeOnnx(bytes, path, beside));
  const model = modelOf(net, path);
  // an output [n, k, 1, 1] is of k classes
  const classes = product((net.outputs[0]?.shape ?? [NaN]).slice(1).map(Number));
  return {
    model,
    shape: net.inputs[0]!.shape.slice(1),
    normalisation,
    metadata: net.metadata,
    classes,
    weights: shape => weightsIn(model({ classes, shape }), shape),
    weightsOf: (other, shape) => weightsOf(net, path, other, shape),
  };
}

/** The weights in a file that a model starts from: those of its names, or of an ONNX file by their places in the net. */
export async function openWeights(path: string, trusted: boolean | undefined): Promise<GivenWeights> {
  if (!isNet(path)) {
    const { tensors, metadata } = path === BACKBONE ? decodeSafetensors(await backbone(), path) : readSafetensors(path, trusted);
    return { of: () => tensors, facts: factsIn(metadata, path) };
  }
  const { weightsOf, classes } = await openOnnx(path);
  return { of: weightsOf, classes };
}
