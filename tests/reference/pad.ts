/** Padding in float64, by PyTorch's names of its modes. */
import type { Edges, Numbers } from './linear.ts';

/** Where place `at` of an image of `size`, counted from its beginning, comes from; undefined outside of it by constants. */
const from: Record<string, (at: number, size: number) => number | undefined> = {
  constant: (at, size) => (at >= 0 && at < size ? at : undefined),
  reflect: (at, size) => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at),
  replicate: (at, size) => Math.min(Math.max(at, 0), size - 1),
  circular: (at, size) => (at + size) % size,
};

/** x [planes, h, w] with `edges` around it. */
export function padded(
  x: Numbers,
  [h, w]: readonly [number, number],
  { top, bottom, left, right }: Edges,
  mode: string,
  value = 0,
): Float64Array {
  const [oh, ow] = [h + top + bottom, w + left + right];
  return Float64Array.from({ length: (x.length / h / w) * oh * ow }, (_, i) => {
    const row = from[mode]!((Math.floor(i / ow) % oh) - top, h);
    const column = from[mode]!((i % ow) - left, w);
    return row === undefined || column === undefined ? value : x[Math.floor(i / (oh * ow)) * h * w + row * w + column]!;
  });
}
