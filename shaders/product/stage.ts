/** Tiled products walk along k in stages that a workgroup holds in workgroup memory: how these are loaded, for tiled.ts and matrix.ts. */
import type { Grid } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { unroll, XYZW } from '../kernel/wgsl.ts';
import type { Tiled } from './product.ts';

/** How a workgroup of `threads` that computes height x width outputs holds stages of `depth` values of k. */
export interface Staging {
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  readonly threads: number;
  /** vec4f between one k and the next, against conflicts of banks; `deep` operands have neighbours along k. */
  readonly pad: (deep: boolean) => number;
  /** WGSL that puts a vec4f into a place of `stage`, counted in vec4f. */
  readonly put: (place: string, value: string) => string;
}

/** Workgroups along n, along m, and for the batch and slices of k. */
export function productGrid<P>(t: Tiled<P>, p: P, { height, width }: Pick<Staging, 'height' | 'width'>): Grid {
  const { m, n, batch = 1 } = t.shape(p);
  return [ceilDiv(n, width), ceilDiv(m, height), batch * (t.split?.(p) ?? 1)];
}

interface Operand {
  readonly name: 'a' | 'b';
  /** WGSL of the value (or four) at `at` along m or n. */
  readonly load: (at: string, k: string) => string;
  /** Values along m or n: all, those of the stage, and the first of these. */
  readonly limit: number;
  readonly size: number;
  readonly begin: string;
  /** Its place in `stage`, in vec4f. */
  readonly base: number;
  readonly deep: boolean;
  readonly quad: boolean | undefined;
}

/**
 * How the threads bring a stage of an operand into workgroup memory, one vec4f along m or n at a time; it rests in registers between `load`
 * and `store`. Neighbouring threads take neighbours along the direction in which they lie side by side.
 */
function operand({ name, load, limit, size, begin, base, deep, quad }: Operand, { depth, threads, pad, put }: Staging) {
  const fours = size / 4;
  const pitch = fours + pad(deep);
  const units = fours * depth;
  const each = ceilDiv(units, threads);
  const unit = (i: number) => `index + ${i * threads}u`;
  const fourOf = (i: number) => (deep ? `(${unit(i)}) / ${depth}u` : `(${unit(i)}) % ${fours}u`);
  const depthOf = (i: number) => (deep ? `(${unit(i)}) % ${depth}u` : `(${unit(i)}) / ${fours}u`);
  const held = (i: number) => `${name}Next${i}`;
  const loadOne = (i: number) => {
    const scalar = (j: number) => `if (at + ${j}u < ${limit}u) { ${held(i)}.${XYZW[j]} = ${load(`at + ${j}u`, 'k')}; }`;
    return `{
      let k = k0 + ${depthOf(i)};
      let at = ${begin} + ${fourOf(i)} * 4u;
      ${held(i)} = vec4f(0.0);
      if (k < last) {
        ${quad ? `if (at < ${limit}u) { ${held(i)} = ${load('at', 'k')}; }` : unroll(4, scalar)}
      }
    }`;
  };
  const storeOne = (i: number) => {
    const line = put(`${base}u + (${depthOf(i)}) * ${pitch}u + ${fourOf(i)}`, held(i));
    return units % threads ? `if (${unit(i)} < ${units}u) { ${line} }` : line;
  };
  return {
    /** vec4f from one k to the next, and the end in `stage`. */
    pitch,
    end: base + pitch * depth,
    declare: unroll(each, i => `var ${held(i)} = vec4f(0.0);`, ' '),
    load: unroll(each, loadOne),
    store: unroll(each, storeOne),
  };
}

/** The operands of a product in `stage`, and WGSL of a workgroup's way along its k. */
export function stages<P>(t: Tiled<P>, p: P, s: Staging) {
  const { m, n, k, batch = 1 } = t.shape(p);
  const along = t.along(p);
  const quads = t.quads(p);
  const a = operand(
    {
      name: 'a',
      load: (m, k) => `loadA(${m}, ${k})`,
      limit: m,
      size: s.height,
      begin: 'm0',
      base: 0,
      deep: along.a === 'k',
      quad: quads.a,
    },
    s,
  );
  const b = operand(
    {
      name: 'b',
      load: (n, k) => `loadB(${k}, ${n})`,
      limit: n,
      size: s.width,
      begin: 'n0',
      base: a.end,
      deep: along.b === 'k',
      quad: quads.b,
    },
    s,
  );
  const span = ceilDiv(ceilDiv(k, t.split?.(p) ?? 1), s.depth) * s.depth;
  /** `before` stands before the first stage, `multiply` is done with each; m0 and n0 are the workgroup's first outputs. */
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
  return { a, b, walk };
}
