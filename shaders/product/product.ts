/** Matrix products by tiles, whatever their operands are: what a kernel says of its product, for the variants of tiled.ts and matrix.ts. */
import type { Grid } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { widthOf, type Width } from '../kernel/wgsl.ts';
import type { Layout, Operand } from './operand.ts';

/** What of a product is known before its WGSL is made: whether and how it can be computed. */
export interface TiledForm<P> {
  /** Of each product: rows and columns of Y, the values that each output sums over, and how many products there are, 1 unless said. */
  readonly shape: (p: P) => { m: number; n: number; k: number; batch?: number };
  /** In how many slices k is summed up apart, 1 unless said: few outputs of a long k fill a device so (split-K). */
  readonly split?: (p: P) => number;
  readonly a: (p: P) => Layout;
  readonly b: (p: P) => Layout;
  /** Whether four neighbours along n are stored as vec4f: sizes and addresses must divide by four. */
  readonly vec4: (p: P) => boolean;
  /** The bindings that are array<vec4f> where Y is. */
  readonly stored: readonly string[];
  /**
   * What of each row's runs of `columns` is to be recorded too. Of `moments` it is mean and sum of squared distances from it, as
   * `record(m, n, mean, squares)`, n being the first column of a run. Of `products` it is the sum of what `store(m, n, sum)` then returns, and
   * that of what `paired(m, n, stored)` makes of four of them, as vec4f. n divides by `columns`.
   */
  readonly recorded?: (p: P) => Recorded | undefined;
  /** Whether a call can be computed so at all. */
  readonly fits?: (p: P) => boolean;
}

/**
 * The GPU form of a matrix product Y[m, n] = A[m, k] B[k, n] whatever its operands mean: a convolution is one too. Along z lie `batch`
 * products, and slices of k where `split` asks for more than one, `store` then receiving a partial sum; in WGSL they are `batch` and
 * `slice`.
 */
export interface Tiled<P> extends TiledForm<P> {
  /** Where k ends for each of the batch, if not where that of `shape` does, which is the largest. */
  readonly endOfK?: (p: P) => {
    /** WGSL that declares what `end` is made of, by the `product`, one of the batch. */
    readonly declared: string;
    readonly end: string;
    /** Whether all of them are a whole number of stages of `depth`. */
    readonly divides: (depth: number) => boolean;
  };
  readonly a: (p: P) => Operand;
  readonly b: (p: P) => Operand;
  /** WGSL of constants, and of `store(m, n, sum)` with a sum of f32 or vec4f, called within bounds. */
  readonly code: (p: P, y: Width) => string;
}

/** Two numbers that are taken of each `columns` neighbouring outputs of a row. */
export interface Recorded {
  readonly of: 'moments' | 'products';
  readonly columns: number;
}

export const widthOfY = <P>(t: TiledForm<P>, p: P): Width => widthOf(t.vec4(p));

/** The grid of workgroups of height x width outputs: along n, along m, and for the batch and slices of k. */
export function gridOf<P>(t: TiledForm<P>, p: P, height: number, width: number): Grid {
  const { m, n, batch = 1 } = t.shape(p);
  return [ceilDiv(n, width), ceilDiv(m, height), batch * (t.split?.(p) ?? 1)];
}

/** The bindings of a call that are array<vec4f>. */
export const vec4Bindings = <P>(t: TiledForm<P>, p: P): readonly string[] => [
  ...[t.a(p), t.b(p)].flatMap(({ vec4, source }) => (vec4 ? [source] : [])),
  ...(t.vec4(p) ? t.stored : []),
];

/** WGSL of a call, but for its main function: constants, how A and B are read, how Y is stored. */
export const codeOf = <P>(t: Tiled<P>, p: P): string => `
var<private> batch : u32;
var<private> slice : u32;
${t.code(p, widthOfY(t, p))}
${t.a(p).code('A')}
${t.b(p).code('B')}`;
