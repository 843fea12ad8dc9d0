/** Which values of a page of parameters are what: of which group, the rows of weights. */
import type { Graph } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
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

/** Where the incoming weights of each output lie in a page (see maxNorm), as u32 bits; undefined where there are no weights. */
export function unitRows(g: Graph, layout: Layout, buffer: string): Tensor | undefined {
  const weights = inPage(g, layout, buffer).filter(({ value }) => value.isMatrix);
  const table = weights.flatMap(({ value: { shape, size, inputs }, place }) => {
    const outputs = inputs ? shape[1]! : 1; // side by side in the weights of each input
    const n = inputs ?? 1;
    const run = size / shape[0]! / outputs;
    return range((shape[0]! / n) * outputs).flatMap(unit => {
      const first = Math.floor(unit / outputs) * n * outputs + (unit % outputs);
      return [place.offset / 4 + first * run, n * run, run, outputs * run];
    });
  });
  if (!table.length) return undefined;
  return g.persistent('state', `units of ${buffer}`, [table.length], () => new Float32Array(Uint32Array.from(table).buffer));
}
