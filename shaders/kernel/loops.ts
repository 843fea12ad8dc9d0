/** How the items of a kernel are dealt out to workgroups and threads. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Grid, Profile } from './kernel.ts';

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** The size of the largest of equal shares of `n` items, `most` at the most. */
export const evenShare = (n: number, most: number): number => ceilDiv(n, ceilDiv(n, most));

/** WGSL limits a grid to 65535 in each dimension: counts beyond fold into y. */
export const MAX_GRID = 65535;
export const fold = (workgroups: number): Grid => [Math.min(workgroups, MAX_GRID), ceilDiv(workgroups, MAX_GRID), 1];

/**
 * A loop over `n` items, `i` being the item: a workgroup of a software adapter takes a long run of them (a workgroup
 * costs 0.2 us there, whatever it does), a thread of a GPU takes four, neighbours side by side.
 */
export function each(n: number, d: Profile): { grid: Grid; main: (body: string, before?: string) => string } {
  const threads = d.lanes || Math.min(256, d.maxWorkgroup);
  const run = threads * (d.lanes ? 64 : 4);
  return {
    grid: fold(ceilDiv(n, run)),
    main: (body, before = '') => wgsl`
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let start = (group.x + group.y * ${MAX_GRID}u) * ${run}u;
  let end = min(start + ${run}u, ${n}u);
  ${before}
  for (var i = start + lane; i < end; i += ${threads}u) {
${body}
  }
}`,
  };
}
