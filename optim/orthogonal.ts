/** Directions whose matrices are made nearly orthogonal, on the device (see muon.ts). */
import { check, named, say, show } from '../engine/check.ts';
import type { Graph } from '../engine/graph.ts';
import type { Layout } from '../engine/plan.ts';
import type { Param, Tensor } from '../engine/tensor.ts';
import { product } from '../shaders/kernel/shape.ts';
import { clearGaps as clear, quintic, toNorm } from '../shaders/update/orthogonal.ts';
import { matmul } from '../shaders/product/matmul.ts';
import type { Hyper } from './rule.ts';

/**
 * Those of the trained parameters that are matrices, an output a row: all but the last, that of the net's outputs. Throws where one is in
 * parts, which are orthogonal by themselves where the whole is not.
 */
export function matrices(params: Iterable<Param>): Param[] {
  const all = [...params].filter(({ value }) => value.isMatrix);
  const part = all.find(({ value }) => value.rows)?.value.rows;
  check(
    !part,
    say`${named('optimizer', 'muon')}: ${part?.name ?? ''} ${show(part?.shape ?? [])} is more than this adapter binds at once, and not one matrix there`,
    'have fewer units or smaller images',
    'take another optimizer',
  );
  return all.slice(0, -1);
}

/** The sum of squares of a tensor [1]. */
function squareOf(g: Graph, x: Tensor): Tensor {
  const square = g.tensor([1]);
  g.run(matmul, { m: 1, n: 1, k: x.size, tb: true }, { a: x, b: x, y: square });
  return square;
}

/**
 * Adds to the graph of an update what replaces the gradients of matrices X [rows, columns] by `ns_steps` Newton-Schulz iterations
 * X ← (a I + b A + c A²) X from X / |X|, A = X Xᵀ, or from the right where there are fewer columns than rows.
 */
export function orthogonalise(g: Graph, matrices: readonly Param[], { ns_steps, eps, normalize }: Hyper): void {
  for (const { value, grad } of matrices) {
    const [rows, ...rest] = value.shape as [number, ...number[]];
    const columns = product(rest);
    const n = value.size;
    if (normalize) g.run(toNorm, { n, norm: Math.sqrt(rows), eps: eps!, inPlace: true }, { square: squareOf(g, value), y: value });
    let x = g.tensor([rows, columns]);
    g.run(toNorm, { n, norm: 1, eps: eps!, inPlace: false }, { x: grad, square: squareOf(g, grad), y: x });
    const isWide = rows <= columns;
    const d = Math.min(rows, columns);
    for (let i = 1; i <= ns_steps!; i++) {
      const isLast = i === ns_steps;
      const a = g.tensor([d, d]);
      const p = g.tensor([d, d]);
      g.run(matmul, { m: d, n: d, k: n / d, ...(isWide ? { tb: true } : { ta: true }) }, { a: x, b: x, y: a });
      g.run(matmul, { m: d, n: d, k: d }, { a, b: a, y: p });
      g.run(quintic, { d, scale: isLast ? Math.sqrt(Math.max(1, rows / columns)) : 1 }, { a, p });
      const y = isLast ? grad : g.tensor([rows, columns]);
      g.run(matmul, { m: rows, n: columns, k: d }, isWide ? { a: p, b: x, y } : { a: x, b: p, y });
      x = y;
    }
  }
}

/**
 * Adds to the graph of an update what makes the gaps between gradients 0: directions stay there as gradients, and the next ones are not
 * written there. Noise in them would grow from step to step, and norms are of whole pages.
 */
export function clearGaps(g: Graph, layout: Layout): void {
  const grads = [...g.params.values()].map(({ grad }) => ({ size: grad.size, place: layout.place(grad) }));
  for (const { buffer, bytes } of layout.pages('grad')) {
    const own = grads.filter(({ place }) => place.buffer === buffer).sort((a, b) => a.place.offset - b.place.offset);
    const gaps = own.map(({ size, place }, i) => [place.offset / 4 + size, (own[i + 1]?.place.offset ?? bytes) / 4]);
    const table = g.persistent(
      'state',
      `gaps of ${buffer}`,
      [2 * gaps.length],
      () => new Float32Array(Uint32Array.from(gaps.flat()).buffer),
    );
    g.run(clear, { gaps: gaps.length }, { table, page: g.whole('grad', buffer, bytes) });
  }
}
