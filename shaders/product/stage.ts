/** Tiled products walk along k in stages that a workgroup holds in workgroup memory: how these are loaded, for tiled.ts and matrix.ts. */
import type { Grid } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { unroll, XYZW } from '../kernel/wgsl.ts';
import { widthsOf, type Tiled } from './product.ts';

/** How a workgroup of `threads` that computes height x width outputs holds stages of `depth` values of k. */
export interface Staging {
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  readonly threads: number;
  /** vec4f between one k and the next, against conflicts of banks; operands `alongK` have neighbours along k. */
  readonly pad: (alongK: boolean) => number;
  /** WGSL that puts a vec4f into a place of `stage`, counted in vec4f. */
  readonly put: (place: string, value: string) => string;
}

/** An operand in a stage: for each value of k a row of `tile` values along m or n, from number `begin` of `limit` on. */
interface Operand {
  readonly name: 'a' | 'b';
  /** WGSL of the value (or four) at `at` along m or n. */
  readonly load: (at: string, k: string) => string;
  readonly limit: number;
  readonly tile: number;
  readonly begin: string;
  /** Where it begins in `stage`, in vec4f. */
  readonly base: number;
  readonly alongK: boolean;
  readonly vec4: boolean;
}

/** WGSL by which the threads of a workgroup bring an operand into workgroup memory. */
interface Staged {
  /** vec4f from one k to the next, and the end in `stage`. */
  readonly pitch: number;
  readonly end: number;
  readonly declare: string;
  readonly load: string;
  readonly store: string;
}

/**
 * A thread brings vec4f number `index`, `index + threads` … of a stage, each of four values along m or n; they rest in registers between
 * `load` and `store`. Neighbouring threads take neighbours along the direction in which they lie side by side. For a B of 64 columns in 16
 * values of k and 256 threads:
 *
 * ```wgsl
 * let k = k0 + (index + 0u) / 16u;
 * let at = n0 + (index + 0u) % 16u * 4u;
 * bNext0 = vec4f(0.0);
 * if (k < last) {
 *   if (at < 64u) { bNext0 = loadB(k, at); }
 * }
 * …
 * stage[272u + ((index + 0u) / 16u) * 16u + (index + 0u) % 16u] = bNext0;
 * ```
 */
function staged({ name, load, limit, tile, begin, base, alongK, vec4 }: Operand, { depth, threads, pad, put }: Staging): Staged {
  const rowVec4s = tile / 4;
  const pitch = rowVec4s + pad(alongK);
  const vec4s = rowVec4s * depth;
  const perThread = ceilDiv(vec4s, threads);
  const number = (i: number) => `index + ${i * threads}u`;
  const inRow = (i: number) => (alongK ? `(${number(i)}) / ${depth}u` : `(${number(i)}) % ${rowVec4s}u`);
  const row = (i: number) => (alongK ? `(${number(i)}) % ${depth}u` : `(${number(i)}) / ${rowVec4s}u`);
  const register = (i: number) => `${name}Next${i}`;
  const loadVec4 = (i: number) => {
    const scalar = (j: number) => `if (at + ${j}u < ${limit}u) { ${register(i)}.${XYZW[j]} = ${load(`at + ${j}u`, 'k')}; }`;
    return `{
      let k = k0 + ${row(i)};
      let at = ${begin} + ${inRow(i)} * 4u;
      ${register(i)} = vec4f(0.0);
      if (k < last) {
        ${vec4 ? `if (at < ${limit}u) { ${register(i)} = ${load('at', 'k')}; }` : unroll(4, scalar)}
      }
    }`;
  };
  const storeVec4 = (i: number) => {
    const line = put(`${base}u + (${row(i)}) * ${pitch}u + ${inRow(i)}`, register(i));
    return vec4s % threads ? `if (${number(i)} < ${vec4s}u) { ${line} }` : line;
  };
  return {
    pitch,
    end: base + pitch * depth,
    declare: unroll(perThread, i => `var ${register(i)} = vec4f(0.0);`, ' '),
    load: unroll(perThread, loadVec4),
    store: unroll(perThread, storeVec4),
  };
}

/** A product on the grid, workgroups along n, along m, and for the batch and slices of k, and the way of each along its k. */
export interface Stages {
  readonly grid: Grid;
  readonly a: Staged;
  readonly b: Staged;
  /** WGSL: `before` stands before the first stage, `multiply` is done with each; m0 and n0 are the workgroup's first outputs. */
  readonly walk: (before: string, multiply: string) => string;
}

export function stages<P>(t: Tiled<P>, p: P, s: Staging): Stages {
  const { m, n, k, batch = 1 } = t.shape(p);
  const split = t.split?.(p) ?? 1;
  const along = t.along(p);
  const widths = widthsOf(t, p);
  const sideA = { limit: m, tile: s.height, begin: 'm0', base: 0, alongK: along.a === 'k', vec4: widths.a.width === 4 };
  const a = staged({ name: 'a', load: (m, k) => `loadA(${m}, ${k})`, ...sideA }, s);
  const sideB = { limit: n, tile: s.width, begin: 'n0', base: a.end, alongK: along.b === 'k', vec4: widths.b.width === 4 };
  const b = staged({ name: 'b', load: (n, k) => `loadB(${k}, ${n})`, ...sideB }, s);
  const span = ceilDiv(ceilDiv(k, split), s.depth) * s.depth;
  const walk = (before: string, multiply: string): string => `
  batch = id.z % ${batch}u; slice = id.z / ${batch}u;
  let m0 = id.y * ${s.height}u; let n0 = id.x * ${s.width}u;
  let first = id.z / ${batch}u * ${span}u; // not from the private variable, which WGSL cannot know to be uniform
  let last = min(first + ${span}u, ${k}u);
  ${before}
  var k0 = first;
  ${a.declare}
  ${b.declare}
  ${a.load}
  ${b.load}
  for (; k0 < last; ) {
    ${a.store}
    ${b.store}
    workgroupBarrier();
    k0 += ${s.depth}u; // the next stage is on its way while this one is multiplied
    ${a.load}
    ${b.load}
    ${multiply}
    workgroupBarrier();
  }`;
  return { grid: [ceilDiv(n, s.width), ceilDiv(m, s.height), batch * split], a, b, walk };
}
