/** Layers that ONNX files ask for and nets here are not made of: parts of values along any dimension, and values repeated. */
import type { Layer } from '../../engine/graph.ts';
import type { OnnxForm } from '../../engine/onnx.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { mapInto, summed } from '../../layers/broadcast.ts';
import { narrow } from '../../layers/narrow.ts';

/** Places `from` to `to` along a dimension behind the batch. [n, …, size, …] -> [n, …, to - from, …]. */
export const partOf =
  (axis: number, from: number, to: number): Layer =>
  (g, x) =>
    narrow(g, x, axis, from, to - from);

/** Each pixel `rows` times below one another and `columns` times side by side. [n, c, h, w] -> [n, c, h rows, w columns]. */
export const repeated =
  (rows: number, columns: number): Layer =>
  (g, x) => {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const few = [n * c, h, 1, w, 1];
    const many = [n * c, h, rows, w, columns];
    const y = g.tensor([n, c, h * rows, w * columns]);
    mapInto(g, 'v', { v: g.view(x, few) }, g.view(y, many));
    const backward = (dy: Tensor) => [g.gradientOf(x, dx => summed(g, many, 'v', { v: g.view(dy, many) }, g.view(dx, few)))];
    const way = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    return g.record([x], y, backward, { onnx: (o, x0) => o.node('Resize', [x0, undefined, o.floats([1, 1, rows, columns])], way) });
  };

/** y = f(x) of each value; dx = df. WGSL as in layers/activation.ts, `df` of dy as `v` and x as `a`. */
export const ofEach =
  (f: string, df: string, onnx: OnnxForm): Layer =>
  (g, x) =>
    g.record([x], g.map(f, x), dy => [g.map(df, dy, x)], { onnx });
