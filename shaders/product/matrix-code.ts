/** WGSL of the products of matrix.ts, which GPUs with matrix units alone compute: loaded when one is compiled. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { MatrixConfig } from '../kernel/kernel.ts';
import { unroll, XYZW } from '../kernel/wgsl.ts';
import { codeOf, widthOfY, type Tiled } from './product.ts';
import { stages, type Staging } from './stage.ts';

/** The matrices of a call and the stages that they are taken from. */
interface MatrixTile extends MatrixConfig {
  readonly side: number;
  readonly part: number;
  readonly pad: number;
  readonly depth: number;
}

/** WGSL name of a matrix of a subgroup's sums. */
const sum = (i: number, j: number) => `c${i}_${j}`;

/** Stages of A and B as numbers of the matrices' type. */
const stagingOf = ({ type, subgroup, side, pad, depth }: MatrixTile): Staging => ({
  height: side,
  width: side,
  depth,
  threads: 4 * subgroup,
  pad: () => pad,
  put: (place, value) => `{
      let place = (${place}) * 4u;
      ${unroll(4, i => `stage[place + ${i}u] = ${type}(${value}.${XYZW[i]});`, ' ')}
    }`,
});

/** The WGSL of a call. */
export function matrixCode<P>(t: Tiled<P>, p: P, config: MatrixTile): string {
  const { type, m: M, n: N, k: K, subgroup, part: PART, depth } = config;
  const down = PART / M;
  const across = PART / N;
  const { a, b, walk } = stages(t, p, stagingOf(config));
  const start = `
  let part = index / ${subgroup}u; let lane = index % ${subgroup}u;
  let top = part / 2u * ${PART}u; let left = part % 2u * ${PART}u;
  ${unroll(down, i => unroll(across, j => `var ${sum(i, j)} = subgroup_matrix_result<f32, ${N}, ${M}>();`, ' '))}`;
  const loadA = (i: number) => {
    const place = `d * ${4 * a.pitch}u + top + ${i * M}u`;
    return `let a${i} = subgroupMatrixLoad<subgroup_matrix_left<${type}, ${K}, ${M}>, col_major>(&stage, ${place}, ${4 * a.pitch}u);`;
  };
  const loadB = (j: number) => {
    const place = `${4 * a.end}u + d * ${4 * b.pitch}u + left + ${j * N}u`;
    return `let b${j} = subgroupMatrixLoad<subgroup_matrix_right<${type}, ${N}, ${K}>, row_major>(&stage, ${place}, ${4 * b.pitch}u);`;
  };
  const multiply = `
    for (var d = 0u; d < ${depth}u; d += ${K}u) {
      ${unroll(down, loadA)}
      ${unroll(across, loadB)}
      ${unroll(down, i => unroll(across, j => `${sum(i, j)} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, ${sum(i, j)});`))}
    }`;
  return wgsl`
${codeOf(t, p)}
var<workgroup> stage : array<${type}, ${4 * b.end}>;
var<workgroup> sums : array<f32, ${4 * M * N}>; // a matrix of each subgroup

@diagnostic(off, chromium.subgroup_matrix_uniformity) // the part is one to a subgroup, which Tint cannot see
@compute @workgroup_size(${4 * subgroup})
fn main(@builtin(workgroup_id) id : vec3u, @builtin(local_invocation_index) index : u32) {
  ${walk(start, multiply)}
  ${unroll(down, i => unroll(across, j => storeMatrix(t, p, config, i, j)))}
}`;
}

/** WGSL: the lanes of a subgroup store its matrix of sums in row `i` and column `j`, as far as it is inside the outputs. */
function storeMatrix<P>(t: Tiled<P>, p: P, { m: M, n: N, subgroup }: MatrixTile, i: number, j: number): string {
  const { m, n } = t.shape(p);
  const { width } = widthOfY(t, p);
  return `
  subgroupMatrixStore<row_major>(&sums, part * ${M * N}u, ${sum(i, j)}, ${N}u);
  workgroupBarrier();
  for (var e = lane * ${width}u; e < ${M * N}u; e += ${subgroup * width}u) {
    let m = m0 + top + ${i * M}u + e / ${N}u; let n = n0 + left + ${j * N}u + e % ${N}u;
    let at = part * ${M * N}u + e;
    if (m < ${m}u && n < ${n}u) {
      store(m, n, ${width === 4 ? 'vec4f(sums[at], sums[at + 1u], sums[at + 2u], sums[at + 3u])' : 'sums[at]'});
    }
  }
  workgroupBarrier();`;
}
