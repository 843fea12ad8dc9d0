/** How kernels are written down. */
import { finish, OPERANDS, type ElementFunction, type Epilogue } from './epilogue.ts';
import type { Bindings, Kernel, Profile, Variant } from './kernel.ts';
import type { Loop } from './loops.ts';
import { SCALAR, VEC4, type Width } from './wgsl.ts';

/** What the code of a loop is made for: an adapter, and how many neighbouring values are taken at a time. */
export interface Target extends Profile, Width {}

/** WGSL of a loop: at module level, before the first item of a thread, for each item, and after the last. */
export interface LoopParts {
  readonly declared?: string;
  readonly before?: string;
  readonly each: string;
  readonly after?: string;
}

/** A way of computing a kernel as one loop over its items. */
export interface Looped<P> extends Pick<Variant<P>, 'fits' | 'needs' | 'sizes'> {
  /** `plain` without it. */
  readonly name?: string;
  /** The loop, from which come its grid and its `fn main`. */
  readonly over: (p: P, d: Target) => Loop;
  /** WGSL for each item. It stores the output of an epilogue as `finish(value, index)`. */
  readonly body: (p: P, d: Target) => string | LoopParts | Promise<LoopParts>;
  /** Bindings that are taken four values at a time: always, or by a variant of its own for the calls where that is possible. */
  readonly vec4?: readonly string[] | { readonly of: readonly string[]; readonly where: (p: P) => boolean };
  /** A function of the output before those of the epilogue. */
  readonly own?: (p: P) => ElementFunction;
}

/** The variants of a loop: one, or one of vec4f and one of f32. `output` is that of the kernel's epilogue. */
function looped<P>({ name = 'plain', fits, needs, sizes, over, body, vec4, own }: Looped<P>, output?: string): Variant<P>[] {
  const made = (name: string, width: Width, bindings: readonly string[], where = fits): Variant<P> => ({
    name,
    fits: where,
    needs,
    sizes,
    vec4: bindings,
    grid: (p, d) => over(p, { ...d, ...width }).grid,
    code: async (p, d) => {
      const target = { ...d, ...width };
      const text = await body(p, target);
      const { declared = '', each, ...around } = typeof text === 'string' ? { each: text } : text;
      const functions = [...(own ? [own(p)] : []), ...((p as { epilogue?: readonly Epilogue[] }).epilogue ?? [])];
      const finishing = output ? finish(functions, bindings.includes(output) ? 'vec4f' : 'f32') : '';
      return declared + finishing + over(p, target).main(each, around);
    },
  });
  if (!vec4) return [made(name, SCALAR, [])];
  if (!('where' in vec4)) return [made(name, VEC4, vec4)];
  const wide = name === 'plain' ? 'vec4' : `${name} vec4`;
  return [made(wide, VEC4, vec4.of, (p, d) => vec4.where(p) && (fits?.(p, d) ?? true)), made(name, SCALAR, [])];
}

/** What a kernel says beside its ways of computing. */
export type Common<P, B extends Bindings> = Omit<Kernel<P, B>, 'variants'>;
/** The one way of computing of a kernel that is no loop. */
export type Single<P> = Omit<Variant<P>, 'name' | 'fits'>;
/** The ways of computing a kernel. */
export type Form<P> = { readonly variants: readonly (Variant<P> | Looped<P>)[] } | Omit<Looped<P>, 'name'> | Single<P>;

/** A kernel by its variants, by its one loop, or by the grid and the code of its one variant. */
export function kernel<P, const B extends Bindings>(k: Common<P, B> & Form<P>): Kernel<P, B> {
  const { name, bindings, step, draws, epilogue, unrolled, joins, together, repeated, staged, flops } = k;
  const ways = 'variants' in k ? k.variants : [{ ...k, name: 'plain' }];
  const variants = ways.flatMap(way => ('over' in way ? looped(way, epilogue) : way));
  const all = epilogue ? { ...bindings, ...OPERANDS } : bindings;
  return { name, bindings: all, step, draws, epilogue, unrolled, joins, together, repeated, staged, flops, variants };
}
