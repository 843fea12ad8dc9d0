import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { ceilDiv, unroll, type Variant } from './kernel.ts';

/**
 * The GPU form of a matrix product Y[m, n] = A[m, k] B[k, n] whatever its operands mean: a convolution is one too.
 * The kernel supplies `loadA(m, k)`, `loadB(k, n)` (called within bounds) and `store(m, n, sum)`. A workgroup of 16 x 16 threads
 * computes a 64 x 64 tile through workgroup memory, each thread 4 x 4 outputs. Along z lie `batch` products, and slices of k where
 * `split` asks for more than one, `store` then receiving a partial sum; in WGSL they are `batch` and `slice`.
 */
export interface Tiled<P> {
  shape: (p: P) => { m: number; n: number; k: number; batch?: number };
  split?: (p: P) => number;
  code: (p: P) => string;
}

const SIDE = 16, OUT = 4, TILE = SIDE * OUT, DEPTH = 16;

export const tiled = <P>({ shape, split, code }: Tiled<P>): Variant<P> => ({
  name: 'tiled',
  fits: (_, d) => d.lanes === 0 && d.maxWorkgroup >= SIDE * SIDE,
  grid: p => { const { m, n, batch = 1 } = shape(p); return [ceilDiv(n, TILE), ceilDiv(m, TILE), batch * (split?.(p) ?? 1)]; },
  code: p => {
    const { m, n, k, batch = 1 } = shape(p), depth = ceilDiv(ceilDiv(k, split?.(p) ?? 1), DEPTH) * DEPTH;
    return wgsl`
var<private> batch : u32;
var<private> slice : u32;
${code(p)}
// Columns are vec4f along m and n: one 128-bit load of workgroup memory feeds 4 x 4 multiplications.
var<workgroup> tileA : array<array<vec4f, ${SIDE}>, ${DEPTH}>;
var<workgroup> tileB : array<array<vec4f, ${SIDE}>, ${DEPTH}>;

@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u, @builtin(local_invocation_index) index : u32) {
  batch = group.z % ${batch}u; slice = group.z / ${batch}u;
  let m0 = group.y * ${TILE}u; let n0 = group.x * ${TILE}u;
  let first = group.z / ${batch}u * ${depth}u; // not from the private variable, which WGSL cannot know to be uniform
  let last = min(first + ${depth}u, ${k}u);
  ${unroll(OUT, i => `var c${i} = vec4f(0.0);`, ' ')}
  for (var k0 = first; k0 < last; k0 += ${DEPTH}u) {
    // Neighbouring threads read neighbouring k of A and neighbouring n of B, the contiguous direction of most operands.
    let depth = index / ${SIDE}u; let column = index % ${SIDE}u;
    var va = vec4f(0.0); var vb = vec4f(0.0);
    ${unroll(OUT, j => `{ let m = m0 + column * 4u + ${j}u; if (m < ${m}u && k0 + depth < last) { va[${j}] = loadA(m, k0 + depth); } }`)}
    ${unroll(OUT, j => `{ let n = n0 + column * 4u + ${j}u; if (n < ${n}u && k0 + depth < last) { vb[${j}] = loadB(k0 + depth, n); } }`)}
    tileA[depth][column] = va;
    tileB[depth][column] = vb;
    workgroupBarrier();
    for (var d = 0u; d < ${DEPTH}u; d++) {
      let a = tileA[d][local.y]; let b = tileB[d][local.x];
      c0 += a.x * b; c1 += a.y * b; c2 += a.z * b; c3 += a.w * b;
    }
    workgroupBarrier();
  }
  ${unroll(OUT, i => `{ let m = m0 + local.y * 4u + ${i}u; if (m < ${m}u) {
    ${unroll(OUT, j => `{ let n = n0 + local.x * 4u + ${j}u; if (n < ${n}u) { store(m, n, c${i}[${j}]); } }`)}
  } }`)}
}`;
  },
});
