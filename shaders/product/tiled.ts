import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Profile, Variant } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { range, unroll, XYZW } from '../kernel/wgsl.ts';
import { matrix } from './matrix.ts';
import type { Tiled } from './product.ts';
import { productGrid, stages } from './stage.ts';

/**
 * A workgroup of rows x columns threads, each with tall x wide outputs, walks along k in stages of `depth` that it holds in workgroup
 * memory. `slices` such groups of threads share a stage and take every so manyth k of it: small products get more threads.
 */
interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly tall: number;
  readonly wide: number;
  readonly depth: number;
  readonly slices: number;
  /** `blocks` is how many 64 x 64 tiles the product has: few leave a large GPU idle. */
  readonly fits: (m: number, n: number, k: number, blocks: number) => boolean;
}

/** In the order of a guess; the tuner decides. */
const TILES: Readonly<Record<string, Tile>> = {
  '16x16 / 16': { rows: 4, columns: 4, tall: 4, wide: 4, depth: 64, slices: 16, fits: (_, __, k, blocks) => k >= 128 && blocks < 32 },
  '32x32 / 4': { rows: 8, columns: 8, tall: 4, wide: 4, depth: 32, slices: 4, fits: (_, __, k, blocks) => k >= 64 && blocks < 128 },
  '16x256': { rows: 4, columns: 64, tall: 4, wide: 4, depth: 16, slices: 1, fits: (m, n) => m <= 16 && n >= 256 },
  '32x128': { rows: 8, columns: 32, tall: 4, wide: 4, depth: 16, slices: 1, fits: (m, n) => m <= 32 && n >= 128 },
  '64x64': { rows: 16, columns: 16, tall: 4, wide: 4, depth: 16, slices: 1, fits: () => true },
  '128x64': { rows: 16, columns: 16, tall: 8, wide: 4, depth: 16, slices: 1, fits: m => m > 64 },
  '128x128': { rows: 16, columns: 16, tall: 8, wide: 8, depth: 8, slices: 1, fits: (m, n) => m > 64 && n > 64 },
};

/**
 * The variants of a product: for each tile one whose stages are f16, where a call may round its operands to that, and one whose stages are
 * f32; and one by matrices of a subgroup.
 */
export const tiled = <P>(t: Tiled<P>): Variant<P>[] => [
  ...Object.entries(TILES).flatMap(([name, tile]) => [byThreads(t, name, tile, true), byThreads(t, name, tile, false)]),
  matrix(t),
];

/** Without it neighbours along k would lie in one bank. */
const pad = (deep: boolean): number => (deep ? 1 : 0);

/** Workgroup memory that every adapter has. */
const WORKGROUP_BYTES = 16384;

/** Threads whose columns, four each, have their moments taken together. */
const RUN = 16;
/** Neighbouring columns whose moments are taken together. */
export const MOMENT_COLUMNS = 4 * RUN;

/** WGSL name of what a thread sums up for its row `i` and four of its columns. */
const sum = (i: number, j: number) => `c${i}_${j}`;

/** With `half` a stage takes half the workgroup memory and half the time to read; products and sums are f32 all the same. */
function byThreads<P>(t: Tiled<P>, name: string, tile: Tile, half: boolean): Variant<P> {
  const { rows, columns, tall, depth, slices } = tile;
  const wide = tile.wide / 4;
  const height = rows * tall;
  const width = columns * tile.wide;
  const group = rows * columns;
  const threads = group * slices;
  const cell = half ? 'vec4<f16>' : 'vec4f';
  const put = (place: string, value: string): string => `stage[${place}] = ${half ? `${cell}(${value})` : value};`;
  const get = (place: string): string => (half ? `vec4f(stage[${place}])` : `stage[${place}]`);
  // what is exchanged at the end is f32, and goes where the stages were if those are
  const spare = half ? 'exchange' : 'stage';
  const staged = (p: P): number => {
    const { a, b } = t.along(p);
    return depth * (height / 4 + pad(a === 'k') + width / 4 + pad(b === 'k'));
  };
  const exchanged = (p: P): number =>
    Math.max(slices > 1 ? (slices / 2) * group * tall * wide : 0, t.moments?.(p) ? ((threads * tall) / 4) * wide : 0);
  return {
    name: `tiled ${half ? 'f16 ' : ''}${name}`,
    fits(p, d: Profile) {
      const { m, n, k, batch = 1 } = t.shape(p);
      const split = t.split?.(p) ?? 1;
      const blocks = ceilDiv(m, 64) * ceilDiv(n, 64) * batch * split;
      return (
        d.lanes === 0 &&
        d.maxWorkgroup >= threads &&
        (!half || (Boolean(d.half) && 8 * staged(p) + 16 * exchanged(p) <= WORKGROUP_BYTES)) &&
        tile.fits(m, n, k / split, blocks) &&
        (!t.moments?.(p) || columns % RUN === 0)
      );
    },
    needs: half ? ['f16'] : [],
    vec4: t.vec4,
    grid: p => productGrid(t, p, { height, width }),
    code: p => {
      const { m, n } = t.shape(p);
      const { a, b, walk } = stages(t, p, { height, width, depth, threads, pad, put });
      const start = `
  let share = index / ${group}u;
  let row = index % ${group}u / ${columns}u; let column = index % ${columns}u;
  ${unroll(tall, i => unroll(wide, j => `var ${sum(i, j)} = vec4f(0.0);`, ' '))}`;
      const multiply = `
    for (var d = share; d < ${depth}u; d += ${slices}u) {
      ${unroll(tall / 4, i => `let a${i} = ${get(`d * ${a.pitch}u + ${i * rows}u + row`)};`)}
      ${unroll(wide, j => `let b${j} = ${get(`${a.end}u + d * ${b.pitch}u + ${j * columns}u + column`)};`)}
      ${unroll(tall, i => unroll(wide, j => `${sum(i, j)} += a${i >> 2}.${XYZW[i & 3]} * b${j};`, ' '))}
    }`;
      return wgsl`
var<private> batch : u32;
var<private> slice : u32;
${t.code(p)}
// A stage of A, then one of B, each [k][m or n] in fours along m and n; at the end the sums of other slices.
var<workgroup> stage : array<${cell}, ${half ? staged(p) : Math.max(staged(p), exchanged(p))}>;
${half && exchanged(p) ? `var<workgroup> exchange : array<vec4f, ${exchanged(p)}>;` : ''}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id : vec3u, @builtin(local_invocation_index) index : u32) {
  ${walk(start, multiply)}
  ${joinSlices(tile, spare)}
  ${t.moments?.(p) ? moments(tile, m, n, spare) : ''}
  if (share > 0u) { return; }
  ${storeSums(tile, m, n, t.quads(p).y)}
}`;
    },
  };
}

/** 8, 4, 2, 1 for 16: what is added up in a tree is added in an order that never changes. */
const halvings = (n: number): number[] => (n > 1 ? [n / 2, ...halvings(n / 2)] : []);

/** WGSL: the sums of all slices of a tile are added up in those of the first. */
function joinSlices({ rows, columns, tall, wide, slices }: Tile, spare: string): string {
  const group = rows * columns;
  const quads = wide / 4;
  const sums = tall * quads;
  const overSums = (line: (place: string, sum: string) => string) =>
    unroll(tall, i => unroll(quads, j => line(`${spare}[at + ${i * quads + j}u]`, sum(i, j)), ' '), '\n    ');
  return halvings(slices)
    .map(
      half => `
  if (share >= ${half}u && share < ${2 * half}u) {
    let at = (index - ${half * group}u) * ${sums}u;
    ${overSums((place, sum) => `${place} = ${sum};`)}
  }
  workgroupBarrier();
  if (share < ${half}u) {
    let at = index * ${sums}u;
    ${overSums((place, sum) => `${sum} += ${place};`)}
  }
  workgroupBarrier();`,
    )
    .join('');
}

/** WGSL: a thread stores its sums, as far as they are inside the m x n outputs. */
function storeSums({ rows, columns, tall, wide }: Tile, m: number, n: number, quad: boolean | undefined): string {
  const storeFour = (i: number, j: number) =>
    quad
      ? `if (n < ${n}u) { store(m, n, ${sum(i, j)}); }`
      : unroll(4, e => `if (n + ${e}u < ${n}u) { store(m, n + ${e}u, ${sum(i, j)}.${XYZW[e]}); }`);
  return unroll(
    tall,
    i => `
  {
    let m = m0 + (row + ${(i >> 2) * rows}u) * 4u + ${i & 3}u;
    if (m < ${m}u) {
      ${unroll(
        wide / 4,
        j => `{
        let n = n0 + (column + ${j * columns}u) * 4u;
        ${storeFour(i, j)}
      }`,
      )}
    }
  }`,
  );
}

/**
 * WGSL: mean and squared distances of each row's runs of 64 columns. 16 neighbouring threads add up what they hold of four rows at a time,
 * in a tree.
 */
function moments({ rows, columns, tall, wide }: Tile, m: number, n: number, spare: string): string {
  const quads = wide / 4;
  const each = (tall / 4) * quads;
  /** Four rows and four columns of a thread, and the place in `spare` for a number of each row. */
  const blocks = range(each).map(i => {
    const q = Math.floor(i / quads);
    const j = i % quads;
    return { i, q, j, place: `${spare}[index * ${each}u + ${i}u]` };
  });
  const overBlocks = (line: (block: (typeof blocks)[number]) => string) => blocks.map(line).join('\n  ');
  /** WGSL: a number for each of the four rows of a block, from what the thread holds of it. */
  const ofRows = ({ q, j }: (typeof blocks)[number], number: (sum: string, e: number) => string) =>
    `vec4f(${range(4)
      .map(e => number(sum(4 * q + e, j), e))
      .join(', ')})`;
  const distances = (i: number) => (sum: string, e: number) => `dot(${sum} - mean${i}.${XYZW[e]}, ${sum} - mean${i}.${XYZW[e]})`;
  const tree = `${halvings(RUN)
    .map(
      half => `
  workgroupBarrier();
  if (column % ${RUN}u < ${half}u) {
    ${overBlocks(({ i, place }) => `${place} += ${spare}[(index + ${half}u) * ${each}u + ${i}u];`)}
  }`,
    )
    .join('')}
  workgroupBarrier();`;
  return wgsl`
  ${overBlocks(block => `${block.place} = ${ofRows(block, sum => `dot(${sum}, vec4f(1.0))`)};`)}
  ${tree}
  ${overBlocks(({ i }) => `let mean${i} = ${spare}[(index - column % ${RUN}u) * ${each}u + ${i}u] * ${1 / (4 * RUN)};`)}
  workgroupBarrier();
  ${overBlocks(block => `${block.place} = ${ofRows(block, distances(block.i))};`)}
  ${tree}
  ${overBlocks(
    ({ i, q, j, place }) => `{
    let m = m0 + (row + ${q * rows}u) * 4u; let n = n0 + (column + ${j * columns}u) * 4u;
    if (column % ${RUN}u == 0u && n < ${n}u) {
      ${XYZW.map((x, e) => `if (m + ${e}u < ${m}u) { record(m + ${e}u, n, mean${i}.${x}, ${place}.${x}); }`).join('\n      ')}
    }
  }`,
  )}`;
}
