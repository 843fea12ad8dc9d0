/** WGSL of the products of tiled.ts, which GPUs alone compute: loaded when one is compiled. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { range, unroll, XYZW, type Width } from '../kernel/wgsl.ts';
import { codeOf, widthOfY, type Recorded, type Tiled } from './product.ts';
import { inRows, stages, type Staging } from './stage.ts';

/**
 * A workgroup of rows x columns threads, each with tall x wide outputs, walks along k in stages of `depth` that it holds in workgroup
 * memory. The workgroup holds `slices` such groups, so that small products get more threads: group s takes every slices-th k of a stage,
 * and their sums are added at the end.
 */
export interface Tile {
  /** Threads down and across the tile. */
  readonly rows: number;
  readonly columns: number;
  /**
   * Outputs of a thread, down and across: runs of four neighbours, 4 x rows (or columns) apart, so that neighbouring threads read neighbouring
   * vec4f of a stage.
   */
  readonly tall: number;
  readonly wide: number;
  readonly depth: number;
  readonly slices: number;
  /** `blocks` is how many 64 x 64 tiles the product has: few leave a large GPU idle. */
  readonly fits: (m: number, n: number, k: number, blocks: number) => boolean;
}

/** A call's tile, and the vec4f that it takes of workgroup memory: in stages, and for what is exchanged at the end. */
interface Held {
  readonly tile: Tile;
  readonly half: boolean;
  readonly pad: (alongK: boolean) => number;
  readonly staged: number;
  readonly exchanged: number;
}

/** WGSL name of what a thread sums up for its row `i` and four of its columns. */
const sum = (i: number, j: number) => `c${i}_${j}`;

/**
 * The WGSL of a call. The heart of a product of 16 x 16 outputs, for a thread of 4 x 4:
 *
 * ```wgsl
 * let a0 = stage[share * 5u + 0u + row];
 * let b0 = stage[share * 4u + 320u + column];
 * c0_0 += a0.x * b0;
 * c1_0 += a0.y * b0;
 * c2_0 += a0.z * b0;
 * c3_0 += a0.w * b0;
 * ```
 */
export function tiledCode<P>(t: Tiled<P>, p: P, { tile, half, pad, staged, exchanged }: Held): string {
  const { rows, columns, tall, depth, slices } = tile;
  const wide = tile.wide / 4;
  const group = rows * columns;
  const threads = group * slices;
  const cell = half ? 'vec4<f16>' : 'vec4f';
  const put = (place: string, value: string): string => `stage[${place}] = ${half ? `${cell}(${value})` : value};`;
  const get = (place: string): string => (half ? `vec4f(stage[${place}])` : `stage[${place}]`);
  const held: Staging['held'] = side => inRows(side, { threads, pad, put });
  const staging: Staging = { height: rows * tall, width: columns * tile.wide, depth, held };
  /** What is exchanged between threads at the end is f32, and goes where the stages were if those are. */
  const exchange = half ? 'exchange' : 'stage';
  const { m, n } = t.shape(p);
  const { a, b, walk } = stages(t, p, staging);
  const recorded = t.recorded?.(p);
  const products = recorded?.of === 'products';
  const start = `
  ${slices > 1 ? `let share = index / ${group}u;` : ''}
  let row = index % ${group}u / ${columns}u; let column = index % ${columns}u;
  ${unroll(tall, i => unroll(wide, j => `var ${sum(i, j)} = vec4f(0.0);`, ' '))}`;
  /** The place in a stage of what lies `offset` behind the first vec4f of the d-th k that the thread multiplies. */
  const place = (d: number, pitch: number, offset: number) =>
    slices > 1 ? `share * ${pitch}u + ${d * slices * pitch + offset}u` : `${d * pitch + offset}u`;
  const multiply = unroll(
    depth / slices,
    d => `{
      ${unroll(tall / 4, i => `let a${i} = ${get(`${place(d, a.pitch, i * rows)} + row`)};`)}
      ${unroll(wide, j => `let b${j} = ${get(`${place(d, b.pitch, a.end + j * columns)} + column`)};`)}
      ${unroll(tall, i => unroll(wide, j => `${sum(i, j)} += a${i >> 2}.${XYZW[i & 3]} * b${j};`, ' '))}
    }`,
  );
  return wgsl`
${codeOf(t, p)}
// A stage of A, then one of B, each [k][m or n] in vec4s along m and n; at the end the sums of other slices.
var<workgroup> stage : array<${cell}, ${half ? staged : Math.max(staged, exchanged)}>;
${half && exchanged ? `var<workgroup> exchange : array<vec4f, ${exchanged}>;` : ''}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id : vec3u, @builtin(local_invocation_index) index : u32) {
  ${walk(start, multiply)}
  ${joinSlices(tile, exchange)}
  ${recorded && !products ? record(tile, m, n, exchange, recorded) : ''}
  ${slices > 1 && !products ? 'if (share > 0u) { return; }' : ''}
  ${storeSums(tile, m, n, widthOfY(t, p), products)}
  ${recorded && products ? record(tile, m, n, exchange, recorded) : ''}
}`;
}

/** 8, 4, 2, 1 for 16: what is added up in a tree is added in an order that never changes. */
const halvings = (n: number): number[] => (n > 1 ? [n / 2, ...halvings(n / 2)] : []);

/** WGSL: the sums of all slices of a tile are added up in those of the first. */
function joinSlices({ rows, columns, tall, wide, slices }: Tile, exchange: string): string {
  const group = rows * columns;
  const inRow = wide / 4;
  const sums = tall * inRow;
  const overSums = (line: (place: string, sum: string) => string) =>
    unroll(tall, i => unroll(inRow, j => line(`${exchange}[at + ${i * inRow + j}u]`, sum(i, j)), ' '), '\n    ');
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

/** WGSL: a thread stores its sums, as far as they are inside the m x n outputs; what is stored is the sum from then on where `keeps`. */
function storeSums({ rows, columns, tall, wide, slices }: Tile, m: number, n: number, { width }: Width, keeps: boolean): string {
  const own = slices > 1 && keeps ? ' && share == 0u' : '';
  const storeVec4 = (i: number, j: number) =>
    width === 4
      ? `if (n < ${n}u${own}) { ${keeps ? `${sum(i, j)} = ` : ''}store(m, n, ${sum(i, j)}); }`
      : unroll(4, e => {
          const value = `${sum(i, j)}.${XYZW[e]}`;
          return `if (n + ${e}u < ${n}u${own}) { ${keeps ? `${value} = ` : ''}store(m, n + ${e}u, ${value}); }`;
        });
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
        ${storeVec4(i, j)}
      }`,
      )}
    }
  }`,
  );
}

/**
 * WGSL: two numbers of each row's runs of columns, recorded. Neighbouring threads, four columns each, add up in a tree what they hold of a
 * block, four rows at a time; first one number of each row, then the other. Mean and squared distances of 64 columns, for a thread of 4 x 4
 * outputs, which has one block:
 *
 * ```wgsl
 * stage[index * 1u + 0u] = vec4f(dot(c0_0, vec4f(1.0)), dot(c1_0, vec4f(1.0)), dot(c2_0, vec4f(1.0)), dot(c3_0, vec4f(1.0)));
 * workgroupBarrier();
 * if (column % 16u < 8u) {
 *   stage[index * 1u + 0u] += stage[(index + 8u) * 1u + 0u];
 * }
 * …
 * let first0 = stage[(index - column % 16u) * 1u + 0u] * 0.015625;
 * …
 * if (m + 0u < 64u) { record(m + 0u, n, first0.x, stage[index * 1u + 0u].x); }
 * ```
 */
function record({ rows, columns, tall, wide, slices }: Tile, m: number, n: number, exchange: string, recorded: Recorded): string {
  const threads = recorded.columns / 4;
  const across = wide / 4;
  const perThread = (tall / 4) * across;
  const blocks = range(perThread).map(block => ({
    /** The place of the block among those of its thread, in rows and columns of blocks. */
    down: Math.floor(block / across),
    right: block % across,
    first: `first${block}`,
    /** The place for a number of each of its four rows, and the same of the thread that is `threads` further. */
    place: `${exchange}[index * ${perThread}u + ${block}u]`,
    placeAt: (thread: string) => `${exchange}[(${thread}) * ${perThread}u + ${block}u]`,
  }));
  type Block = (typeof blocks)[number];
  const overBlocks = (line: (block: Block) => string) => blocks.map(line).join('\n  ');
  /** WGSL that declares the first row and column of a block. */
  const placed = ({ down, right }: Block) => `let m = m0 + (row + ${down * rows}u) * 4u; let n = n0 + (column + ${right * columns}u) * 4u;`;
  /** WGSL: a number for each of the four rows of a block, from the four columns that the thread holds of it. */
  const ofRows = ({ down, right }: Block, number: (columns: string, row: string, i: number) => string) =>
    `vec4f(${XYZW.map((row, i) => number(sum(4 * down + i, right), row, i)).join(', ')})`;
  const second = (block: Block) =>
    recorded.of === 'moments'
      ? ofRows(block, (columns, row) => `dot(${columns} - ${block.first}.${row}, ${columns} - ${block.first}.${row})`)
      : ofRows(block, (columns, _, i) => `dot(paired(m + ${i}u, n, ${columns}), vec4f(1.0))`);
  const addedUp = `${halvings(threads)
    .map(
      half => `
  workgroupBarrier();
  if (column % ${threads}u < ${half}u) {
    ${overBlocks(({ place, placeAt }) => `${place} += ${placeAt(`index + ${half}u`)};`)}
  }`,
    )
    .join('')}
  workgroupBarrier();`;
  const mean = recorded.of === 'moments' ? ` * ${1 / recorded.columns}` : '';
  return wgsl`
  ${overBlocks(block => `${block.place} = ${ofRows(block, columns => `dot(${columns}, vec4f(1.0))`)};`)}
  ${addedUp}
  ${overBlocks(({ first, placeAt }) => `let ${first} = ${placeAt(`index - column % ${threads}u`)}${mean};`)}
  workgroupBarrier();
  ${overBlocks(block => `{ ${recorded.of === 'products' ? placed(block) : ''} ${block.place} = ${second(block)}; }`)}
  ${addedUp}
  ${overBlocks(
    block => `{
    ${placed(block)}
    if (column % ${threads}u == 0u && n < ${n}u${slices > 1 ? ' && share == 0u' : ''}) {
      ${XYZW.map((x, e) => `if (m + ${e}u < ${m}u) { record(m + ${e}u, n, ${block.first}.${x}, ${block.place}.${x}); }`).join('\n      ')}
    }
  }`,
  )}`;
}
