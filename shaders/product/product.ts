import { widthOf, type Width } from '../kernel/wgsl.ts';

/**
 * The GPU form of a matrix product Y[m, n] = A[m, k] B[k, n] whatever its operands mean: a convolution is one too. Along z lie `batch`
 * products, and slices of k where `split` asks for more than one, `store` then receiving a partial sum; in WGSL they are `batch` and
 * `slice`.
 */
export interface Tiled<P> {
  readonly shape: (p: P) => { m: number; n: number; k: number; batch?: number };
  readonly split?: (p: P) => number;
  /** The direction of each operand in which neighbours lie side by side in memory, so that neighbouring threads read along it. */
  readonly along: (p: P) => { a: 'm' | 'k'; b: 'n' | 'k' };
  /**
   * What is loaded and stored as vec4f, four neighbours along m, n and n: sizes and addresses must divide by four. An operand can be only
   * if it lies along that direction.
   */
  readonly vec4: (p: P) => Partial<Record<Matrix, boolean>>;
  /** The bindings that are array<vec4f> where A, B or Y is taken so. */
  readonly bindings: Partial<Record<Matrix, readonly string[]>>;
  /** WGSL of `loadA(m, k)`, `loadB(k, n)` (called within bounds) and `store(m, n, sum)`, each of f32 or vec4f. */
  readonly code: (p: P, widths: Record<Matrix, Width>) => string;
  /**
   * Whether `record(m, n, mean, squares)` is to be called too, with the mean of Y[m, n … n + MOMENT_COLUMNS - 1] and the sum of squared
   * distances from it. n divides by MOMENT_COLUMNS then.
   */
  readonly moments?: (p: P) => boolean;
}

type Matrix = 'a' | 'b' | 'y';

/** Neighbouring columns whose moments are taken together. */
export const MOMENT_COLUMNS = 64;

export const widthsOf = <P>(t: Tiled<P>, p: P): Record<Matrix, Width> => {
  const { a, b, y } = t.vec4(p);
  return { a: widthOf(a), b: widthOf(b), y: widthOf(y) };
};

/** The bindings of a call that are array<vec4f>. */
export const vec4Bindings = <P>(t: Tiled<P>, p: P): readonly string[] => {
  const widths = widthsOf(t, p);
  return (['a', 'b', 'y'] as const).flatMap(name => (widths[name].width === 4 ? (t.bindings[name] ?? []) : []));
};
