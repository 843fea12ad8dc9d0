/** How the items of a kernel are dealt out to workgroups and threads. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { isSoftware, MAX_GRID, type Grid, type Profile } from './kernel.ts';

/** A loop and the grid that covers it: one value, so that they agree. */
export interface Loop {
  readonly grid: Grid;
  /** WGSL `fn main`: `body` for each item, between what a thread does before its first one and after its last. */
  readonly main: (body: string, around?: { readonly before?: string | undefined; readonly after?: string | undefined }) => string;
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** The size of the largest of equal shares of `n` items, `most` at the most. */
export const evenShare = (n: number, most: number): number => ceilDiv(n, ceilDiv(n, most));

/** Threads of a workgroup: a subgroup of a software adapter, else `most`. */
export const threads = (d: Profile, most = 64): number => d.lanes || Math.min(most, d.maxWorkgroup);

/** `count` workgroups along two dimensions of a grid, since one may not hold them: their counts, and WGSL of a workgroup's number. */
export const folded = (count: number, [first, second]: 'xy' | 'yz') => ({
  counts: [Math.min(count, MAX_GRID), ceilDiv(count, MAX_GRID)] as const,
  number: `group.${first} + group.${second} * ${MAX_GRID}u`,
});

/**
 * WGSL of an entry point. `group` is the number of the workgroup in the grid, `lane` that of the thread in its workgroup of `size`, on GPUs
 * too: where a workgroup is a subgroup it is the lane of that.
 */
export const entry = (size: number, statements: string): string => wgsl`
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
${statements}
}`;

/** Threads of a workgroup, and how many of `values` it takes. */
function runOf(d: Profile): { readonly size: number; readonly run: number } {
  const size = threads(d, 256);
  return { size, run: size * (isSoftware(d) ? 64 : 4) };
}

/**
 * `n` values, `i` in WGSL: a workgroup of a software adapter takes a long run of them (a workgroup costs 0.2 us there, whatever it does),
 * a thread of a GPU takes four, a workgroup apart, so that neighbouring threads take neighbouring values (coalesced).
 */
export function values(n: number, d: Profile): Loop {
  const { size, run } = runOf(d);
  const { counts, number } = folded(ceilDiv(n, run), 'xy');
  return {
    grid: [...counts, 1],
    main: (body, { before = '', after = '' } = {}) =>
      entry(
        size,
        `
  let start = (${number}) * ${run}u;
  let end = min(start + ${run}u, ${n}u);
  ${before}
  for (var i = start + lane; i < end; i += ${size}u) {
${body}
  }
  ${after}`,
      ),
  };
}

/** An array among several: its values, WGSL of how many they are, and WGSL for each of them, `i`. */
export interface Values {
  readonly n: number;
  readonly count: string;
  readonly body: string;
}

/** The values of several arrays as `values` takes those of one. */
export function severalValues(arrays: readonly Values[], d: Profile): { grid: Grid; code: string } {
  const { size, run } = runOf(d);
  const parts = arrays.map(
    ({ count, body }) => `
  {
    let n = ${count};
    let groups = (n + ${run - 1}u) / ${run}u;
    if (number >= first && number < first + groups) {
      let start = (number - first) * ${run}u;
      for (var i = start + lane; i < min(start + ${run}u, n); i += ${size}u) {
${body}
      }
    }
    first += groups;
  }`,
  );
  const groups = arrays.reduce((sum, { n }) => sum + ceilDiv(n, run), 0);
  const { counts, number } = folded(groups, 'xy');
  return { grid: [...counts, 1], code: entry(size, `  let number = ${number};\n  var first = 0u;${parts.join('')}`) };
}

/**
 * The `size` values of each of `count` planes (or rows, or samples), in WGSL number `at` of `plane`, for which nothing is divided. A
 * workgroup takes `perThread` values for each of its threads.
 */
export function planes(o: { count: number; size: number; threads: number; perThread: number }): Loop {
  const run = o.threads * o.perThread;
  const { counts, number } = folded(o.count, 'yz');
  const head = (before = '') => `
  let plane = ${number};
  if (plane >= ${o.count}u) { return; }
  ${before}`;
  const each = (body: string) =>
    o.perThread === 1
      ? `
  let at = group.x * ${run}u + lane;
  if (at < ${o.size}u) {
${body}
  }`
      : `
  let end = min((group.x + 1u) * ${run}u, ${o.size}u);
  for (var at = group.x * ${run}u + lane; at < end; at += ${o.threads}u) {
${body}
  }`;
  return {
    grid: [ceilDiv(o.size, run), ...counts],
    main: (body, { before, after = '' } = {}) => entry(o.threads, head(before) + each(body) + after),
  };
}

/** A workgroup of `size` threads for each of `count` rows, `row` in WGSL: all of them do `body`, thread number `lane` its share. */
export function rows(count: number, size: number): Loop {
  const { counts, number } = folded(count, 'xy');
  return {
    grid: [...counts, 1],
    main: (body, { before = '', after = '' } = {}) =>
      entry(
        size,
        `
  let row = ${number};
  if (row >= ${count}u) { return; }
  ${before}
  ${body}
  ${after}`,
      ),
  };
}

/** A thread for each of `n` items `i`, of which there are few and each is long. */
export function items(n: number, d: Profile): Loop {
  const size = threads(d);
  const { counts, number } = folded(ceilDiv(n, size), 'xy');
  return {
    grid: [...counts, 1],
    main: (body, { before = '', after = '' } = {}) =>
      entry(
        size,
        `
  let i = (${number}) * ${size}u + lane;
  if (i >= ${n}u) { return; }
  ${before}
  ${body}
  ${after}`,
      ),
  };
}
