/** What some transforms must know of a whole image, as it is stored: its histograms. */
import { kernel } from '../kernel/define.ts';
import { range } from '../kernel/wgsl.ts';
import { pageBindings, pagesWgsl, placeOf, type Pages } from './pages.ts';

/**
 * Numbers of one channel of one image: the 256 values that equalize gives to bytes; then the darkest byte, what autocontrast multiplies by,
 * and the mean.
 */
export const TABLE = 259;

/**
 * tables [n, c, TABLE] of the images of a batch. Equalize and autocontrast as in PIL's ImageOps: the cumulated histogram in steps of a
 * 255th of the pixels that are not the brightest; (v - darkest) * 255 / (brightest - darkest); an image of one colour stays as it is.
 */
export const imageTables = kernel({
  name: 'image_tables',
  bindings: { order: 'read u32', tables: 'write', ...pageBindings },
  step: (_: Pages & { n: number }): Record<string, 'u32'> => ({ offset: 'u32' }),
  grid: p => [p.c, p.n, 1],
  code: p => `${pagesWgsl(p)}
const PLANE = ${p.h * p.w}u;
var<workgroup> counts : array<atomic<u32>, 256>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let index = order[op.offset + group.y];
  let place = ${placeOf(p, 'op.offset + group.y', 'index')};
  for (var v = lane; v < 256u; v += 64u) { atomicStore(&counts[v], 0u); }
  workgroupBarrier();
  for (var i = lane; i < PLANE; i += 64u) { atomicAdd(&counts[byteAt(place, group.x * PLANE + i)], 1u); }
  workgroupBarrier();
  if (lane > 0u) { return; }
  let base = (group.y * ${p.c}u + group.x) * ${TABLE}u;
  var low = 255u; var high = 0u; var sum = 0u;
  for (var v = 0u; v < 256u; v++) {
    let n = atomicLoad(&counts[v]);
    if (n > 0u) { low = min(low, v); high = v; }
    sum += n * v;
  }
  let step = (PLANE - atomicLoad(&counts[high])) / 255u;
  var below = step / 2u;
  for (var v = 0u; v < 256u; v++) {
    tables[base + v] = f32(select(v, min(below / max(step, 1u), 255u), step > 0u));
    below += atomicLoad(&counts[v]);
  }
  let spread = high > low;
  tables[base + 256u] = select(0.0, f32(low), spread);
  tables[base + 257u] = select(1.0, 255.0 / f32(max(high - low, 1u)), spread);
  tables[base + 258u] = f32(sum) / f32(PLANE);
}`,
});

/**
 * WGSL that reads the tables: `meanColour(row)`, and `tone(kind, v, row)`: autocontrast (1) or equalize (2), between whole bytes by
 * interpolation.
 */
export function tablesWgsl(c: number): string {
  const channel = (k: number) => (c > 1 ? `v.${'xyzw'[k]}` : 'v');
  const tones = range(c).map(k => `channelTone(kind, ${channel(k)}, (row * ${c}u + ${k}u) * ${TABLE}u)`);
  return `
fn channelMean(row : u32, k : u32) -> f32 { return tables[(row * ${c}u + k) * ${TABLE}u + 258u]; }
fn meanColour(row : u32) -> Px { return Px(${range(c)
    .map(k => `channelMean(row, ${k}u)`)
    .join(', ')}); }
fn channelTone(kind : f32, v : f32, base : u32) -> f32 {
  if (kind < 1.5) { return clamp((v - tables[base + 256u]) * tables[base + 257u], 0.0, 255.0); }
  let at = clamp(v, 0.0, 255.0);
  let low = u32(at);
  return mix(tables[base + low], tables[base + min(low + 1u, 255u)], at - f32(low));
}
fn tone(kind : f32, v : Px, row : u32) -> Px {
  if (kind < 0.5) { return v; }
  return Px(${tones.join(', ')});
}`;
}
