/** Pieces from which WGSL is put together. */

/** 0 … n-1. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** WGSL that repeats a line for 0 … n-1. */
export const unroll = (n: number, line: (i: number) => string, separator = '\n'): string => range(n).map(line).join(separator);

/** Component names of a vec4. */
export const XYZW = ['x', 'y', 'z', 'w'] as const;

/** A float as WGSL reads it: JavaScript prints 1.0 as `1`, which WGSL takes for an integer. */
export const float = (x: number): string => (Number.isInteger(x) && Math.abs(x) < 1e15 ? x.toFixed(1) : String(x));
