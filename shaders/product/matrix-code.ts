/** WGSL of the products of matrix.ts, which GPUs with matrix units alone compute: loaded when one is compiled. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { isSized, type MatrixConfig } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { unroll, XYZW } from '../kernel/wgsl.ts';
import { codeOf, widthOfY, type Tiled } from './product.ts';
import { stages, type Side, type StagedSide } from './stage.ts';

/** A workgroup's subgroups compute a part of its outputs each; stages of A and B lie in workgroup memory, neighbours along k side by side. */
export interface MatrixTile extends MatrixConfig {
  readonly height: number;
  readonly width: number;
  /** Outputs of a subgroup. */
  readonly part: { readonly height: number; readonly width: number };
  readonly threads: number;
  /** Values of k in a stage, and from one row of A or column of B to the next: 16 bytes lie between, against conflicts of banks. */
  readonly depth: number;
  readonly pitch: number;
}

/** WGSL name of a matrix of a subgroup's sums. */
const sum = (i: number, j: number) => `c${i}_${j}`;

/**
 * A side of a stage as [m or n][k], which is how the units read both: a lane takes 16 bytes of a row at once. A thread brings blocks of four
 * values along m or n and four along k, as the operand gives them, by k, and stores them by the other:
 *
 * ```wgsl
 * let kA = min(index, 63u) % 4u * 4u; let rowA = min(index, 63u) / 4u;
 * let placeA0 = placeA(m0 + (rowA + 0u) * 4u);
 * …
 * let at = (rowA + 0u) * 80u + 0u + kA;
 * stage[at + 0u] = v0.x; stage[at + 1u] = v1.x; stage[at + 2u] = v2.x; stage[at + 3u] = v3.x;
 * stage[at + 20u] = v0.y; …
 * …
 * let depth0 = depthA(next + kA + 0u);
 * …
 * nextA0_0 = vec4<f32>(loadA(placeA0, depth0));
 * ```
 */
function inBlocks({ name, operand, limit, tile, begin, depth, base, wholeK }: Side, { threads, pitch, type }: MatrixTile): StagedSide {
  const { masked } = operand;
  const across = depth / 4;
  const blocks = (tile / 4) * across;
  const perThread = ceilDiv(blocks, threads);
  /** Threads beyond the last block read it too, which costs nothing but a look into the cache. */
  const number = blocks < threads ? `min(index, ${blocks - 1}u)` : 'index';
  const row = (i: number) => `row${name} + ${(i * threads) / across}u`;
  const isEdge = limit % tile !== 0;
  const each = (line: (i: number, k: number) => string): string => unroll(perThread, i => unroll(4, k => line(i, k)));
  const value = (i: number, k: number): string => {
    const masks = [
      ...(masked ? [`mask${name}${i}_${k}`] : []),
      ...(isEdge ? [`edge${name}${i}`] : []),
      ...(wholeK ? [] : [`vec4<bool>(k0 + k${name} + ${k}u < last)`]),
    ];
    return masks.length ? `select(vec4<${type}>(), next${name}${i}_${k}, ${masks.join(' & ')})` : `next${name}${i}_${k}`;
  };
  const stored = unroll(
    perThread,
    i => `{
      ${unroll(4, k => `let v${k} = ${value(i, k)};`)}
      let at = (${row(i)}) * ${4 * pitch}u + ${base}u + k${name};
      ${unroll(4, j => unroll(4, k => `stage[at + ${j * pitch + k}u] = v${k}.${XYZW[j]};`, ' '))}
    }`,
  );
  const fours = 'vec4u(0u, 1u, 2u, 3u)';
  return {
    pitch,
    end: base + tile * pitch,
    declare: `
  let k${name} = ${number} % ${across}u * 4u; let row${name} = ${number} / ${across}u;
  ${unroll(perThread, i => `let place${name}${i} = place${name}(${begin} + (${row(i)}) * 4u);`)}
  ${each((i, k) => `var next${name}${i}_${k} = vec4<${type}>();${masked ? ` var mask${name}${i}_${k} = vec4<bool>(false);` : ''}`)}
  ${isEdge ? unroll(perThread, i => `let edge${name}${i} = vec4u(${begin} + (${row(i)}) * 4u) + ${fours} < vec4u(${limit}u);`) : ''}`,
    load: k0 => `{
      ${unroll(4, k => `let depth${k} = depth${name}(${k0} + k${name} + ${k}u);`)}
      ${each((i, k) => `next${name}${i}_${k} = vec4<${type}>(load${name}(place${name}${i}, depth${k}));`)}
      ${masked ? each((i, k) => `mask${name}${i}_${k} = inside${name}(place${name}${i}, depth${k});`) : ''}
    }`,
    store: blocks < threads ? `if (index < ${blocks}u) { ${stored} }` : stored,
  };
}

/** The WGSL of a call. */
export function matrixCode<P>(t: Tiled<P>, p: P, tile: MatrixTile): string {
  const { type, m: M, n: N, k: K, subgroup, part, threads, depth, pitch, height, width } = tile;
  const down = part.height / M;
  const across = part.width / N;
  const columns = width / part.width;
  const { b, walk } = stages(t, p, { height, width, depth, held: side => inBlocks(side, tile) });
  const start = `
  let part = index / ${subgroup}u; let lane = index % ${subgroup}u;
  let top = part / ${columns}u * ${part.height}u; let left = part % ${columns}u * ${part.width}u;
  ${unroll(down, i => unroll(across, j => `var ${sum(i, j)} = subgroup_matrix_result<f32, ${N}, ${M}>();`, ' '))}`;
  const loadA = (d: number, i: number) =>
    `let a${i} = subgroupMatrixLoad<subgroup_matrix_left<${type}, ${K}, ${M}>, row_major>(&stage, (top + ${i * M}u) * ${pitch}u + ${d}u, ${pitch}u);`;
  const loadB = (d: number, j: number) => {
    const place = `${height * pitch + d}u + (left + ${j * N}u) * ${pitch}u`;
    return `let b${j} = subgroupMatrixLoad<subgroup_matrix_right<${type}, ${N}, ${K}>, col_major>(&stage, ${place}, ${pitch}u);`;
  };
  const multiply = unroll(
    depth / K,
    step => `{
      ${unroll(across, j => loadB(step * K, j))}
      ${unroll(down, i => {
        const products = unroll(across, j => `${sum(i, j)} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, ${sum(i, j)});`);
        return `${loadA(step * K, i)}\n${products}`;
      })}
    }`,
  );
  return wgsl`
${codeOf(t, p)}
var<workgroup> stage : array<${type}, ${b.end}>;
var<workgroup> sums : array<f32, ${(threads / subgroup) * M * N}>; // a matrix of each subgroup

@diagnostic(off, chromium.subgroup_matrix_uniformity) // the part is one to a subgroup, which Tint cannot see
@compute @workgroup_size(${threads})${isSized(tile) ? ` @subgroup_size(${subgroup})` : ''}
fn main(@builtin(workgroup_id) id : vec3u, @builtin(local_invocation_index) index : u32) {
  ${walk(start, multiply)}
  ${unroll(down, i => unroll(across, j => storeMatrix(t, p, tile, i, j)))}
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
