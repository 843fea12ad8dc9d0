/**
 * How a kernel writes the gradient of a parameter. 'first': the step's first writer, which overwrites what is there unless
 * the step adds to earlier micro-batches; 'more': a later writer (shared weights), which always adds.
 */
export type Gradient = 'first' | 'more';

/** The step value that a gradient's first writer reads. */
export const accumulates = (gradient: Gradient | undefined): Record<string, 'u32'> => (gradient === 'first' ? { accumulate: 'u32' } : {});

/** WGSL: what is stored for a new value `v` of a gradient whose old value is `old`. */
export function accumulated(gradient: Gradient | undefined, old: string): string {
  if (gradient === 'more') return `v + ${old}`;
  if (gradient === 'first') return `select(v, v + ${old}, op.accumulate != 0u)`;
  return 'v';
}
