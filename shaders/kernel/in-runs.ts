/** Values that a thread adds up by themselves. */
const RUN = 1024;

interface Which {
  /** WGSL: the first `i`. */
  readonly first?: string;
  readonly step?: number;
  /** WGSL: `n` as a short loop reads it, at run time where drivers are not to unroll it. */
  readonly end?: string;
}

/**
 * WGSL: `body` for each `i` below `n`, or each `step`-th from `first` on, which adds to `sums`; of many run by run, as a sum of 500,000 one
 * by one is off by half a percent.
 */
export function inRuns(
  i: string,
  n: number,
  sums: readonly string[],
  body: string,
  { first = '0u', step = 1, end = `${n}u` }: Which = {},
): string {
  const loop = (from: string, to: string) => `for (var ${i} = ${from}; ${i} < ${to}; ${i} += ${step}u) {\n${body}\n}`;
  if (n <= RUN * step) return loop(first, end);
  return `for (var first = ${first}; first < ${n}u; first += ${RUN * step}u) {
  ${sums.map(sum => `let before_${sum} = ${sum}; ${sum} = 0.0;`).join(' ')}
  ${loop('first', `min(first + ${RUN * step}u, ${n}u)`)}
  ${sums.map(sum => `${sum} += before_${sum};`).join(' ')}
}`;
}
