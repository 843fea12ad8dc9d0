import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { ceilDiv, unroll, XYZW, type Profile, type Variant } from './kernel.ts';
import { matrix } from './matrix.ts';
import { operand, stages } from './stage.ts';

/**
 * The GPU form of a matrix product Y[m, n] = A[m, k] B[k, n] whatever its operands mean: a convolution is one too. Along z lie `batch`
 * products, and slices of k where `split` asks for more than one, `store` then receiving a partial sum; in WGSL they are `batch` and
 * `slice`.
 */
export interface Tiled<P> {
  shape: (p: P) => { m: number; n: number; k: number; batch?: number };
  split?: (p: P) => number;
  /** The direction of each operand in which neighbours lie side by side in memory, so that neighbouring threads read along it. */
  along: (p: P) => { a: 'm' | 'k'; b: 'n' | 'k' };
  /**
   * What is loaded and stored as vec4f, four neighbours along m, n and n: sizes and addresses must divide by four. A operand can be only if
   * it lies along that direction.
   */
  quads: (p: P) => Quads;
  /** The bindings that are array<vec4f> then. */
  vec4: (p: P) => readonly string[];
  /** WGSL of `loadA(m, k)`, `loadB(k, n)` (called within bounds) and `store(m, n, sum)`, each of f32, or of vec4f where `quads` says so. */
  code: (p: P) => string;
  /**
   * Whether `record(m, n, mean, squares)` is to be called too, with the mean of Y[m, n … n + 63] and the sum of squared distances from it.
   * n divides by 64 then.
   */
  moments?: (p: P) => boolean;
}
export interface Quads { readonly a?: boolean; readonly b?: boolean; readonly y?: boolean }

/** The type of one access, and what makes the index of a value that of its vec4f. */
export const type = (quad: boolean | undefined) => quad ? 'vec4f' as const : 'f32' as const;
export const index = (quad: boolean | undefined): string => quad ? ' / 4u' : '';

/**
 * A workgroup of rows x columns threads, each with tall x wide outputs, walks along k in stages of `depth` that it holds in workgroup
 * memory. `slices` such groups of threads share a stage and take every so manyth k of it: small products get more threads.
 */
interface Tile { readonly rows: number; readonly columns: number; readonly tall: number; readonly wide: number; readonly depth: number;
  readonly slices: number;
  /** `blocks` is how many 64 x 64 tiles the product has: few leave a large GPU idle. */
  readonly fits: (m: number, n: number, k: number, blocks: number) => boolean }

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

/** With `half` a stage takes half the workgroup memory and half the time to read; products and sums are f32 all the same. */
function byThreads<P>(t: Tiled<P>, name: string, tile: Tile, half: boolean): Variant<P> {
  const height = tile.rows * tile.tall, width = tile.columns * tile.wide, threads = tile.rows * tile.columns * tile.slices;
  const sums = tile.tall * tile.wide / 4, group = tile.rows * tile.columns;
  const cell = half ? 'vec4<f16>' : 'vec4f';
  const put = (place: string, value: string): string => `stage[${place}] = ${half ? `${cell}(${value})` : value};`;
  const get = (place: string): string => half ? `vec4f(stage[${place}])` : `stage[${place}]`;
  // what is exchanged at the end is f32, and goes where the stages were if those are
  const spare = half ? 'exchange' : 'stage';
  const staged = (p: P): number => tile.depth * (height / 4 + pad(t.along(p).a) + width / 4 + pad(t.along(p).b));
  const exchanged = (p: P): number =>
    Math.max(tile.slices > 1 ? tile.slices / 2 * group * sums : 0, t.moments?.(p) ? threads * sums / 4 : 0);
  return {
    name: `tiled ${half ? 'f16 ' : ''}${name}`,
    fits(p, d: Profile) {
      const { m, n, k, batch = 1 } = t.shape(p), split = t.split?.(p) ?? 1;
      const rounds = !half || Boolean(d.half) && 8 * staged(p) + 16 * exchanged(p) <= WORKGROUP_BYTES;
      return d.lanes === 0 && rounds && d.maxWorkgroup >= threads
        && tile.fits(m, n, k / split, ceilDiv(m, 64) * ceilDiv(n, 64) * batch * split)
        && (!t.moments?.(p) || tile.columns % RUN === 0);
    },
    vec4: t.vec4,
    grid: p => { const { m, n, batch = 1 } = t.shape(p); return [ceilDiv(n, width), ceilDiv(m, height), batch * (t.split?.(p) ?? 1)]; },
    code: p => {
      const { m, n, k, batch = 1 } = t.shape(p), depth = ceilDiv(ceilDiv(k, t.split?.(p) ?? 1), tile.depth) * tile.depth;
      const along = t.along(p), quads = t.quads(p), tall = tile.tall / 4, wide = tile.wide / 4;
      const a = operand({ name: 'a', load: (m, k) => `loadA(${m}, ${k})`, limit: m, begin: 'm0', size: height, base: 0,
        deep: along.a === 'k', quad: quads.a, pad: pad(along.a), put }, tile.depth, threads);
      const b = operand({ name: 'b', load: (n, k) => `loadB(${k}, ${n})`, limit: n, begin: 'n0', size: width, base: a.end,
        deep: along.b === 'k', quad: quads.b, pad: pad(along.b), put }, tile.depth, threads);
      const sum = (i: number, j: number) => `c${i}_${j}`;
      return wgsl`
var<private> batch : u32;
var<private> slice : u32;
${t.code(p)}
// A stage of A, then one of B, each [k][m or n] in fours along m and n; at the end the sums of other slices.
var<workgroup> stage : array<${cell}, ${half ? staged(p) : Math.max(staged(p), exchanged(p))}>;
${half && exchanged(p) ? `var<workgroup> exchange : array<vec4f, ${exchanged(p)}>;` : ''}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id : vec3u, @builtin(local_invocation_index) index : u32) {
  ${stages({ a, b, batch, span: depth, k, height, width, depth: tile.depth, before: `
  let share = index / ${group}u; let row = index % ${group}u / ${tile.columns}u; let column = index % ${tile.columns}u;
  ${unroll(tile.tall, i => unroll(wide, j => `var ${sum(i, j)} = vec4f(0.0);`, ' '))}`, multiply: `
    for (var d = share; d < ${tile.depth}u; d += ${tile.slices}u) {
      ${unroll(tall, i => `let a${i} = ${get(`d * ${a.pitch}u + ${i * tile.rows}u + row`)};`, ' ')}
      ${unroll(wide, j => `let b${j} = ${get(`${a.end}u + d * ${b.pitch}u + ${j * tile.columns}u + column`)};`, ' ')}
      ${unroll(tile.tall, i => unroll(wide, j => `${sum(i, j)} += a${i >> 2}.${XYZW[i & 3]} * b${j};`, ' '))}
    }` })}
  ${halvings(tile.slices).map(half => `if (share >= ${half}u && share < ${2 * half}u) { let at = (index - ${half * group}u) * ${sums}u; ${unroll(tile.tall, i => unroll(wide, j => `${spare}[at + ${i * wide + j}u] = ${sum(i, j)};`, ' '), ' ')} }
  workgroupBarrier();
  if (share < ${half}u) { let at = index * ${sums}u; ${unroll(tile.tall, i => unroll(wide, j => `${sum(i, j)} += ${spare}[at + ${i * wide + j}u];`, ' '), ' ')} }
  workgroupBarrier();`).join('\n  ')}
  ${t.moments?.(p) ? moments(tile, m, n, sum, spare) : ''}
  if (share > 0u) { return; }
  ${unroll(tile.tall, i => `{ let m = m0 + (row + ${(i >> 2) * tile.rows}u) * 4u + ${i & 3}u; if (m < ${m}u) {
    ${unroll(wide, j => `{ let n = n0 + (column + ${j * tile.columns}u) * 4u; ${quads.y
      ? `if (n < ${n}u) { store(m, n, ${sum(i, j)}); }`
      : unroll(4, e => `if (n + ${e}u < ${n}u) { store(m, n + ${e}u, ${sum(i, j)}.${XYZW[e]}); }`, ' ')} }`)}
  } }`)}
}`;
    },
  };
}

/** Without it neighbours along k would lie in one bank. */
const pad = (along: string): number => along === 'k' ? 1 : 0;

/** Workgroup memory that every adapter has. */
const WORKGROUP_BYTES = 16384;

/** Threads whose columns make one run of 64. */
const RUN = 16;

/**
 * Mean and squared distances of each row's runs of 64 columns: 16 neighbouring threads add up what they hold of four rows at a time, in a
 * tree.
 */
function moments(tile: Tile, m: number, n: number, sum: (i: number, j: number) => string, spare: string): string {
  const { rows, columns } = tile, wide = tile.wide / 4, each = tile.tall / 4 * wide;
  const places = Array.from({ length: each },
    (_, i) => ({ q: Math.floor(i / wide), j: i % wide, at: `(index * ${each}u + ${i}u)`, from: (half: number) =>
    `((index + ${half}u) * ${each}u + ${i}u)` }));
  const rowsOf = (q: number, f: (c: string, e: number) => string, j: number) =>
    `vec4f(${[0, 1, 2, 3].map(e => f(sum(4 * q + e, j), e)).join(', ')})`;
  const tree = halvings(RUN).map(half => `workgroupBarrier();
  if (column % ${RUN}u < ${half}u) { ${places.map(({ at, from }) => `${spare}[${at}] += ${spare}[${from(half)}];`).join(' ')} }`).join('\n  ') + '\n  workgroupBarrier();';
  const first = (i: number) => `${spare}[(index - column % ${RUN}u) * ${each}u + ${i}u]`;
  return wgsl`
  ${places.map(({ q, j, at }) => `${spare}[${at}] = ${rowsOf(q, c => `dot(${c}, vec4f(1.0))`, j)};`).join('\n  ')}
  ${tree}
  ${places.map((_, i) => `let mean${i} = ${first(i)} * ${1 / (4 * RUN)};`).join(' ')}
  workgroupBarrier();
  ${places.map(({ q, j, at }, i) => `${spare}[${at}] = ${rowsOf(q, (c, e) => `dot(${c} - mean${i}.${XYZW[e]}, ${c} - mean${i}.${XYZW[e]})`, j)};`).join('\n  ')}
  ${tree}
  ${places.map(({ q, j, at }, i) => `{ let m = m0 + (row + ${q * rows}u) * 4u; let n = n0 + (column + ${j * columns}u) * 4u; if (column % ${RUN}u == 0u && n < ${n}u) {
    ${XYZW.map((x, e) => `if (m + ${e}u < ${m}u) { record(m + ${e}u, n, mean${i}.${x}, ${spare}[${at}].${x}); }`).join(' ')} } }`).join('\n  ')}`;
}

/** 8, 4, 2, 1 for 16 slices: their sums are added in a tree, in an order that never changes. */
const halvings = (slices: number): number[] => slices > 1 ? [slices / 2, ...halvings(slices / 2)] : [];
