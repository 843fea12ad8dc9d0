/** Sums and products of tensors of which one may be repeated along dimensions of the other, and what is made of them. */
import { check, show } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Shape } from '../shaders/kernel/shape.ts';
import { onnxNode } from '../engine/onnx.ts';
import { applied } from './applied.ts';
import { broadcast, broadcastSum } from '../shaders/move/broadcast.ts';
import type { Operands } from '../shaders/move/broadcast-shape.ts';
import type { Gradient } from '../shaders/kernel/gradient.ts';

/** The shape in rank `rank`, with ones in front. */
const inRank = (shape: Shape, rank: number): Shape => [...Array<number>(rank - shape.length).fill(1), ...shape];

/** The shape of a function of a and b, as numpy and PyTorch broadcast: from the last dimension on, sizes are equal or one of them is 1. */
function shapeOf(who: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const [left, right] = [inRank(a, rank), inRank(b, rank)];
  check(
    left.every((size, d) => size === right[d] || size === 1 || right[d] === 1),
    `${who}: the two sides are ${show(a)} and ${show(b)}`,
    'give both one shape, or 1 where a side is to be repeated',
  );
  return left.map((size, d) => (size === 1 ? right[d]! : size));
}

interface Given {
  readonly v: Tensor;
  readonly a?: Tensor | undefined;
  readonly b?: Tensor | undefined;
}

const operandsOf = ({ v, a, b }: Given, rank: number): Operands => ({
  v: inRank(v.shape, rank),
  ...(a && { a: inRank(a.shape, rank) }),
  ...(b && { b: inRank(b.shape, rank) }),
});

/** y = f(v, a, b), in the shape of y. */
export const mapInto = (g: Graph, f: string, given: Given, y: Tensor): void =>
  g.run(broadcast, { shape: y.shape, of: operandsOf(given, y.shape.length), f }, { ...given, y });

/** f(v, a, b) in `shape`. */
export function mapped(g: Graph, shape: Shape, f: string, given: Given): Tensor {
  const y = g.tensor(shape);
  mapInto(g, f, given, y);
  return y;
}

/** The sum of f(v, a, b), a function in `shape`, over all that is repeated in `out`. */
export function summed(g: Graph, shape: Shape, f: string, given: Given, out: Tensor, gradient?: Gradient): void {
  const kept = inRank(out.shape, shape.length);
  g.run(broadcastSum, { shape, of: operandsOf(given, shape.length), f, kept, gradient }, { ...given, out });
}

/** The gradient of `x`, one side of a function in `shape`: f(v, a) of it, summed up where x is repeated. */
const sideGradient = (g: Graph, x: Tensor, shape: Shape, f: string, v: Tensor, a?: Tensor): Tensor | undefined =>
  g.gradientOf(x, dx => {
    if (show(inRank(x.shape, shape.length)) === show(shape)) mapInto(g, f, { v, a }, dx);
    else summed(g, shape, f, { v, a }, dx);
  });

/** a + b; a side is repeated where its size is 1 and the other's is not. */
export function add(g: Graph, a: Tensor, b: Tensor): Tensor {
  if (show(a.shape) === show(b.shape)) return g.record([a, b], g.sum(a, b), dy => [dy, dy], { onnx: onnxNode('Add') });
  const shape = shapeOf(g.who('add'), a.shape, b.shape);
  const y = mapped(g, shape, 'v + a', { v: a, a: b });
  return g.record([a, b], y, dy => [sideGradient(g, a, shape, 'v', dy), sideGradient(g, b, shape, 'v', dy)], { onnx: onnxNode('Add') });
}

/** a * b; a side is repeated where its size is 1 and the other's is not. */
export function multiply(g: Graph, a: Tensor, b: Tensor): Tensor {
  const shape = shapeOf(g.who('multiply'), a.shape, b.shape);
  const y = mapped(g, shape, 'v * a', { v: a, a: b });
  return g.record([a, b], y, dy => [sideGradient(g, a, shape, 'v * a', dy, b), sideGradient(g, b, shape, 'v * a', dy, a)], {
    onnx: onnxNode('Mul'),
  });
}

/** x * gate(x), the gate repeated along dimensions where it has size 1: squeeze-and-excitation (Hu et al. 2017) by a gate [n, c, 1, 1]. */
export const gated =
  (gate: Layer): Layer =>
  (g, x) =>
    multiply(g, x, applied('gated', 'gate', gate, g, x));
