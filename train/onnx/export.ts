/** A trained net as an ONNX file (opset 17): what each layer says that it is, with the weights under their own names. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, kindOf, named, onlyOptions, say, show, type Known } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import type { OnnxGraph } from '../../engine/onnx.ts';
import { COUNT, isWithin } from '../../engine/range.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { WHITENING } from '../data/normalise.ts';
import { scaleAndShift, withMoments, type Moments, type NamedNormalize, type Normalize } from '../data/statistics.ts';
import { built } from '../evaluate/built.ts';
import { outputOf } from '../evaluate/evaluation-graph.ts';
import { matchWeights } from '../evaluate/match.ts';
import { metadataOf } from '../run/metadata.ts';
import type { Tensors } from '../run/safetensors.ts';
import { addNodes, collecting } from './form.ts';
import { encodeOnnx, type Constant } from './net.ts';

/** What goes into a file. */
export interface OnnxSource {
  /** A layer, as `resnet20({ classes, shape })` or `sequential([…])` is one. */
  readonly model: Layer;
  /** Of one input: [channels, height, width], [channels, length] or [features]. */
  readonly shape: Shape;
  /** Parameters and running statistics: every tensor of the model with its shape. */
  readonly weights: Tensors;
  /** The names of the classes; without them and `outputs` the output is called `output`, and may be of any shape. */
  readonly classes?: readonly string[] | undefined;
  /** Of a regression in place of classes: the names of the numbers that it predicts. */
  readonly outputs?: readonly string[] | undefined;
  /** Of a table the names of its features. */
  readonly inputs?: readonly string[] | undefined;
  /** Of what it was trained on: float32 are values as they are, as of a table; images are uint8 without it. */
  readonly dtype?: 'uint8' | 'float32' | undefined;
  /** How images were normalised, `none` without it, and by which moments, or 'imagenet'. */
  readonly normalize?: NamedNormalize | undefined;
  readonly moments?: Moments | undefined;
  /** For whoever opens the file: what `descent train` calls the model, and the data it was trained on. */
  readonly name?: string | undefined;
  readonly dataset?: string | undefined;
  /** Pixels of the shorter side of a picture before the middle is cut out. */
  readonly resize?: number | undefined;
}

/** What an ONNX file does besides the net. */
export interface OnnxOptions {
  /** Whether it takes normalised images; without it the net normalises pixels from 0 to 1 itself. */
  readonly normalizedInput?: boolean | undefined;
  /** A second output, `probabilities`. */
  readonly softmax?: boolean | undefined;
}

const SOURCE: Known<OnnxSource> = {
  model: true,
  shape: true,
  weights: true,
  classes: true,
  outputs: true,
  inputs: true,
  dtype: true,
  normalize: true,
  moments: true,
  name: true,
  dataset: true,
  resize: true,
};
const OPTIONS: Known<OnnxOptions> = { normalizedInput: 'boolean', softmax: 'boolean' };

/** What goes into a net, in words. */
export const inputOf = (dtype: OnnxSource['dtype'], isNormalized: boolean): string =>
  dtype === 'float32' ? `${isNormalized ? 'normalised ' : ''}values` : isNormalized ? 'normalised pixels' : 'pixels from 0 to 1';

/** The bytes of an ONNX file, as exportOnnx (open.ts) describes it. */
export async function onnxBytes(source: OnnxSource, options: OnnxOptions): Promise<Uint8Array<ArrayBuffer>> {
  onlyOptions('exportOnnx', source, SOURCE);
  onlyOptions('exportOnnx', options, OPTIONS);
  const { normalizedInput = false, softmax = false } = options;
  const { model, shape, classes, outputs: numbers, weights, normalize = 'none', name, moments: given } = withMoments(source);
  check(
    Array.isArray(shape) && shape.length && shape.every(side => isWithin(side, COUNT)),
    `shape: it is ${Array.isArray(shape) ? show(shape) : kindOf(shape)}`,
    'give that of one input, as [1, 28, 28]',
  );
  const [c = 0, h = 0, w = 0] = shape;
  const image = shape.length === 3 ? ([c, h, w] as const) : undefined;
  const { dtype = image ? undefined : 'float32' } = source;
  const names = numbers ?? classes;
  const isNames = Array.isArray(names) && names.every(name => typeof name === 'string');
  const what = numbers ? 'outputs' : 'classes';
  check(names === undefined || isNames, `${what}: it is ${kindOf(names)}`, 'give an array of names');
  checkTensors(weights);
  check(
    !(softmax && numbers),
    say`${named('softmax')}: the net predicts numbers (${numbers?.join(', ')}), which have no probabilities`,
    'leave it out',
  );
  check(!softmax || classes, 'softmax: the net has no classes', 'give { classes }', 'leave it out');
  const whitens = normalize === 'pca' || normalize === 'zca';
  check(!whitens || !normalizedInput, say`${named('normalizedInput')}: the matrix of ${normalize} is part of the net`, 'leave it out');
  const moments = normalize === 'none' ? undefined : given;
  check(moments || normalize === 'none', `${normalize}: the moments of the training images are not known`, 'give a file that holds them');
  check(image || normalize === 'none', `normalize: ${normalize} is of images, and the inputs are ${show(shape)}`, 'leave it out');
  const net = built((g, x) => outputOf(model, g, x), shape);
  check(
    !names || (net.output.shape.length === 2 && net.output.shape[1] === names.length),
    `onnx: the model gives ${show(net.output.shape)} for one input`,
    `its output must be ${numbers ? `the ${numbers.length} numbers ${numbers.join(', ')}` : `one logit for each of ${names?.length} classes`}`,
  );
  const { [WHITENING]: whitening, ...own } = weights;
  matchWeights(net.weights, whitens ? own : weights);

  const o = collecting();
  o.path = 'normalise';
  const input = image ? 'image' : 'input';
  const x = normalizedInput || !image ? input : normalised(o, image, normalize, moments, whitening && WHITENING);
  const answer = numbers ? 'values' : classes ? 'logits' : 'output';
  o.node('Identity', [addNodes(o, net, x)], {}, answer);
  if (softmax) o.node('Softmax', ['logits'], { axis: 1 }, 'probabilities');
  const outputs = softmax ? [answer, 'probabilities'] : [answer];
  const { format, ...told } = metadataOf({ ...source, model: name, dtype, shape: image, normalize, moments });
  return encodeOnnx({
    nodes: o.nodes,
    constants: new Map<string, Constant>([...Array.from(o.used, name => [name, weights[name]!] as const), ...o.constants]),
    inputs: [{ name: input, shape: ['batch', ...shape] }],
    outputs: outputs.map(name => ({ name, shape: ['batch', ...net.output.shape.slice(1)] })),
    metadata: { ...told, input: inputOf(dtype, normalizedInput) },
  });
}

/** Throws where weights of a program without types are none. */
function checkTensors(weights: unknown): asserts weights is Tensors {
  check(typeof weights === 'object' && weights !== null, `weights: it is ${kindOf(weights)}`, 'give tensors, as await net.weights()');
  const wrong = Object.entries(weights).find(([, t]) => !((t as Tensors[string] | undefined)?.data instanceof Float32Array));
  check(!wrong, `weights: the data of ${wrong?.[0]} are ${kindOf(Object(wrong?.[1]).data)}`, 'give a Float32Array');
}

/** From pixels in [0, 1] what the net sees: scaled and shifted by channel, or by pixel where a mean image is subtracted, and whitened. */
function normalised(
  o: OnnxGraph,
  [c, h, w]: Dataset['shape'],
  normalize: Normalize,
  moments: Moments | undefined,
  matrix: string | undefined,
): string {
  const size = c * h * w;
  const both = scaleAndShift({ shape: [c, h, w], dtype: 'float32' }, normalize, moments);
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
