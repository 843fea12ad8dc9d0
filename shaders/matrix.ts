import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { ceilDiv, unroll, XYZW, type MatrixConfig, type Profile, type Variant } from './kernel.ts';
import { operand, stages } from './stage.ts';
import type { Tiled } from './tiled.ts';

/** A workgroup of four subgroups, two by two, computes 64 x 64 outputs, each subgroup a quarter. */
const SIDE = 64, PART = SIDE / 2, PAD = 2;

/** The matrices that a call takes: of f16 where it may round its operands, else of f32. */
const configOf = (d: Profile): MatrixConfig | undefined => {
  const fits = (d.matrices ?? []).filter(c => c.type === (d.half ? 'f16' : 'f32') && PART % c.m === 0 && PART % c.n === 0 && c.n % 4 === 0
    && depthOf(c) % c.k === 0 && 4 * c.subgroup <= d.maxWorkgroup);
  return fits.sort((a, b) => b.m * b.n * b.k - a.m * a.n * a.k)[0];
};
/** Values of k in a stage: two stages of f16 or f32 fit the 16 KiB of workgroup memory that every adapter has. */
const depthOf = ({ type }: MatrixConfig): number => type === 'f16' ? 32 : 16;

/**
 * A product by the matrix units of a GPU: `chromium-experimental-subgroup-matrix`, which Dawn shows behind its flag for unsafe APIs. Stages
 * of A and B lie in workgroup memory as f16 (or f32, where the units take it), sums stay f32 and pass through workgroup memory to be
 * stored.
 */
export const matrix = <P>(t: Tiled<P>): Variant<P> => ({
  name: 'matrix',
  fits(p, d) {
    const { m, n, k } = t.shape(p);
    return d.lanes === 0 && configOf(d) !== undefined && m >= 16 && n >= 16 && k >= 16 && !t.moments?.(p);
  },
  vec4: t.vec4,
  grid: p => { const { m, n, batch = 1 } = t.shape(p); return [ceilDiv(n, SIDE), ceilDiv(m, SIDE), batch * (t.split?.(p) ?? 1)]; },
  code: (p, d) => {
    const { type, m: M, n: N, k: K, subgroup } = configOf(d)!, threads = 4 * subgroup,
      depth = depthOf({ type, m: M, n: N, k: K, subgroup });
    const { m, n, k, batch = 1 } = t.shape(p), span = ceilDiv(ceilDiv(k, t.split?.(p) ?? 1), depth) * depth, along = t.along(p),
      quads = t.quads(p);
    const put = (place: string, value: string) =>
      `{ let place = (${place}) * 4u; ${unroll(4, i => `stage[place + ${i}u] = ${type}(${value}.${XYZW[i]});`, ' ')} }`;
    const a = operand({ name: 'a', load: (m, k) => `loadA(${m}, ${k})`, limit: m, begin: 'm0', size: SIDE, base: 0, deep: along.a === 'k',
      quad: quads.a, pad: PAD, put }, depth, threads);
    const b = operand({ name: 'b', load: (n, k) => `loadB(${k}, ${n})`, limit: n, begin: 'n0', size: SIDE, base: a.end,
      deep: along.b === 'k', quad: quads.b, pad: PAD, put }, depth, threads);
    const down = PART / M, across = PART / N, four = quads.y ? 4 : 1, sum = (i: number, j: number) => `c${i}_${j}`;
    return wgsl`
var<private> batch : u32;
var<private> slice : u32;
${t.code(p)}
var<workgroup> stage : array<${type}, ${4 * b.end}>;
var<workgroup> sums : array<f32, ${4 * M * N}>; // a matrix of each subgroup

@diagnostic(off, chromium.subgroup_matrix_uniformity) // the part is one to a subgroup, which Tint cannot see
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id : vec3u, @builtin(local_invocation_index) index : u32) {
  ${stages({ a, b, batch, span, k, height: SIDE, width: SIDE, depth, before: `
  let part = index / ${subgroup}u; let lane = index % ${subgroup}u; let top = part / 2u * ${PART}u; let left = part % 2u * ${PART}u;
  ${unroll(down, i => unroll(across, j => `var ${sum(i, j)} = subgroup_matrix_result<f32, ${N}, ${M}>();`, ' '))}`, multiply: `
    for (var d = 0u; d < ${depth}u; d += ${K}u) {
      ${unroll(down, i => `let a${i} = subgroupMatrixLoad<subgroup_matrix_left<${type}, ${K}, ${M}>, col_major>(&stage, d * ${4 * a.pitch}u + top + ${i * M}u, ${4 * a.pitch}u);`)}
      ${unroll(across, j => `let b${j} = subgroupMatrixLoad<subgroup_matrix_right<${type}, ${N}, ${K}>, row_major>(&stage, ${4 * a.end}u + d * ${4 * b.pitch}u + left + ${j * N}u, ${4 * b.pitch}u);`)}
      ${unroll(down, i => unroll(across, j => `${sum(i, j)} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, ${sum(i, j)});`, ' '))}
    }` })}
  ${unroll(down, i => unroll(across, j => `subgroupMatrixStore<row_major>(&sums, part * ${M * N}u, ${sum(i, j)}, ${N}u);
  workgroupBarrier();
  for (var e = lane * ${four}u; e < ${M * N}u; e += ${subgroup * four}u) {
    let m = m0 + top + ${i * M}u + e / ${N}u; let n = n0 + left + ${j * N}u + e % ${N}u; let at = part * ${M * N}u + e;
    if (m < ${m}u && n < ${n}u) { store(m, n, ${quads.y ? 'vec4f(sums[at], sums[at + 1u], sums[at + 2u], sums[at + 3u])' : 'sums[at]'}); }
  }
  workgroupBarrier();`))}
}`;
  },
});
