import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { ceilDiv, kernel, unroll } from './kernel.ts';

/** A batch of `n` images of c x h x w bytes, of a data set of `total` images in `pages` buffers of `perPage` images. */
export interface Gather { n: number; c: number; h: number; w: number; pages: number; perPage: number }

/** Most pages of one data set: two more bindings than these are needed, and every adapter has eight. */
export const MAX_PAGES = 4;

/**
 * x [n, c, h, w] = (byte / 255 - mean) / std of images order[offset] … order[offset + n - 1], and their labels [n]. `norm` [2, c, h, w]
 * holds scale and shift per value: x = byte * scale + shift. One thread takes four bytes at a time.
 */
export const gather = kernel({
  name: 'gather',
  bindings: { order: 'read u32', norm: 'read', labelsAll: 'read u32', x: 'write', labels: 'write u32', page0: 'read u32', page1: 'read u32?', page2: 'read u32?', page3: 'read u32?' },
  step: () => ({ offset: 'u32' }),
  grid: (p: Gather, d) => [ceilDiv(ceilDiv(p.c * p.h * p.w, 4), (d.lanes || 64) * (d.lanes ? 64 : 1)), p.n, 1],
  code: (p, d) => {
    const size = p.c * p.h * p.w, words = ceilDiv(size, 4), threads = d.lanes || 64, run = threads * (d.lanes ? 64 : 1);
    const read = (at: string) => p.pages === 1 ? `page0[${at}]` : `fromPage(page, ${at})`;
    return wgsl`
const SIZE = ${size}u; const WORDS = ${words}u;
#if ${p.pages > 1}
fn fromPage(page : u32, at : u32) -> u32 {
  ${unroll(p.pages - 1, i => `if (page == ${i}u) { return page${i}[at]; }`)}
  return page${p.pages - 1}[at];
}
#endif
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let image = group.y;
  let index = order[op.offset + image];
  if (group.x == 0u && lane == 0u) { labels[image] = labelsAll[index]; }
  let page = index / ${p.perPage}u;
  let base = index % ${p.perPage}u * WORDS;
  let end = min((group.x + 1u) * ${run}u, WORDS);
  for (var i = group.x * ${run}u + lane; i < end; i += ${threads}u) {
    let bytes = unpack4xU8(${read('base + i')});
    ${unroll(4, j => `{ let at = i * 4u + ${j}u; if (at < SIZE) { x[image * SIZE + at] = f32(bytes[${j}]) * norm[at] + norm[SIZE + at]; } }`)}
  }
}`;
  },
});
