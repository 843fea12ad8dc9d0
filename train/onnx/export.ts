/** A trained net as an ONNX file (opset 17): what each layer says that it is, with the weights under their own names. */
import { check, named, say, show } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import type { OnnxGraph } from '../../engine/onnx.ts';
import { WHITENING } from '../data/normalise.ts';
import { scaleAndShift, type Moments, type Normalize } from '../data/statistics.ts';
import { matchWeights } from '../evaluate/match.ts';
import type { Tensors } from '../run/safetensors.ts';
import { built } from '../evaluate/built.ts';
import { addNodes, collecting } from './form.ts';
import { encodeOnnx, type Constant } from './net.ts';

/** What goes into a file. */
export interface OnnxSource {
  readonly model: Layer;
  /** Of an image: [channels, height, width]. */
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
  /** Of a regression in place of classes: the names of the numbers that it predicts. */
  readonly outputs?: readonly string[] | undefined;
  readonly weights: Tensors;
  /** Of what it was trained on: float32 are values as they are, as of a table. */
  readonly dtype?: 'uint8' | 'float32' | undefined;
  readonly normalize: Normalize;
  /** Those that images were normalised by; not needed where that is `none`. */
  readonly moments?: Moments | undefined;
  /** Strings for the file's own metadata, beside classes, shape and normalisation. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface OnnxOptions {
  /** Whether the net normalises its images itself: then it takes pixels from 0 to 1, else normalised ones. */
  readonly normalises?: boolean;
  /** A second output, `probabilities`. */
  readonly softmax?: boolean | undefined;
}

/** What goes into a net, in words. */
export const inputOf = (dtype: OnnxSource['dtype'], normalises: boolean): string =>
  dtype === 'float32' ? `${normalises ? '' : 'normalised '}values` : normalises ? 'pixels from 0 to 1' : 'normalised pixels';

/**
 * The bytes of an ONNX file: `image` [batch, c, h, w] -> `logits` [batch, classes], or `values` [batch, outputs] of a regression, the batch of
 * any size. Throws where weights and model do not go together, and where a layer has no ONNX form.
 */
export function exportOnnx(source: OnnxSource, { normalises = true, softmax = false }: OnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const { model, shape, classes, outputs: numbers, weights, normalize, moments, dtype, metadata = {} } = source;
  const names = numbers ?? classes;
  check(
    !(softmax && numbers),
    say`${named('softmax')}: the net predicts numbers (${numbers?.join(', ')}), which have no probabilities`,
    'leave it out',
  );
  const whitens = normalize === 'pca' || normalize === 'zca';
  check(!whitens || normalises, say`${named('normalizedInput')}: the matrix of ${normalize} is part of the net`, 'leave it out');
  check(moments || normalize === 'none', `${normalize}: the moments of the training images are not known`, 'give a file that holds them');
  const net = built(model, shape);
  check(
    net.output.shape.length === 2 && net.output.shape[1] === names.length,
    `onnx: the model gives ${show(net.output.shape)} for one image`,
    numbers
      ? `its output must be the ${names.length} numbers ${names.join(', ')}`
      : `its output must be one logit for each of ${names.length} classes`,
  );
  const { [WHITENING]: whitening, ...own } = weights;
  matchWeights(net.weights, whitens ? own : weights);

  const o = collecting();
  o.path = 'normalise';
  const x = normalises ? normalised(o, source, whitening && WHITENING) : 'image';
  const answer = numbers ? 'values' : 'logits';
  o.node('Identity', [addNodes(o, net, x)], {}, answer);
  if (softmax) o.node('Softmax', ['logits'], { axis: 1 }, 'probabilities');
  const outputs = softmax ? [answer, 'probabilities'] : [answer];
  return encodeOnnx({
    nodes: o.nodes,
    constants: new Map<string, Constant>([...Array.from(o.used, name => [name, weights[name]!] as const), ...o.constants]),
    inputs: [{ name: 'image', shape: ['batch', ...shape] }],
    outputs: outputs.map(name => ({ name, shape: ['batch', names.length] })),
    metadata: {
      ...metadata,
      ...(numbers ? { outputs: JSON.stringify(numbers) } : { classes: JSON.stringify(classes) }),
      shape: JSON.stringify(shape),
      normalize,
      ...(moments && { moments: JSON.stringify(moments) }),
      ...(dtype === 'float32' && { dtype }),
      input: inputOf(dtype, normalises),
    },
  });
}

/** From pixels in [0, 1] what the net sees: scaled and shifted by channel, or by pixel where a mean image is subtracted, and whitened. */
function normalised(o: OnnxGraph, { shape, normalize, moments }: OnnxSource, matrix: string | undefined): string {
  const [c, h, w] = shape;
  const size = c * h * w;
  const both = scaleAndShift({ shape, dtype: 'float32' }, normalize, normalize === 'none' ? undefined : moments);
  const constant = (values: Float32Array): string => {
    const planes = Array.from({ length: c }, (_, k) => values.subarray(k * h * w, (k + 1) * h * w));
    const first = planes.map(plane => plane[0]!);
    const isFlat = planes.every((plane, k) => plane.every(v => v === first[k]));
    return isFlat ? o.floats(first, [1, c, 1, 1]) : o.floats(values, [1, c, h, w]);
  };
  const scale = both.subarray(0, size);
  const shift = both.subarray(size);
  let x = 'image';
  if (scale.some(v => v !== 1)) x = o.node('Mul', [x, constant(scale)]);
  if (shift.some(v => v !== 0)) x = o.node('Add', [x, constant(shift)]);
  if (matrix === undefined) return x;
  const white = o.node('MatMul', [o.node('Flatten', [x], { axis: 1 }), o.weight({ name: matrix })]);
  return o.node('Reshape', [white, o.integers([-1, c, h, w])]);
}
