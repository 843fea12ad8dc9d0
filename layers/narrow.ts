/** A part of a tensor along one of its dimensions. */
import { check, kindOf, show } from '../engine/check.ts';
import type { Graph } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import { product } from '../shaders/kernel/shape.ts';
import { readPart, writePart } from '../shaders/move/copy.ts';
import { mapInto } from './broadcast.ts';

/** Places `start` to `start + length` along `axis`, as torch.narrow. [n, …, size, …] -> [n, …, length, …]. */
export function narrow(g: Graph, x: Tensor, axis: number, start: number, length: number): Tensor {
  const places = x.shape[axis];
  check(places !== undefined, `${g.who('narrow')}: axis is ${kindOf(axis)}, the input ${show(x.shape)}`, `give 0 to ${x.shape.length - 1}`);
  const fits = [start, length].every(Number.isInteger) && start >= 0 && length > 0 && start + length <= places;
  check(
    fits,
    `${g.who('narrow')}: ${kindOf(length)} places from ${kindOf(start)} on, of ${places} along axis ${axis} (input ${show(x.shape)})`,
    'give whole numbers within these',
  );
  const y = g.tensor(x.shape.map((old, i) => (i === axis ? length : old)));
  const n = product(x.shape.slice(0, axis));
  const inner = product(x.shape.slice(axis + 1));
  const [whole, size, at] = [places * inner, length * inner, start * inner];
  g.run(readPart, { n, size, source: whole, start: at, dest: size, offset: 0 }, { x, y });
  const backward = (dy: Tensor) => [
    g.gradientOf(x, dx => {
      mapInto(g, 'zero', { v: x }, dx);
      g.run(writePart, { n, size, source: size, start: 0, dest: whole, offset: at }, { x: dy, y: dx });
    }),
  ];
  return g.record([x], y, backward, {
    onnx: (o, x0) => o.node('Slice', [x0, ...[[start], [start + length], [axis]].map(o.integers)]),
  });
}
