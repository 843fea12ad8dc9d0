/** Tiled products walk along k in stages that a workgroup holds in workgroup memory: how these are loaded, for tiled-code.ts and matrix-code.ts. */
import { ceilDiv } from '../kernel/loops.ts';
import { unroll } from '../kernel/wgsl.ts';
import type { Operand } from './operand.ts';
import type { Tiled } from './product.ts';

/** How a workgroup computes height x width outputs, by stages of `depth` values of k. */
export interface Staging {
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  /** How the workgroup holds an operand's part of a stage. */
  readonly held: (side: Side) => StagedSide;
}

/** An operand in a stage: `tile` values along m or n, from number `begin` of `limit` on, for each of `depth` values of k. */
export interface Side {
  readonly name: 'A' | 'B';
  readonly operand: Operand;
  readonly limit: number;
  readonly tile: number;
  readonly begin: string;
  readonly depth: number;
  /** Where it begins in `stage`, in its elements. */
  readonly base: number;
  /** Whether k ends with a stage. */
  readonly wholeK: boolean;
}

/** WGSL by which the threads of a workgroup bring an operand into workgroup memory. */
export interface StagedSide {
  /** Elements of `stage` from one row to the next (of the values of one k, or as `held` has it), and where its part ends. */
  readonly pitch: number;
  readonly end: number;
  /** What a thread brings is found once, and has a register. */
  readonly declare: string;
  readonly load: (k0: string) => string;
  readonly store: string;
}

/** How `threads` hold a stage as vec4f, a row of them for each k. */
export interface Rows {
  readonly threads: number;
  /** vec4f between one k and the next, against conflicts of banks; operands `alongK` have neighbours along k. */
  readonly pad: (alongK: boolean) => number;
  /** WGSL that puts a vec4f into a place of `stage`, counted in vec4f. */
  readonly put: (place: string, value: string) => string;
}

/**
 * A thread brings some vec4f of a stage, each of four values along m or n; they rest in registers between `load` and `store`. Neighbouring
 * threads take neighbours along the direction in which they lie side by side, and where it can be, all that a thread brings has one k. For a
 * B of 64 columns in 16 values of k and 256 threads:
 *
 * ```wgsl
 * let rowB = index / 16u;
 * let placeB0 = placeB(n0 + (index % 16u) * 4u); var nextB0 = vec4f(0.0);
 * …
 * stage[272u + rowB * 16u + index % 16u] = nextB0;
 * …
 * let depth = depthB(next + rowB);
 * nextB0 = loadB(placeB0, depth);
 * ```
 */
export function inRows({ name, operand, limit, tile, begin, depth, base, wholeK }: Side, { threads, pad, put }: Rows): StagedSide {
  const { alongK, masked } = operand;
  const rowVec4s = tile / 4;
  const pitch = rowVec4s + pad(alongK);
  const vec4s = rowVec4s * depth;
  const perThread = ceilDiv(vec4s, threads);
  /** Threads beyond the last vec4f read it too, which costs nothing but a look into the cache. */
  const number = vec4s < threads ? `min(index, ${vec4s - 1}u)` : 'index';
  const across = alongK ? depth : rowVec4s / perThread;
  const row = alongK ? `${number} % ${across}u` : `${number} / ${across}u`;
  const inRow = (i: number): string => {
    const first = alongK ? `${number} / ${across}u` : `${number} % ${across}u`;
    return i ? `${first} + ${i * (alongK ? threads / across : across)}u` : first;
  };
  const isEdge = limit % tile !== 0;
  const each = (line: (i: number) => string): string => unroll(perThread, line);
  const edge = (i: number) => `let edge${name}${i} = vec4u(${begin} + (${inRow(i)}) * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(${limit}u);`;
  const masks = (i: number) => [
    ...(masked ? [`mask${name}${i}`] : []),
    ...(isEdge ? [`edge${name}${i}`] : []),
    ...(wholeK ? [] : [`vec4<bool>(k0 + row${name} < last)`]),
  ];
  const value = (i: number) => (masks(i).length ? `select(vec4f(0.0), next${name}${i}, ${masks(i).join(' & ')})` : `next${name}${i}`);
  const stored = each(i => put(`${base}u + row${name} * ${pitch}u + ${inRow(i)}`, value(i)));
  return {
    pitch,
    end: base + pitch * depth,
    declare: `
  let row${name} = ${row};
  ${each(i => `let place${name}${i} = place${name}(${begin} + (${inRow(i)}) * 4u); var next${name}${i} = vec4f(0.0);`)}
  ${isEdge ? each(edge) : ''}
  ${masked ? each(i => `var mask${name}${i} = vec4<bool>(false);`) : ''}`,
    load: k0 => `{
      let depth = depth${name}(${k0} + row${name});
      ${each(i => `next${name}${i} = load${name}(place${name}${i}, depth);`)}
      ${masked ? each(i => `mask${name}${i} = inside${name}(place${name}${i}, depth);`) : ''}
    }`,
    store: vec4s < threads ? `if (index < ${vec4s}u) { ${stored} }` : stored,
  };
}

/** The operands of a product in stages, and the way of a workgroup along its k. */
export interface Stages {
  readonly a: StagedSide;
  readonly b: StagedSide;
  /** WGSL: `before` stands before the first stage, `multiply` is done with each; m0 and n0 are the workgroup's first outputs. */
  readonly walk: (before: string, multiply: string) => string;
}

/**
 * Before a stage is multiplied the loads of the next are issued, into registers: they are on their way meanwhile, and one copy of a stage in
 * workgroup memory is enough (software pipelining). The last turn loads what lies behind k, which nothing uses.
 */
export function stages<P>(t: Tiled<P>, p: P, s: Staging): Stages {
  const { m, n, k, batch = 1 } = t.shape(p);
  const split = t.split?.(p) ?? 1;
  const { declared, end, divides } = t.endOfK?.(p) ?? { declared: '', end: `${k}u`, divides: (depth: number) => k % depth === 0 };
  const wholeK = divides(s.depth);
  const { depth, held } = s;
  const a = held({ name: 'A', operand: t.a(p), limit: m, tile: s.height, begin: 'm0', depth, base: 0, wholeK });
  const b = held({ name: 'B', operand: t.b(p), limit: n, tile: s.width, begin: 'n0', depth, base: a.end, wholeK });
  const span = ceilDiv(ceilDiv(k, split), s.depth) * s.depth;
  const walk = (before: string, multiply: string): string => `
  let product = id.z % ${batch}u;${declared}
  batch = product; slice = id.z / ${batch}u;
  let m0 = id.y * ${s.height}u; let n0 = id.x * ${s.width}u;
  let first = id.z / ${batch}u * ${span}u; // not from the private variable, which WGSL cannot know to be uniform
  let last = min(first + ${span}u, ${end});
  ${before}
  ${a.declare}
  ${b.declare}
  ${a.load('first')}
  ${b.load('first')}
  for (var k0 = first; k0 < last; k0 += ${s.depth}u) {
    ${a.store}
    ${b.store}
    workgroupBarrier();
    let next = k0 + ${s.depth}u; // the next stage is on its way while this one is multiplied
    ${a.load('next')}
    ${b.load('next')}
    ${multiply}
    workgroupBarrier();
  }`;
  return { a, b, walk };
}
