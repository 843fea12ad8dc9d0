/** ONNX's operators as our layers. */
import { show } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { onnxNode, type OnnxForm } from '../../engine/onnx.ts';
import * as activation from '../../layers/activation.ts';
import { add, mapInto, mapped, multiply, summed } from '../../layers/broadcast.ts';
import { scale } from '../../layers/compose.ts';
import { dense } from '../../layers/dense.ts';
import { constant } from '../../layers/init.ts';
import { dropout } from '../../layers/noise.ts';
import { float } from '../../shaders/kernel/wgsl.ts';
import { batchNorm, groupNorm, layerNorm, lrn } from '../../layers/norm.ts';
import { FLOATS, type Constant } from './net.ts';
import { ofEach, repeated } from './parts.ts';
import { transposed } from './patterns.ts';
import { isConstant, type Reading, type Value } from './reading.ts';
import {
  concatOf,
  constantOfShape,
  flattenOf,
  gather,
  pad,
  reshapeOf,
  shapeOf,
  slice,
  split,
  squeeze,
  transpose,
  unsqueeze,
} from './shapes.ts';
import { conv, convTranspose, global, onImages, pool, reduced } from './windows.ts';

/** What a node gives, or each of several. */
type Reader = (n: Reading) => Value | readonly Value[];

/** A layer without weights on the first input. */
const plain =
  (layer: (n: Reading) => Layer): Reader =>
  n =>
    n.layer(layer(n), n.tensor(0));

function gemm(n: Reading): Tensor {
  const x = n.tensor(0);
  const matrix = n.constant(1);
  const bias = n.value(2) ? n.constant(2) : undefined;
  const scaled = n.float('alpha', 1) !== 1 || n.float('beta', 1) !== 1;
  if (scaled || n.whole('transA', 0) || x.shape.length !== 2 || matrix.shape.length !== 2) n.fail('it is not x W^T + b');
  const weight = n.whole('transB', 0) ? matrix : transposed(matrix);
  return n.layer(dense(weight.shape[0]!, { bias: bias !== undefined }), x, { weight, bias });
}

/** A batch norm, and with statistics of each sample by itself that of instances. */
function batchNormOf(n: Reading): Tensor {
  const [weight, bias, running_mean, running_var] = [1, 2, 3, 4].map(i => n.constant(i));
  const momentum = 1 - n.float('momentum', 0.9);
  return n.layer(batchNorm({ eps: n.float('epsilon', 1e-5), momentum }), n.tensor(0), { weight, bias, running_mean, running_var });
}

function instanceNormOf(n: Reading): Tensor {
  const [weight, bias] = [n.constant(1), n.constant(2)];
  const affine = weight.data.some(v => v !== 1) || bias.data.some(v => v !== 0);
  const x = n.tensor(0);
  return n.layer(groupNorm(x.shape[1]!, { eps: n.float('epsilon', 1e-5), affine }), x, { weight, bias });
}

function layerNormOf(n: Reading): Tensor {
  const x = n.tensor(0);
  const axis = n.whole('axis', -1);
  if (axis !== 1 && axis !== 1 - x.shape.length) n.fail(`its axis is ${axis}`, 'a norm over all of a sample is accepted');
  if (!n.value(1)) return n.layer(layerNorm({ eps: n.float('epsilon', 1e-5), affine: false }), x);
  const weight = n.constant(1);
  const bias = n.value(2) ? n.constant(2) : { shape: weight.shape, data: new Float32Array(weight.data.length) };
  return n.layer(layerNorm({ eps: n.float('epsilon', 1e-5) }), x, { weight, bias });
}

/** A sum or product of two tensors, of a tensor and a constant, or of numbers that are known. `inverse` is for Sub and Div. */
function arithmetic(n: Reading, op: 'Add' | 'Mul', inverse?: (value: number) => number): Value {
  const [a, b] = [n.value(0), n.value(1)];
  const own = (value: number) => inverse?.(value) ?? value;
  if (a && b && !isConstant(a) && !isConstant(b)) {
    if (inverse && op === 'Mul')
      return n.fail('both its sides are computed from the image', 'sums, differences and products of two values are accepted');
    const side = inverse ? n.layer(scale(-1), b) : b;
    return n.layer(g => (op === 'Add' ? add : multiply)(g, a, side), a);
  }
  const given = [a, b].find((v): v is Tensor => v !== undefined && !isConstant(v));
  if (!given) return folded(n);
  const isFirst = given === a;
  if (inverse && op === 'Mul' && !isFirst) return n.fail('its first side is a constant', 'the image divided by a constant is accepted');
  const other = n.constant(isFirst ? 1 : 0);
  const data = Float32Array.from(other.data, isFirst ? own : value => value);
  const [rank, { length }] = [given.shape.length, other.shape];
  const isRepeated =
    length <= rank && other.shape.every((size, i) => size === 1 || (i + rank > length && size === given.shape[i + rank - length]));
  if (data.length !== 1 && !isRepeated)
    n.fail(`its constant is ${show(other.shape)} beside ${show(given.shape)}`, 'one that is repeated over the other side is accepted');
  const x = inverse && !isFirst ? n.layer(scale(-1), given) : given; // of c - x
  if (data.every(v => v === (op === 'Add' ? 0 : 1))) return x;
  if (op === 'Mul' && data.length === 1) return n.layer(scale(data[0]!), x);
  return n.layer(operand(op, other.shape), x, { weight: { shape: other.shape, data } });
}

/** x + weight or x * weight, the weight repeated where its sizes are 1: it is learned. */
const operand =
  (op: 'Add' | 'Mul', shape: readonly number[]): Layer =>
  (g, x) => {
    const f = op === 'Add' ? 'v + a' : 'v * a';
    const weight = g.param('weight', shape.length ? shape : [1], constant(0));
    const y = mapped(g, x.shape, f, { v: x, a: weight.value });
    const backward = (dy: Tensor) => {
      const df = op === 'Add' ? 'v' : 'v * a';
      summed(g, x.shape, df, { v: dy, ...(op === 'Mul' && { a: x }) }, weight.grad, g.gradient(weight.grad));
      return [op === 'Add' ? dy : g.gradientOf(x, dx => mapInto(g, df, { v: dy, a: weight.value }, dx))];
    };
    return g.record([x], y, backward, { weight, onnx: (o, x) => onnxNode(op)(o, x!, o.weight(weight.value)) });
  };

const ON_NUMBERS: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/** Numbers that are known: what exporters compute shapes with. Whole ones stay whole. */
function folded(n: Reading): Constant {
  const [a, b] = [n.constant(0), n.constant(1)];
  const [short, long] = a.data.length < b.data.length ? [a, b] : [b, a];
  if (short.data.length !== 1 && show(short.shape) !== show(long.shape))
    n.fail(`its constants are ${show(a.shape)} and ${show(b.shape)}`, 'constants of one shape, or a number, are accepted');
  const at = ({ data }: Constant, i: number) => data[data.length > 1 ? i : 0]!;
  const data = Array.from(long.data, (_, i) => ON_NUMBERS[n.node.op]!(at(a, i), at(b, i)));
  const isFloat = [a, b].some(c => c.data instanceof Float32Array);
  return { shape: long.shape, data: isFloat ? Float32Array.from(data) : data.map(Math.trunc) };
}

function dropoutOf(n: Reading): Tensor {
  const ratio = n.value(1) ? n.constant(1).data[0]! : n.float('ratio', 0.5);
  return n.layer(dropout(ratio), n.tensor(0));
}

function clip(n: Reading): Tensor {
  const bound = (i: number, name: string, otherwise: number) => (n.value(i) ? n.constant(i).data[0]! : n.float(name, otherwise));
  const [least, most] = [bound(1, 'min', -Infinity), bound(2, 'max', Infinity)];
  if (least === 0 && most > 1e30) return n.layer(activation.relu(), n.tensor(0));
  if (least === 0 && most === 6) return n.layer(activation.relu6(), n.tensor(0));
  if (!(least < most)) n.fail(`it is to ${least} … ${most}`, 'from a number to one above it is accepted');
  const ends = [Math.max(least, -MOST_FLOAT), Math.min(most, MOST_FLOAT)];
  const [low, high] = ends.map(end => `one * ${float(end)}`);
  const onnx: OnnxForm = (o, x) => o.node('Clip', [x, ...ends.map(end => o.floats(end))]);
  return n.layer(ofEach(`keep(v, clamp(v, ${low}, ${high}))`, `select(zero, v, (a > ${low}) & (a < ${high}))`, onnx), n.tensor(0));
}
const MOST_FLOAT = 3.4e38;

/** x / (1 + |x|). */
const softsign = (): Layer => ofEach('v / (one + abs(v))', 'v / ((one + abs(a)) * (one + abs(a)))', onnxNode('Softsign'));

/** Images a whole number of times as large, each pixel repeated. */
function resize(n: Reading): Tensor {
  const x = n.tensor(0);
  const isOld = n.node.op === 'Upsample' || n.opset < 11;
  const [mode, way, rounding] = [
    n.word('mode', 'nearest'),
    n.word('coordinate_transformation_mode', isOld ? 'asymmetric' : 'half_pixel'),
    n.word('nearest_mode', isOld ? 'floor' : 'round_prefer_floor'),
  ];
  const accepted = 'nearest, asymmetric and floor, or half_pixel and rounded, by whole factors of rows and columns is accepted';
  const isRepeated =
    mode === 'nearest' && (way === 'asymmetric' ? rounding === 'floor' : way.endsWith('half_pixel') && rounding.startsWith('round'));
  if (!isRepeated) n.fail(`it is ${mode}, ${way}${mode === 'nearest' ? `, ${rounding}` : ''}`, accepted);
  const at = isOld ? 1 : 2;
  const held = n.node.attributes.scales; // of Upsample before opset 9
  const scales = n.value(at) ? Array.from(n.constant(at).data) : typeof held === 'object' && 'data' in held ? Array.from(held.data) : [];
  const sizes = n.value(3) ? Array.from(n.constant(3).data) : [];
  const factors = scales.length ? scales : sizes.map((size, i) => (i ? size / x.shape[i]! : 1)); // the batch of the file may be another
  const [batch, channels, rows, columns] = factors;
  const isWhole = factors.length === 4 && x.shape.length === 4 && factors.every(factor => Number.isInteger(factor) && factor > 0);
  if (!isWhole || batch !== 1 || channels !== 1) n.fail(`its factors are ${factors.join(', ') || 'not given'}`, accepted);
  return n.layer(repeated(rows!, columns!), x);
}

/** Small whole powers, as products. */
function power(n: Reading): Tensor {
  const x = n.tensor(0);
  const { data } = n.constant(1);
  const exponent = data[0]!;
  if (data.length !== 1 || ![1, 2, 3, 4].includes(exponent)) n.fail(`its exponent is ${data.join(', ')}`, '1, 2, 3 or 4 is accepted');
  let y = x;
  for (let k = 1; k < exponent; k++) y = n.layer(g => multiply(g, y, x), x);
  return y;
}

/** gamma times what elu gives. */
const selu = (n: Reading): Tensor =>
  n.layer(scale(n.float('gamma', 1.0507009873554805)), n.layer(activation.elu(n.float('alpha', 1.6732632423543772)), n.tensor(0)));

function lrnOf(n: Reading): Tensor {
  const size = n.whole('size', 1);
  if (size % 2 === 0) n.fail(`its size is ${size}`, 'an odd number of channels is accepted');
  return onImages(n, lrn({ size, alpha: n.float('alpha', 1e-4), beta: n.float('beta', 0.75), k: n.float('bias', 1) }));
}

function hardSigmoid(n: Reading): Tensor {
  const [alpha, beta] = [n.float('alpha', 0.2), n.float('beta', 0.5)];
  if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5) return n.layer(activation.hardsigmoid(), n.tensor(0));
  const line = (x: string) => `(${x} * ${float(alpha)} + ${float(beta)})`;
  const slope = `select(zero, v * ${float(alpha)}, (${line('a')} > zero) & (${line('a')} < one))`;
  const onnx = onnxNode('HardSigmoid', { alpha: { float: alpha }, beta: { float: beta } });
  return n.layer(ofEach(`keep(v, clamp(${line('v')}, zero, one))`, slope, onnx), n.tensor(0));
}

function prelu(n: Reading): Tensor {
  const weight = n.constant(1);
  return n.layer(activation.prelu({ perChannel: weight.data.length > 1 }), n.tensor(0), { weight });
}

/** A softmax over the channels. */
function overChannels(n: Reading, layer: () => Layer): Tensor {
  const x = n.tensor(0);
  const axis = n.whole('axis', n.opset < 13 ? 1 : -1);
  if (axis !== 1 && axis !== 1 - x.shape.length) n.fail(`its axis is ${axis}`, 'axis 1, the channels, is accepted');
  if (n.opset < 13 && x.shape.slice(2).some(size => size !== 1))
    n.fail(`in opset ${n.opset} it is over all of an image`, 'one over the channels is accepted, as of opset 13');
  return n.layer(layer(), x);
}

const as = (n: Reading): Value => n.value(0) ?? n.fail('it has no input');

/** Numbers of another type: known ones become whole, values of images stay as they are. */
function cast(n: Reading): Value {
  const x = as(n);
  const isFloat = FLOATS.includes(n.whole('to', 1));
  if (isConstant(x)) return { ...x, data: isFloat ? Float32Array.from(x.data) : Array.from(x.data, Math.trunc) };
  return isFloat ? x : n.fail('it makes whole numbers of values', 'a type of floats is accepted');
}

/** What reads a node, by its operator. */
export const readers: Readonly<Record<string, Reader>> = {
  Add: n => arithmetic(n, 'Add'),
  AveragePool: n => pool(n, false),
  BatchNormalization: batchNormOf,
  Cast: cast,
  Celu: plain(n => activation.celu(n.float('alpha', 1))),
  Clip: clip,
  Concat: concatOf,
  ConstantOfShape: constantOfShape,
  Conv: conv,
  ConvTranspose: convTranspose,
  Div: n => arithmetic(n, 'Mul', v => 1 / v),
  Dropout: dropoutOf,
  Elu: plain(n => activation.elu(n.float('alpha', 1))),
  Flatten: flattenOf,
  Gather: gather,
  Gelu: plain(n => (n.word('approximate', 'none') === 'tanh' ? activation.geluTanh() : activation.gelu())),
  Gemm: gemm,
  GlobalAveragePool: n => global(n, false),
  GlobalMaxPool: n => global(n, true),
  HardSigmoid: hardSigmoid,
  HardSwish: plain(() => activation.hardswish()),
  Identity: as,
  InstanceNormalization: instanceNormOf,
  LRN: lrnOf,
  LayerNormalization: layerNormOf,
  LeakyRelu: plain(n => activation.leakyRelu(n.float('alpha', 0.01))),
  LogSoftmax: n => overChannels(n, activation.logSoftmax),
  MaxPool: n => pool(n, true),
  Mish: plain(() => activation.mish()),
  Mul: n => arithmetic(n, 'Mul'),
  PRelu: prelu,
  Pad: pad,
  Pow: power,
  ReduceMax: n => reduced(n, true),
  ReduceMean: n => reduced(n, false),
  Relu: plain(() => activation.relu()),
  Reshape: reshapeOf,
  Resize: resize,
  Selu: selu,
  Shape: shapeOf,
  Sigmoid: plain(() => activation.sigmoid()),
  Slice: slice,
  Sub: n => arithmetic(n, 'Add', v => -v),
  Softmax: n => overChannels(n, activation.softmax),
  Softplus: plain(() => activation.softplus()),
  Softsign: plain(softsign),
  Split: split,
  Squeeze: squeeze,
  Tanh: plain(() => activation.tanh()),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Upsample: resize,
};
