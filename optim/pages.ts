/** Which values of a page of parameters are what: runs that decay and runs that do not, the rows of weights. */
import { product, type Graph, type Tensor } from '../engine/graph.ts';
import type { Layout } from '../engine/plan.ts';
import { range } from '../shaders/kernel/wgsl.ts';
import type { Update } from '../shaders/update/update.ts';

/** The parameters in one page, in order. */
const inPage = (g: Graph, layout: Layout, buffer: string) =>
  [...g.params.values()]
    .map(({ value }) => ({ value, place: layout.place(value) }))
    .filter(p => p.place.buffer === buffer)
    .sort((a, b) => a.place.offset - b.place.offset);

/** Maximal runs of parameters that decay (rank 2 and above) and that do not. */
export function decayRuns(g: Graph, layout: Layout, buffer: string, bytes: number): Omit<Update, 'page'>[] {
  const runs: Omit<Update, 'page'>[] = [];
  for (const { value, place } of inPage(g, layout, buffer)) {
    const decays = value.shape.length > 1;
    if (runs.at(-1)?.decays !== decays) runs.push({ first: place.offset / 4, n: 0, decays });
  }
  runs.forEach((run, i) => {
    run.n = (runs[i + 1]?.first ?? bytes / 4) - run.first;
  });
  return runs;
}

/** Start and length of the incoming weights of each output in a page, as u32 bits; undefined where there are no weights. */
export function unitRows(g: Graph, layout: Layout, buffer: string): Tensor | undefined {
  const weights = inPage(g, layout, buffer).filter(({ value }) => value.shape.length > 1);
  const table = weights.flatMap(({ value, place }) => {
    const fan = product(value.shape.slice(1));
    return range(value.shape[0]!).flatMap(unit => [place.offset / 4 + unit * fan, fan]);
  });
  if (!table.length) return undefined;
  return g.persistent('state', `units of ${buffer}`, [table.length], () => new Float32Array(Uint32Array.from(table).buffer));
}
