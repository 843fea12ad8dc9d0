import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { isSoftware, type MatrixConfig, type Profile, type Variant } from '../kernel/kernel.ts';
import { unroll, XYZW } from '../kernel/wgsl.ts';
import { codeOf, vec4Bindings, widthOfY, type Tiled } from './product.ts';
import { stages, type Staging } from './stage.ts';

/** A workgroup of four subgroups, two by two, computes 64 x 64 outputs, each subgroup a quarter. */
const SIDE = 64;
const PART = SIDE / 2;
/** vec4f between one k and the next in a stage, against conflicts of banks. */
const PAD = 2;

/** Values of k in a stage: two stages of f16 or f32 take 9 KiB of workgroup memory, of which every adapter has 16. */
const depthOf = ({ type }: MatrixConfig): number => (type === 'f16' ? 32 : 16);

/** Workgroup memory of the stages of A and B, and of a matrix of each subgroup's sums. */
const bytesOf = (c: MatrixConfig): number => 2 * depthOf(c) * (SIDE + 4 * PAD) * (c.type === 'f16' ? 2 : 4) + 16 * c.m * c.n;

/** The matrices that a call takes: of f16 where it may round its operands, else of f32; the largest that fit. */
function configOf(d: Profile): MatrixConfig | undefined {
  const fits = (c: MatrixConfig) =>
    c.type === (d.half ? 'f16' : 'f32') &&
    PART % c.m === 0 &&
    PART % c.n === 0 &&
    c.n % 4 === 0 &&
    depthOf(c) % c.k === 0 &&
    4 * c.subgroup >= depthOf(c) &&
    4 * c.subgroup <= d.maxWorkgroup &&
    bytesOf(c) <= d.maxWorkgroupBytes;
  const volume = (c: MatrixConfig) => c.m * c.n * c.k;
  return d.matrices?.filter(fits).sort((a, b) => volume(b) - volume(a))[0];
}

/** WGSL name of a matrix of a subgroup's sums. */
const sum = (i: number, j: number) => `c${i}_${j}`;

/** Stages of A and B as numbers of the matrices' type. */
const stagingOf = (config: MatrixConfig): Staging => ({
  height: SIDE,
  width: SIDE,
  depth: depthOf(config),
  threads: 4 * config.subgroup,
  pad: () => PAD,
  put: (place, value) => `{
      let place = (${place}) * 4u;
      ${unroll(4, i => `stage[place + ${i}u] = ${config.type}(${value}.${XYZW[i]});`, ' ')}
    }`,
});

/**
 * A product by the matrix units of a GPU: `chromium-experimental-subgroup-matrix`, which Dawn shows behind its flag for unsafe APIs. Stages
 * of A and B lie in workgroup memory as f16 (or f32, where the units take it), sums stay f32 and pass through workgroup memory to be
 * stored.
 */
export const matrix = <P>(t: Tiled<P>): Variant<P> => ({
  name: 'matrix',
  fits(p, d) {
    const { m, n, k } = t.shape(p);
    return !isSoftware(d) && configOf(d) !== undefined && m >= 16 && n >= 16 && k >= 16 && !t.recorded?.(p) && (t.fits?.(p) ?? true);
  },
  needs: d => ['subgroups', 'matrices', ...(configOf(d)?.type === 'f16' ? (['f16'] as const) : [])],
  vec4: p => vec4Bindings(t, p),
  grid: (p, d) => stages(t, p, stagingOf(configOf(d)!)).grid,
  code: (p, d) => {
    const config = configOf(d)!;
    const { type, m: M, n: N, k: K, subgroup } = config;
    const depth = depthOf(config);
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
  },
});

/** WGSL: the lanes of a subgroup store its matrix of sums in row `i` and column `j`, as far as it is inside the outputs. */
function storeMatrix<P>(t: Tiled<P>, p: P, { m: M, n: N, subgroup }: MatrixConfig, i: number, j: number): string {
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
