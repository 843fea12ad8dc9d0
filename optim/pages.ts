/** Which values of a page of parameters are what: of which group, the rows of weights. */
import type { Graph } from '../engine/graph.ts';
import { product, type Tensor } from '../engine/tensor.ts';
import type { Layout } from '../engine/plan.ts';
import { range } from '../shaders/kernel/wgsl.ts';
import { GROUPED } from '../shaders/update/update.ts';

/** The parameters in one page. */
const inPage = (g: Graph, layout: Layout, buffer: string) =>
  [...g.params.values()].map(({ value }) => ({ value, place: layout.place(value) })).filter(p => p.place.buffer === buffer);

/** The group of each stretch of GROUPED values of a page, as u32 bits: places of parameters begin with a stretch. */
export function groupTable(g: Graph, layout: Layout, buffer: string, bytes: number, groupOf: (parameter: Tensor) => number): Tensor {
  const table = new Uint32Array(Math.ceil(bytes / 4 / GROUPED));
  for (const { value, place } of inPage(g, layout, buffer)) {
    const first = place.offset / 4 / GROUPED;
    table.fill(groupOf(value), first, first + Math.ceil(value.size / GROUPED));
  }
  return g.persistent('state', `groups of ${buffer}`, [table.length], () => new Float32Array(table.buffer));
}

/** Start and length of the incoming weights of each output in a page, as u32 bits; undefined where there are no weights. */
export function unitRows(g: Graph, layout: Layout, buffer: string): Tensor | undefined {
  const weights = inPage(g, layout, buffer).filter(({ value }) => value.isMatrix);
  const table = weights.flatMap(({ value, place }) => {
    const fan = product(value.shape.slice(1));
    return range(value.shape[0]!).flatMap(unit => [place.offset / 4 + unit * fan, fan]);
  });
  if (!table.length) return undefined;
  return g.persistent('state', `units of ${buffer}`, [table.length], () => new Float32Array(Uint32Array.from(table).buffer));
}
