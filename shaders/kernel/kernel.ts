/**
 * What a kernel is: plain data, from which the engine makes WGSL, pipelines and dispatches; docs/kernels.md teaches how they are written.
 * Everywhere in shaders/ `p` are the parameters of a call (its sizes and flags), and `d` is the profile of the device, or what a loop is made
 * for (see Target).
 */

/** Workgroup counts in x, y, z. */
export type Grid = readonly [x: number, y: number, z: number];

/** WebGPU's limit of a grid in each direction; adapters offer no more. */
export const MAX_GRID = 65535;

/** Whether a grid is one that can be dispatched. */
export const isGrid = (grid: Grid): boolean => grid.every(n => Number.isInteger(n) && n >= 1 && n <= MAX_GRID);

/**
 * How a kernel touches a binding: `write` may also read; numbers that may be kept in f16 unless u32 or f32 is named (sums, statistics,
 * losses); `?` where a call may leave it out.
 */
export type Access = `${'read' | 'write'}${'' | ' u32' | ' f32'}${'' | '?'}`;

export const isWritten = (access: Access): boolean => access.startsWith('write');

/** The type that an access names; undefined for numbers that may be kept in f16. */
export function typeOf(access: Access): 'u32' | 'f32' | undefined {
  if (access.includes('u32')) return 'u32';
  return access.includes('f32') ? 'f32' : undefined;
}

/** A product of an m x k and a k x n matrix of `type` by the threads of a subgroup. */
export interface MatrixConfig {
  readonly type: 'f16' | 'f32';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Threads of a subgroup, and the most that one may have: where that is more, a kernel says how many. Workgroups are a multiple of it. */
  readonly subgroup: number;
  readonly largest: number;
}

/** Whether a kernel must say how large its subgroups are. */
export const isSized = ({ subgroup, largest }: MatrixConfig): boolean => subgroup < largest;

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
  /** Bytes of workgroup memory that one workgroup may take. */
  readonly maxWorkgroupBytes: number;
  /** Storage buffers that one call may bind. */
  readonly maxBindings: number;
  /** Bytes that one binding may span. */
  readonly maxBinding: number;
  /** Variant to take where it fits, in place of the first that does: by call (see callKey), kernel name, or `*` for all. */
  readonly prefer?: Readonly<Record<string, string>>;
}

/** An adapter of WebGPU's default limits and nothing more: what any has. */
export const DEFAULT_PROFILE: Profile = {
  lanes: 0,
  subgroups: false,
  f16: false,
  maxWorkgroup: 256,
  maxWorkgroupBytes: 16384,
  maxBindings: 8,
  maxBinding: 2 ** 27,
};

/** Whether the adapter computes on a processor, in lanes: work that a GPU spreads over many threads is then done by few. */
export const isSoftware = ({ lanes }: Profile): boolean => lanes > 0;

/** An extension of WGSL: functions of a subgroup, the type f16, products by the matrix units of a GPU, and their subgroups' sizes. */
export type Need = 'subgroups' | 'f16' | 'matrices' | 'sizes';

/**
 * One way of computing a kernel. Of a kernel's variants that fit the adapter and the call the one that the profile prefers is taken, which
 * timing has found (see engine/tune.ts), else the first.
 */
export interface Variant<P> {
  readonly name: string;
  readonly fits?: (p: P, d: Profile) => boolean;
  /** What its WGSL takes of the adapter: it fits only where that is there. */
  readonly needs?: readonly Need[] | ((d: Profile) => readonly Need[]);
  /** Bindings seen as `array<vec4f>`; the operands of an epilogue follow the output. */
  readonly vec4?: readonly string[] | ((p: P) => readonly string[]);
  /** i32 values of one call, read as `op.h`: one pipeline serves all sizes. Light kernels write their sizes as constants. */
  readonly sizes?: (p: P, d: Profile) => Record<string, number>;
  readonly grid: (p: P, d: Profile) => Grid;
  /** A promise where the modules that make it are loaded when a call is first compiled. */
  readonly code: (p: P, d: Profile) => string | Promise<string>;
}

/** The arrays that a kernel is bound to, by the names that its WGSL gives them. */
export type Bindings = Record<string, Access>;

/**
 * A kernel is plain data. What it may depend on comes in three kinds: constants written into the WGSL (flags, tile
 * sizes, divisors), `sizes` fixed for a call but shared by one pipeline, and `step` values that change every step.
 */
export interface Kernel<P, B extends Bindings = Bindings> {
  readonly name: string;
  /**
   * In the order of `@binding`; the declarations are generated from this list. Behind them come `e0` and `e1` where there is an epilogue.
   */
  readonly bindings: B;
  /** Values that change between steps, read as `op.lr`. */
  readonly step?: (p: P) => Readonly<Record<string, 'f32' | 'u32'>>;
  /** Whether the WGSL of a call draws random words: it may call `philox` and what builds on that (see random.ts). */
  readonly draws?: (p: P) => boolean;
  readonly variants: readonly Variant<P>[];
  /** Ways to compute it by calls of other kernels. */
  readonly staged?: readonly Staged<P>[];
  /** The output to which an elementwise function may be fused (see Epilogue); P then has `epilogue`. */
  readonly epilogue?: string;
  /** The unrolled code stores in many places: functions that draw random words would swell it. */
  readonly unrolled?: boolean;
  /** Calls after one of this kernel that it can take over. */
  readonly joins?: readonly Join[];
  /** How calls of it that need nothing of each other become one. */
  readonly together?: Together;
  /**
   * For checkpointing, of a call that also moves tensors that last (running statistics), which is done once: the call that makes its large
   * outputs a second time, from the small ones, which are kept.
   */
  readonly repeated?: <T extends Sized, C extends Call<T>>(call: C) => C;
  /** Multiplications and additions of one call. */
  readonly flops?: (p: P) => number;
}

/** A kernel call, and the tensors that it is given. */
export interface Call<T extends Sized = Sized> {
  readonly kernel: Kernel<any>;
  readonly params: any;
  readonly tensors: Readonly<Record<string, T>>;
}

/** What has a shape: a tensor, or what stands for one where no graph is built. */
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
    d: Profile,
  ) => Joined<C>;
}

/** How calls of a kernel that need nothing of each other become one. */
export interface Together {
  /** Whether these can be one. */
  readonly fits: (calls: readonly Call[], d: Profile) => boolean;
  /** The one. */
  readonly of: <T extends Sized>(calls: readonly Call<T>[]) => Pick<Call<T>, 'params' | 'tensors'>;
}

/** A call that has taken over the work of one after it. */
export interface Joined<C> {
  /** In the place of the producer. */
  readonly calls: readonly C[];
  /** What becomes of the calls that read what `op` wrote, where they find that in another form now. */
  readonly reader?: (call: C) => C;
}

/** A way of computing a call by calls of other kernels, one after another. */
export interface Staged<P> {
  readonly name: string;
  readonly fits: (p: P, d: Profile) => boolean;
  /** Whether it is thought to be faster than any variant, where it fits. */
  readonly leads: (p: P, d: Profile) => boolean;
  /** What stands in the place of a call. `make` gives new tensors. */
  readonly gives: <T extends Sized, C extends Call<T>>(
    call: C,
    d: Profile,
    make: (name: string, shape: readonly number[]) => T,
  ) => readonly C[];
  /**
   * A call that leaves out what this way need not write, and its readers without it; undefined where one of them takes all. It is asked of
   * calls that have readers, and whose outputs these alone see.
   */
  readonly lean?: <T extends Sized, C extends Call<T>>(
    call: C,
    readers: readonly C[],
  ) => { readonly call: C; readonly readers: readonly C[] } | undefined;
}

/** What a kernel does, its sizes included, as a text: calls of one key are equally fast. */
export const callKey = <P>(k: Kernel<P>, p: P, { half }: Pick<Profile, 'half'>): string =>
  `${k.name}${half ? ' (f16)' : ''} ${JSON.stringify(p)}`;

/** What a variant takes of the adapter. */
export const needsOf = <P>({ needs = [] }: Variant<P>, d: Profile): readonly Need[] => (typeof needs === 'function' ? needs(d) : needs);

const has = (d: Profile, need: Need): boolean => (need === 'matrices' || need === 'sizes' ? Boolean(d.matrices?.length) : d[need]);

/**
 * The variants that can compute a call on this adapter, best guess first: those whose grid can be dispatched, or where that of none can, all
 * of them, so that the program says what is too large.
 */
export function fitting<P>(k: Kernel<P>, p: P, d: Profile): Variant<P>[] {
  const able = k.variants.filter(v => (v.fits?.(p, d) ?? true) && needsOf(v, d).every(need => has(d, need)));
  const dispatched = able.filter(v => isGrid(v.grid(p, d)));
  return dispatched.length ? dispatched : able;
}

/** The name of the way that a call is to be computed, where the profile says one. */
const wantedOf = <P>(k: Kernel<P>, p: P, d: Profile): string | undefined =>
  d.prefer && (d.prefer[callKey(k, p, d)] ?? d.prefer[k.name] ?? d.prefer['*']);

/** The ways to compute a call on this adapter, variants and stages, by their names, best guess first. */
export function waysOf<P>(k: Kernel<P>, p: P, d: Profile): string[] {
  const stages = (k.staged ?? []).filter(s => s.fits(p, d));
  const lead = stages.filter(s => s.leads(p, d));
  return [...lead, ...fitting(k, p, d), ...stages.filter(s => !lead.includes(s))].map(way => way.name);
}

/** The stages that a call takes on this adapter; undefined where a variant computes it. */
export function stagesOf<P>(k: Kernel<P>, p: P, d: Profile): Staged<P> | undefined {
  if (!k.staged) return undefined;
  const ways = waysOf(k, p, d);
  const wanted = wantedOf(k, p, d);
  const name = ways.find(way => way === wanted) ?? ways[0];
  return k.staged.find(s => s.name === name);
}

/** The variant that a call takes on this adapter. */
export function pick<P>(k: Kernel<P>, p: P, d: Profile): Variant<P> {
  const can = fitting(k, p, d);
  const wanted = wantedOf(k, p, d);
  const chosen = can.find(v => v.name === wanted) ?? can[0];
  if (!chosen) throw new Error(`${k.name}: no variant fits ${JSON.stringify(p)}`);
  return chosen;
}
