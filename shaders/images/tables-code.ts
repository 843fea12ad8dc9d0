/** The WGSL of tables.ts, and of what reads the tables. */
import { range, XYZW } from '../kernel/wgsl.ts';
import { pagesWgsl, placeOf, type Pages } from './pages.ts';
import { BYTES, DARKEST, MEAN, STRETCH, TABLE } from './table.ts';

const THREADS = 64;

/** What is done to an image as its histogram says; see `tone`. */
export const TONES = { none: 0, autocontrast: 1, equalize: 2 } as const;

/** The tables of a batch. */
export const tablesCode = (p: Pages & { n: number }): string => `${pagesWgsl(p)}
const PLANE = ${p.h * p.w}u;
var<workgroup> counts : array<atomic<u32>, ${BYTES}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let index = order[op.offset + group.y];
  let place = ${placeOf(p, 'op.offset + group.y', 'index')};
  for (var v = lane; v < ${BYTES}u; v += ${THREADS}u) { atomicStore(&counts[v], 0u); }
  workgroupBarrier();
  for (var i = lane; i < PLANE; i += ${THREADS}u) { atomicAdd(&counts[byteAt(place, group.x * PLANE + i)], 1u); }
  workgroupBarrier();
  if (lane > 0u) { return; }
  let base = (group.y * ${p.c}u + group.x) * ${TABLE}u;
  var low = 255u; var high = 0u; var sum = 0u;
  for (var v = 0u; v < ${BYTES}u; v++) {
    let n = atomicLoad(&counts[v]);
    if (n > 0u) { low = min(low, v); high = v; }
    sum += n * v;
  }
  let step = (PLANE - atomicLoad(&counts[high])) / 255u;
  var below = step / 2u;
  for (var v = 0u; v < ${BYTES}u; v++) {
    tables[base + v] = f32(select(v, min(below / max(step, 1u), 255u), step > 0u));
    below += atomicLoad(&counts[v]);
  }
  let spread = high > low;
  tables[base + ${DARKEST}u] = select(0.0, f32(low), spread);
  tables[base + ${STRETCH}u] = select(1.0, 255.0 / f32(max(high - low, 1u)), spread);
  tables[base + ${MEAN}u] = f32(sum) / f32(PLANE);
}`;

/**
 * WGSL that reads the tables: `meanColour(row)`, and `tone(kind, v, row)`: one of TONES, between whole bytes by interpolation.
 */
export function tablesWgsl(c: number): string {
  const channel = (k: number) => (c > 1 ? `v.${XYZW[k]}` : 'v');
  const tones = range(c).map(k => `channelTone(kind, ${channel(k)}, (row * ${c}u + ${k}u) * ${TABLE}u)`);
  return `
fn channelMean(row : u32, k : u32) -> f32 { return tables[(row * ${c}u + k) * ${TABLE}u + ${MEAN}u]; }
fn meanColour(row : u32) -> Px { return Px(${range(c)
    .map(k => `channelMean(row, ${k}u)`)
    .join(', ')}); }
fn channelTone(kind : f32, v : f32, base : u32) -> f32 {
  if (kind < ${TONES.equalize - 0.5}) { return clamp((v - tables[base + ${DARKEST}u]) * tables[base + ${STRETCH}u], 0.0, 255.0); }
  let at = clamp(v, 0.0, 255.0);
  let low = u32(at);
  return mix(tables[base + low], tables[base + min(low + 1u, 255u)], at - f32(low));
}
fn tone(kind : f32, v : Px, row : u32) -> Px {
  if (kind < ${TONES.autocontrast - 0.5}) { return v; }
  return Px(${tones.join(', ')});
}`;
}
