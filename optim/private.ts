/** What dpSgd of pieces.ts takes: the sum of the gradients of a batch, each clipped by itself. */
import type { Graph } from '../engine/graph.ts';
import type { Layout } from '../engine/plan.ts';
import { flatReduce, PARTS } from '../shaders/update/flat.ts';
import { addClipped, clipScale } from '../shaders/update/update.ts';
import type { Privacy } from './accountant.ts';
import { stateBuffer } from './optimizer.ts';
import { CLIPPED } from './pieces.ts';

/** Adds the gradient that a graph leaves, of one sample, to the sum of its batch, clipped; step values are those of `sampleValues`. */
export function clipSample(g: Graph, layout: Layout, rule: { readonly name: string }): void {
  const pages = layout.pages('grad').map(({ buffer, bytes }, page) => {
    const sum = layout.page(stateBuffer(rule, CLIPPED, page), bytes);
    return { a: g.whole('grad', buffer, bytes), sum: g.whole('state', sum, bytes) };
  });
  const partial = g.persistent('state', 'sample partial', [pages.length * PARTS]);
  const scale = g.persistent('state', 'sample clip', [4]);
  for (const [page, { a }] of pages.entries()) g.run(flatReduce, { n: a.size, f: 'a * a', first: page * PARTS }, { a, partial });
  g.run(clipScale, { pages: pages.length }, { partial, scale });
  for (const { a, sum } of pages) g.run(addClipped, { n: a.size }, { a, scale, sum });
}

/** Step values for sample number `sample` of a batch, from 0. */
export const sampleValues = ({ clip }: Privacy, sample: number): Record<string, number> => ({ clip_norm: clip, g_scale: 1, sample });
