import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { throughHalf } from './half.ts';
import { philoxWgsl } from './random.ts';

/** Workgroup counts in x, y, z. */
export type Grid = readonly [x: number, y: number, z: number];

/**
 * How a kernel touches a binding: `write` may also read; numbers that may be kept in f16 unless u32 or f32 is named (sums, statistics,
 * losses); `?` where a call may leave it out.
 */
export type Access = `${'read' | 'write'}${'' | ' u32' | ' f32'}${'' | '?'}`;

/** A product of an m x k and a k x n matrix of `type` by `subgroup` threads. */
export interface MatrixConfig {
  readonly type: 'f16' | 'f32';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroup: number;
}

/** What kernels may know of the adapter. */
export interface Profile {
  /** Subgroup size of a software adapter, where one workgroup is one subgroup and barriers are avoided; 0 on a GPU. */
  readonly lanes: number;
  readonly subgroups: boolean;
  readonly f16: boolean;
  /** Whether a call may round its operands to f16: its activations are kept so (see half.ts). */
  readonly half?: boolean;
  /** The matrix products that a subgroup does as one instruction, with sums in f32 (see matrix.ts). */
  readonly matrices?: readonly MatrixConfig[];
  /** Most invocations of one workgroup. */
  readonly maxWorkgroup: number;
  /** Bytes that one binding may span. */
  readonly maxBinding: number;
  /** Variant to take where it fits, in place of the first that does: by call (see callKey), kernel name, or `*` for all. */
  readonly prefer?: Readonly<Record<string, string>>;
}

/** One way of computing a kernel. Of a kernel's variants the first that fits the adapter and the sizes is taken. */
export interface Variant<P> {
  readonly name: string;
  readonly fits?: (p: P, d: Profile) => boolean;
  /** Bindings seen as `array<vec4f>`. */
  readonly vec4?: readonly string[] | ((p: P) => readonly string[]);
  /** i32 values of one call, read as `op.h`: one pipeline serves all sizes. Light kernels write their sizes as constants. */
  readonly sizes?: (p: P, d: Profile) => Record<string, number>;
  readonly grid: (p: P, d: Profile) => Grid;
  readonly code: (p: P, d: Profile) => string;
}

export type Bindings = Record<string, Access>;

/**
 * A kernel is plain data. What it may depend on comes in three kinds: constants written into the WGSL (flags, tile
 * sizes, divisors), `sizes` fixed for a call but shared by one pipeline, and `step` values that change every step.
 */
export interface Kernel<P, B extends Bindings = Bindings> {
  readonly name: string;
  /** In @binding order; the declarations are generated from this list. */
  readonly bindings: B;
  /** Values that change between steps, read as `op.lr`. */
  readonly step?: (p: P) => Readonly<Record<string, 'f32' | 'u32'>>;
  readonly variants: readonly Variant<P>[];
  /** The output to which an elementwise function may be fused (see Epilogue); P then has `epilogue`. */
  readonly epilogue?: string;
  /** The unrolled code stores in many places: functions that draw random words would swell it. */
  readonly unrolled?: boolean;
  /** Calls after one of this kernel that it can take over. */
  readonly joins?: readonly Join[];
  /** Multiplications and additions of one call. */
  readonly flops?: (p: P) => number;
}

/** A kernel call, and the tensors that it is given. */
export interface Call<T extends Sized = Sized> {
  readonly kernel: Kernel<any>;
  readonly params: any;
  readonly tensors: Readonly<Record<string, T>>;
}

export interface Sized {
  readonly shape: readonly number[];
  /** Values in all. */
  readonly size: number;
}

/** How a kernel takes over the work of a call of `op` that reads what it wrote. `producer` is the kernel's own call. */
export interface Join {
  readonly op: Kernel<any>;
  /** Whether what lies between the two is no longer stored: then nothing else may read it. */
  readonly replaces: boolean;
  readonly when: (op: Call, producer: Call, d: Profile) => boolean;
  /** What stands in the place of both calls. `make` gives new tensors. */
  readonly gives: <T extends Sized, C extends Call<T>>(
    op: C,
    producer: C,
    make: (name: string, shape: readonly number[]) => T,
  ) => Joined<C>;
}

export interface Joined<C> {
  /** In the place of the producer. */
  readonly calls: readonly C[];
  /** What becomes of the calls that read what `op` wrote, where they find that in another form now. */
  readonly reader?: (call: C) => C;
}

type Simple<P, B extends Bindings> = Omit<Kernel<P, B>, 'variants'> & Omit<Variant<P>, 'name' | 'fits'>;

/** A kernel of one variant. */
export function kernel<P, const B extends Bindings>({ vec4, sizes, grid, code, ...rest }: Simple<P, B>): Kernel<P, B> {
  return { ...rest, variants: [{ name: 'plain', vec4, sizes, grid, code }] };
}

/** Keeps the types of a kernel with several variants. */
export const variants = <P, const B extends Bindings>(k: Kernel<P, B>): Kernel<P, B> => k;

/** What a kernel does, its sizes included, as a text: calls of one key are equally fast. */
export const callKey = <P>(k: Kernel<P>, p: P, { half }: Pick<Profile, 'half'>): string =>
  `${k.name}${half ? ' (f16)' : ''} ${JSON.stringify(p)}`;

/** The variants that can compute a call on this adapter, best guess first. */
export const fitting = <P>(k: Kernel<P>, p: P, d: Profile): Variant<P>[] => k.variants.filter(v => v.fits?.(p, d) ?? true);

/** The variant that a call takes on this adapter. */
export function pick<P>(k: Kernel<P>, p: P, d: Profile): Variant<P> {
  const can = fitting(k, p, d);
  const wanted = d.prefer && (d.prefer[callKey(k, p, d)] ?? d.prefer[k.name] ?? d.prefer['*']);
  const chosen = can.find(v => v.name === wanted) ?? can[0];
  if (!chosen) throw new Error(`${k.name}: no variant fits ${JSON.stringify(p)}`);
  return chosen;
}

/** A call's kernel as complete WGSL. `bound` names the bindings that the call fills, in order, `halves` those of them that hold f16. */
export function source<P>(k: Kernel<P>, v: Variant<P>, p: P, d: Profile, bound: readonly string[], halves: readonly string[] = []): string {
  const quads = (typeof v.vec4 === 'function' ? v.vec4(p) : v.vec4) ?? [];
  const elementOf = (name: string): string => {
    if (halves.includes(name)) return quads.includes(name) ? 'vec4<f16>' : 'f16';
    if (quads.includes(name)) return 'vec4f';
    return k.bindings[name]!.includes('u32') ? 'u32' : 'f32';
  };
  const declarations = bound.map((name, i) => {
    const access = k.bindings[name]!.startsWith('read') ? 'read' : 'read_write';
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name} : array<${elementOf(name)}>;`;
  });
  const fields = opFields(k, v, p, d).map(([name, type]) => `${name} : ${type}`);
  if (fields.length) declarations.push(`struct Op { ${fields.join(', ')} }`, `@group(0) @binding(${bound.length}) var<uniform> op : Op;`);

  const code = v.code(p, d);
  const seenAs = halves.map(name => [name, quads.includes(name) ? 'vec4f' : 'f32'] as const);
  const body = halves.length ? throughHalf(code, Object.fromEntries(seenAs)) : code;
  return [
    halves.length || /\bf16\b/.test(body) ? 'enable f16;' : '',
    /\bsubgroup_matrix_(left|right|result)\b/.test(body) ? 'enable chromium_experimental_subgroup_matrix;' : '',
    /\bsubgroup[A-Z_]/.test(body) ? 'enable subgroups;' : '',
    ...declarations,
    /\bphilox\(/.test(body) ? philoxWgsl : '',
    body,
  ]
    .filter(Boolean)
    .join('\n');
}

/** The fields of a call's uniform block, 4 bytes each: its sizes, then its step values. */
export function opFields<P>(k: Kernel<P>, v: Variant<P>, p: P, d: Profile): [name: string, type: 'i32' | 'f32' | 'u32'][] {
  const sizes = Object.keys(v.sizes?.(p, d) ?? {}).map((name): [string, 'i32'] => [name, 'i32']);
  return [...sizes, ...Object.entries(stepFields(k, p))];
}

/** The values of a call that change between steps: the kernel's own, and those of elementwise functions that draw random words. */
export const stepFields = <P>(k: Kernel<P>, p: P): Readonly<Record<string, 'f32' | 'u32'>> => ({
  ...k.step?.(p),
  ...(draws(p as Elementary) && { seed: 'u32', step: 'u32' }),
});

interface Elementary {
  f?: string;
  epilogue?: readonly { f: string }[];
}

/** Whether the elementwise functions of a call draw random words (see `chance` in epilogue.ts). */
export const draws = ({ f = '', epilogue = [] }: Elementary): boolean =>
  [f, ...epilogue.map(e => e.f)].some(text => text.includes('chance('));

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** The size of the largest of equal shares of `n` items, `most` at the most. */
export const evenShare = (n: number, most: number): number => ceilDiv(n, ceilDiv(n, most));

/** WGSL limits a grid to 65535 in each dimension: counts beyond fold into y. */
export const MAX_GRID = 65535;
export const fold = (workgroups: number): Grid => [Math.min(workgroups, MAX_GRID), ceilDiv(workgroups, MAX_GRID), 1];

/**
 * A loop over `n` items, `i` being the item: a workgroup of a software adapter takes a long run of them (a workgroup
 * costs 0.2 us there, whatever it does), a thread of a GPU takes four, neighbours side by side.
 */
export function each(n: number, d: Profile): { grid: Grid; main: (body: string, before?: string) => string } {
  const threads = d.lanes || Math.min(256, d.maxWorkgroup);
  const run = threads * (d.lanes ? 64 : 4);
  return {
    grid: fold(ceilDiv(n, run)),
    main: (body, before = '') => wgsl`
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let start = (group.x + group.y * ${MAX_GRID}u) * ${run}u;
  let end = min(start + ${run}u, ${n}u);
  ${before}
  for (var i = start + lane; i < end; i += ${threads}u) {
${body}
  }
}`,
  };
}

/** 0 … n-1. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** WGSL that repeats a line for 0 … n-1. */
export const unroll = (n: number, line: (i: number) => string, separator = '\n'): string => range(n).map(line).join(separator);

/** Component names of a vec4. */
export const XYZW = ['x', 'y', 'z', 'w'] as const;

/** A float as WGSL reads it: JavaScript prints 1.0 as `1`, which WGSL takes for an integer. */
export const float = (x: number): string => (Number.isInteger(x) && Math.abs(x) < 1e15 ? x.toFixed(1) : String(x));
