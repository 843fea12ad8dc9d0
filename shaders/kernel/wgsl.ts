/** Pieces from which WGSL is put together. */

/** How many neighbouring values WGSL takes at a time: code is written once, for f32 and vec4f. */
export interface Width {
  readonly width: 1 | 4;
  /** The type of what is taken. */
  readonly type: 'f32' | 'vec4f';
  /** What makes the index of a value that of its vec4. */
  readonly index: '' | ' / 4u';
  /** WGSL: the sum of what is taken. */
  readonly sum: (v: string) => string;
}

export const SCALAR: Width = { width: 1, type: 'f32', index: '', sum: v => v };
export const VEC4: Width = { width: 4, type: 'vec4f', index: ' / 4u', sum: v => `dot(${v}, vec4f(1.0))` };
export const widthOf = (vec4: boolean | undefined): Width => (vec4 ? VEC4 : SCALAR);

/** Whether rows of `n` values can be taken as vec4f: all of them begin with a whole one then. */
export const fitsVec4 = (n: number): boolean => n % 4 === 0;

/** 0 … n-1. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** WGSL that repeats a line for 0 … n-1. */
export const unroll = (n: number, line: (i: number) => string, separator = '\n'): string => range(n).map(line).join(separator);

/** Component names of a vec4. */
export const XYZW = ['x', 'y', 'z', 'w'] as const;

/** A float as WGSL reads it: JavaScript prints 1.0 as `1`, which WGSL takes for an integer. */
export const float = (x: number): string => (Number.isInteger(x) && Math.abs(x) < 1e15 ? x.toFixed(1) : String(x));
