/** ONNX's operators that give values another shape or place, as our layers; and what exporters compute shapes with. */
import type { Tensor } from '../../engine/tensor.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { cat, zeroPadShortcut } from '../../layers/compose.ts';
import { reshape } from '../../layers/geometry.ts';
import { circularPad, constantPad, reflectionPad, replicationPad } from '../../layers/pad.ts';
import { maxPool } from '../../layers/pool.ts';
import { reshaped, type Constant } from './net.ts';
import { partOf } from './parts.ts';
import { transposed } from './patterns.ts';
import { isConstant, type Reading, type Value } from './reading.ts';

/** The same values in another shape. */
export const shaped = (n: Reading, x: Tensor, shape: readonly number[]): Tensor => n.layer((g, x) => reshape(g, x, shape), x);

export function reshapeOf(n: Reading): Value {
  const x = n.value(0);
  if (!x || isConstant(x)) return reshaped(n.constant(0), n.constant(1));
  const asked = Array.from(n.constant(1).data, (size, i) => (size === 0 ? x.shape[i]! : size));
  // the first size is the batch: that of the file may be another, where it was fixed as the file was written
  const [batch, rest] = [x.shape[0]!, asked.slice(1)];
  const known = product(rest.filter(size => size !== -1));
  const shape = [batch, ...rest.map(size => (size === -1 ? Math.floor(x.size / batch / known) : size))];
  if (product(shape) !== x.size) n.fail(`its ${asked.join('x')} does not keep the batch`);
  return shaped(n, x, shape);
}

export function flattenOf(n: Reading): Tensor {
  const x = n.tensor(0);
  const axis = n.whole('axis', 1);
  if (axis !== 1 && axis !== 1 - x.shape.length) n.fail(`its axis is ${axis}`, 'it must keep the batch');
  return shaped(n, x, [x.shape[0]!, x.size / x.shape[0]!]);
}

/** A constant of one dimension, and its values. */
const listed = (data: readonly number[]): Constant => ({ shape: [data.length], data });
function listOf(n: Reading, i: number): readonly number[] {
  const { shape, data } = n.constant(i);
  return shape.length < 2 ? Array.from(data) : n.fail(`its input ${i} has ${shape.length} dimensions`, 'one is accepted');
}

/** The axes of a node: an input since opset 13, an attribute before. */
export const axesOf = (n: Reading): readonly number[] => n.list('axes') ?? (n.value(1) ? Array.from(n.constant(1).data) : []);

export function squeeze(n: Reading): Value {
  const x = n.value(0)!;
  const axes = axesOf(n).map(axis => (axis < 0 ? axis + x.shape.length : axis));
  const shape = x.shape.filter((size, i) => (axes.length ? !axes.includes(i) : size !== 1));
  return isConstant(x) ? { ...x, shape } : shaped(n, x, shape);
}

export function unsqueeze(n: Reading): Value {
  const x = n.value(0)!;
  const shape = [...x.shape];
  const axes = axesOf(n);
  const rank = shape.length + axes.length;
  for (const axis of axes.map(axis => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)) shape.splice(axis, 0, 1);
  return isConstant(x) ? { ...x, shape } : shaped(n, x, shape);
}

export function concatOf(n: Reading): Value {
  const values = n.node.inputs.map((_, i) => n.value(i)!);
  if (values.every(isConstant)) return listed(values.flatMap((_, i) => listOf(n, i)));
  const tensors = values.map((_, i) => n.tensor(i));
  const axis = axisIn(n, 1, tensors[0]!);
  return n.layer(g => cat(g, tensors, axis), tensors[0]!);
}

/** The axis of a node, which is behind the batch. */
function axisIn(n: Reading, otherwise: number, { shape }: Tensor): number {
  const axis = n.whole('axis', otherwise);
  const at = axis < 0 ? axis + shape.length : axis;
  return at < 1 ? n.fail(`its axis is ${axis}`, 'it must keep the batch') : at;
}

export function gather(n: Reading): Constant {
  const from = listOf(n, 0);
  const at = n.constant(1);
  return { shape: at.shape, data: Array.from(at.data, i => from.at(i)!) };
}

/** The sizes of a value, or some of them. */
export function shapeOf(n: Reading): Constant {
  const { shape } = n.value(0) ?? n.fail('it has no input');
  return listed(shape.slice(n.whole('start', 0), n.whole('end', shape.length)));
}

/** A number, as often as a shape says. */
export function constantOfShape(n: Reading): Constant {
  const shape = listOf(n, 0);
  const size = product(shape);
  if (!(size <= MOST_NUMBERS)) n.fail(`its shape is ${shape.join('x')}`, `up to ${MOST_NUMBERS} numbers are accepted`);
  const { value } = n.node.attributes;
  const number = typeof value === 'object' && 'data' in value ? value.data : Float32Array.of(0);
  const data = Array<number>(size).fill(number[0]!);
  return { shape, data: number instanceof Float32Array ? Float32Array.from(data) : data };
}
const MOST_NUMBERS = 2 ** 20;

/** Known numbers, rows as columns. */
export function transpose(n: Reading): Constant {
  const x = n.constant(0);
  const order = n.list('perm') ?? [...x.shape.keys()].reverse();
  if (order.join() !== '1,0') n.fail(`its order is ${order.join(', ')}`, 'rows and columns of numbers that are known are accepted');
  const y = transposed(x);
  return x.data instanceof Float32Array ? y : { ...y, data: Array.from(y.data) };
}

/** Of known numbers the rows from one to another, or all of them backwards. */
function rowsOf(n: Reading, { shape, data }: Constant, start: number, end: number, step: number): Constant {
  const rows = [...Array(shape[0]).keys()];
  const isBackwards = step === -1 && (start === -1 || start >= rows.length - 1) && end < -rows.length;
  if (step !== 1 && !isBackwards) n.fail(`its step is ${step}`, 'numbers that follow each other are accepted, and all backwards');
  const taken = isBackwards ? rows.reverse() : rows.slice(start, end);
  const width = data.length / rows.length;
  const values = taken.flatMap(row => Array.from(data.slice(row * width, (row + 1) * width)));
  return { shape: [taken.length, ...shape.slice(1)], data: data instanceof Float32Array ? Float32Array.from(values) : values };
}

/** The parts of a value along a dimension behind the batch: of sizes that are given, or as many as there are outputs. */
export function split(n: Reading): readonly Value[] {
  const x = n.tensor(0);
  const at = axisIn(n, 0, x);
  const count = n.node.outputs.length;
  const even = Math.ceil(x.shape[at]! / count);
  const ends = Array.from({ length: count }, (_, i) => Math.min(even * (i + 1), x.shape[at]!) - Math.min(even * i, x.shape[at]!));
  const sizes = n.list('split') ?? (n.value(1) ? listOf(n, 1) : ends);
  if (sizes.length !== count || sizes.reduce((a, b) => a + b, 0) !== x.shape[at] || sizes.some(size => size < 1))
    n.fail(`its sizes are ${sizes.join(', ')} of ${x.shape[at]}`, 'sizes above 0 that make up the whole are accepted');
  let from = 0;
  return sizes.map(size => n.layer(partOf(at, from, (from += size)), x));
}

/** Parts of the image along its dimensions, every so many rows and columns of the whole, and numbers that are known. */
export function slice(n: Reading): Value {
  const x = n.value(0)!;
  // bounds are inputs since opset 10, attributes before
  const [starts, ends] = [n.list('starts') ?? listOf(n, 1), n.list('ends') ?? listOf(n, 2)];
  const given = n.list('axes') ?? (n.value(3) ? listOf(n, 3) : starts.map((_, i) => i));
  const axes = given.map(axis => (axis < 0 ? axis + x.shape.length : axis));
  const steps = n.value(4) ? listOf(n, 4) : starts.map(() => 1);
  if (isConstant(x)) {
    if (axes.join() !== '0') n.fail(`its axes are ${axes.join(', ')}`, 'of numbers that are known the first is accepted');
    return rowsOf(n, x, starts[0]!, ends[0]!, steps[0]!);
  }
  const strides = x.shape.map((_, axis) => steps[axes.indexOf(axis)] ?? 1);
  const parts = axes.map((axis, i) => {
    const size = x.shape[axis]!;
    const [from, to] = [starts[i]!, ends[i]!].map(bound => Math.min(size, Math.max(0, bound < 0 ? bound + size : bound)));
    return { axis, from: from!, to: to!, isWhole: from === 0 && to === size };
  });
  const isWhole = parts.every(part => part.isWhole);
  if (!isWhole && steps.every(step => step === 1) && parts.every(part => part.isWhole || (part.axis > 0 && part.from < part.to)))
    return parts.filter(part => !part.isWhole).reduce((t, { axis, from, to }) => n.layer(partOf(axis, from, to), t), x);
  const [batch, channels, rows = 1, columns = 1] = strides;
  if (!isWhole || batch !== 1 || channels !== 1 || rows < 1 || columns < 1)
    n.fail(
      'it takes every n-th of a part, of channels or of the batch',
      'parts of images, or every n-th row and column of all, are accepted',
    );
  // PyTorch writes a node for the rows and one for the columns
  return n.layer(rows === columns ? zeroPadShortcut(x.shape[1]!, rows) : maxPool(1, { stride: [rows, columns] }), x);
}

/** Zeros before and after the channels, as many of each, or what is around images. */
export function pad(n: Reading): Tensor {
  const x = n.tensor(0);
  const pads = n.list('pads') ?? Array.from(n.constant(1).data);
  const value = n.value(2) ? n.constant(2).data[0]! : n.float('value', 0);
  const mode = n.word('mode', 'constant');
  const refused = () => n.fail(`its pads are ${pads.join(', ')}`, 'around images, or zeros on both sides of the channels, are accepted');
  if (pads.every(p => p === 0)) return x;
  if (pads.length !== 8 || pads[0] || pads[4]) return refused();
  const [, before, top, left, , after, bottom, right] = pads as [number, number, number, number, number, number, number, number];
  if (before || after) {
    const isShortcut =
      !top && !left && !bottom && !right && before === Math.floor((before + after) / 2) && value === 0 && mode === 'constant';
    return isShortcut ? n.layer(zeroPadShortcut(x.shape[1]! + before + after), x) : refused();
  }
  const edges = { top, left, bottom, right };
  if (mode === 'reflect') return n.layer(reflectionPad(edges), x);
  if (mode === 'edge') return n.layer(replicationPad(edges), x);
  if (mode === 'wrap') return n.layer(circularPad(edges), x);
  return n.layer(
    mode === 'constant' ? constantPad(edges, value) : n.fail(`its mode is ${mode}`, 'constant, reflect, edge or wrap is accepted'),
    x,
  );
}
