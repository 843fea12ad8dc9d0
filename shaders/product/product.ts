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

export interface Quads {
  readonly a?: boolean;
  readonly b?: boolean;
  readonly y?: boolean;
}

/** The type of one access, and what makes the index of a value that of its vec4f. */
export const type = (quad: boolean | undefined) => (quad ? ('vec4f' as const) : ('f32' as const));
export const index = (quad: boolean | undefined): string => (quad ? ' / 4u' : '');
