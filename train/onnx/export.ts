/** A trained net as an ONNX file (opset 17): what each layer says that it is, with the weights under their own names. */
import { create, toBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import { check, show } from '../../engine/check.ts';
import { Graph, type Layer, type Tensor } from '../../engine/graph.ts';
import type { OnnxGraph } from '../../engine/onnx.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { scaleAndShift, type Moments, type Normalize } from '../data/statistics.ts';
import { matchWeights, savedOf } from '../evaluate/weights.ts';
import type { Tensors } from '../run/safetensors.ts';
import { attribute, floatTensor, floatValue, integerTensor } from './messages.ts';

/** What goes into a file. */
export interface OnnxSource {
  readonly model: Layer;
  /** Of an image: [channels, height, width]. */
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
  readonly weights: Tensors;
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
  readonly softmax?: boolean;
}

const OPSET = 17n;
/** The version of the file format that came with the opset. */
const IR = 8n;
const WHITENING = 'whitening.weight';

/**
 * The bytes of an ONNX file: `image` [batch, c, h, w] -> `logits` [batch, classes], the batch of any size. Throws where weights and model do
 * not go together, and where a layer has no ONNX form.
 */
export function exportOnnx(source: OnnxSource, { normalises = true, softmax = false }: OnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const { model, shape, classes, weights, normalize, moments, metadata = {} } = source;
  const whitens = normalize === 'pca' || normalize === 'zca';
  check(!whitens || normalises, `${normalize}: its matrix is part of the net`, 'let the net normalise its images');
  check(moments || normalize === 'none', `${normalize}: the moments of the training images are not known`, 'give a file that holds them');
  const g = new Graph({ training: false, profile: DEFAULT_PROFILE });
  const images = g.tensor([1, ...shape], 'input', 'image');
  const logits = model(g, images);
  check(
    logits.shape.length === 2 && logits.shape[1] === classes.length,
    `onnx: the model gives ${show(logits.shape)} for one image`,
    `its output must be one logit for each of ${classes.length} classes`,
  );
  const { [WHITENING]: whitening, ...own } = weights;
  matchWeights(savedOf(g), whitens ? own : weights);

  const file = collecting(weights);
  file.path = 'normalise';
  const x = normalises ? normalised(file, source, whitening && WHITENING) : 'image';
  const values = new Map([[images, x]]);
  /** The value of a tensor, in the shape that its reader sees. */
  const valueIn = (t: Tensor, reader: string): string => {
    const { base } = t;
    const value = values.get(base ?? t);
    check(value !== undefined, `onnx: ${reader} reads values that no layer says it gives`, 'have their layer call g.record');
    return base && show(base.shape) !== show(t.shape) ? file.node('Reshape', [value, file.integers([-1, ...t.shape.slice(1)])]) : value;
  };
  for (const { path, inputs, output, onnx } of g.layers) {
    file.path = path || 'model';
    check(onnx, `onnx: the layer ${file.path} has no ONNX form`, 'leave it out, or have its g.record say { onnx }');
    const given = inputs.map(t => valueIn(t, file.path));
    values.set(output, onnx(file, ...given));
  }
  file.path = 'output';
  file.node('Identity', [valueIn(logits, 'the output')], {}, 'logits');
  if (softmax) file.node('Softmax', ['logits'], { axis: 1 }, 'probabilities');
  const outputs = softmax ? ['logits', 'probabilities'] : ['logits'];
  const facts = {
    ...metadata,
    classes: JSON.stringify(classes),
    shape: JSON.stringify(shape),
    normalize,
    ...(moments && { moments: JSON.stringify(moments) }),
    input: normalises ? 'pixels from 0 to 1' : 'normalised pixels',
  };
  const bytes = toBinary(
    onnx.ModelProtoSchema,
    create(onnx.ModelProtoSchema, {
      irVersion: IR,
      opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: '', version: OPSET })],
      producerName: 'descent',
      graph: create(onnx.GraphProtoSchema, {
        name: metadata.model ?? 'net',
        input: [floatValue('image', ['batch', ...shape])],
        output: outputs.map(name => floatValue(name, ['batch', classes.length])),
        initializer: file.constants,
        node: file.nodes,
      }),
      metadataProps: Object.entries(facts).map(([key, value]) => create(onnx.StringStringEntryProtoSchema, { key, value })),
    }),
  );
  return bytes;
}

/** From pixels in [0, 1] what the net sees: scaled and shifted by channel, or by pixel where a mean image is subtracted, and whitened. */
function normalised(o: OnnxGraph, { shape, normalize, moments }: OnnxSource, matrix: string | undefined): string {
  const [c, h, w] = shape;
  const size = c * h * w;
  const both = scaleAndShift({ shape, dtype: 'float32' }, normalize, moments);
  const constant = (values: Float32Array): string => {
    const planes = Array.from({ length: c }, (_, k) => values.subarray(k * h * w, (k + 1) * h * w));
    const isFlat = planes.every(plane => plane.every(v => v === plane[0]));
    return isFlat
      ? o.floats(
          planes.map(plane => plane[0]!),
          [1, c, 1, 1],
        )
      : o.floats(values, [1, c, h, w]);
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

/** A graph whose nodes and constants are messages. */
interface Collected extends OnnxGraph {
  /** The layer that the next nodes belong to, by which they are named. */
  path: string;
  readonly nodes: onnx.NodeProto[];
  readonly constants: onnx.TensorProto[];
  readonly node: (...args: [...Parameters<OnnxGraph['node']>, output?: string]) => string;
}

function collecting(weights: Tensors): Collected {
  const nodes: onnx.NodeProto[] = [];
  const constants: onnx.TensorProto[] = [];
  const names = new Set<string>();
  /** A name under the present path that nothing has yet. */
  const named = (what: string): string => {
    let name = `${o.path}/${what}`;
    for (let n = 2; names.has(name); n++) name = `${o.path}/${what} ${n}`;
    names.add(name);
    return name;
  };
  const constant = (make: (name: string) => onnx.TensorProto): string => {
    const tensor = make(named('constant'));
    constants.push(tensor);
    return tensor.name;
  };
  const o: Collected = {
    path: '',
    nodes,
    constants,
    node(opType, inputs, attributes = {}, output) {
      const name = named(opType);
      const input = inputs.slice(0, inputs.findLastIndex(value => value !== undefined) + 1).map(value => value ?? '');
      const own = Object.entries(attributes).map(([key, value]) => attribute(key, value));
      nodes.push(create(onnx.NodeProtoSchema, { name, opType, input, output: [output ?? name], attribute: own }));
      return output ?? name;
    },
    weight({ name }) {
      const { shape, data } = weights[name]!;
      if (!names.has(name)) constants.push(floatTensor(name, shape, data));
      names.add(name);
      return name;
    },
    floats(values, shape) {
      const list = Float32Array.from(typeof values === 'number' ? [values] : values);
      return constant(name => floatTensor(name, shape ?? (typeof values === 'number' ? [] : [list.length]), list));
    },
    integers: values => constant(name => integerTensor(name, values)),
  };
  return o;
}
