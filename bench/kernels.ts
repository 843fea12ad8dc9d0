/** `descent bench kernels`: every kernel and variant over the shapes of the zoo, as a share of what the adapter can do. */
import type { Device } from '../engine/device.ts';
import { withProgram } from '../engine/compute.ts';
import type { Graph } from '../engine/graph.ts';
import type { Program } from '../engine/program.ts';
import { lostWhile, time, type TimeOptions } from '../engine/timing.ts';
import { uniform } from '../layers/init.ts';
import { waysOf } from '../shaders/kernel/kernel.ts';
import type { Ceiling } from './ceiling.ts';
import { rows, type Row } from './rows.ts';

export interface KernelResult {
  readonly kernel: string;
  readonly variant: string;
  readonly shape: string;
  /** Milliseconds: best and median of the rounds, and of the first run with the driver's compilation. */
  readonly ms: number;
  readonly median: number;
  readonly first: number;
  readonly gflops: number;
  readonly gbs: number;
  /** The rates of the multiply-add and the copy kernel, and of the processor's AVX2 units on a software adapter. */
  readonly ofFma: number;
  readonly ofCopy: number;
  readonly ofAvx2?: number;
}

/** A result as it comes. */
export interface Timed {
  readonly result: KernelResult;
  /** What ran: one text, or those of the stages. */
  readonly wgsl: readonly string[];
  /** Results so far, and how many there will be. */
  readonly done: number;
  readonly of: number;
}

export interface KernelOptions extends TimeOptions {
  readonly filter?: string;
  readonly all?: boolean;
  /** Told of each result as it comes. */
  readonly onResult?: (timed: Timed) => void;
}

/** The rows whose label or kernel contains `filter`. */
export const rowsWith = (filter: string, { profile }: Device): Row[] =>
  rows(profile).filter(r => `${r.kernel.name} ${r.label}`.includes(filter));

/** Times the rows whose label or kernel contains `filter`; with `all` each variant that fits, else the one taken. */
export async function benchKernels(
  device: Device,
  ceiling: Ceiling,
  { filter = '', all = false, rounds = 5, processor, onResult }: KernelOptions = {},
): Promise<KernelResult[]> {
  const wanted = rowsWith(filter, device);
  const results: KernelResult[] = [];
  const runs = wanted.flatMap(row => {
    const variants = waysOf(row.kernel, row.params, device.profile);
    return (all ? variants : variants.slice(0, 1)).map(variant => ({ row, variant }));
  });
  for (const { row, variant } of runs) {
    const preferring = device.withProfile({ prefer: { [row.kernel.name]: variant } });
    const what = `${row.kernel.name} (${variant}) was timed for ${row.label}`;
    const { result, wgsl } = await one(preferring, row, variant, ceiling, { rounds, processor }).catch(lostWhile(what));
    results.push(result);
    onResult?.({ result, wgsl, done: results.length, of: runs.length });
  }
  return results;
}

async function one(
  device: Device,
  row: Row,
  variant: string,
  ceiling: Ceiling,
  options: TimeOptions,
): Promise<Pick<Timed, 'result' | 'wgsl'>> {
  const build = (g: Graph) => {
    const tensors = Object.entries(row.tensors).map(([name, n]) => {
      const init = name === 'labels' ? undefined : uniform(1); // class 0
      return [name, g.persistent('input', name, [n], init)];
    });
    g.run(row.kernel, row.params, Object.fromEntries(tensors));
  };
  const timed = async ({ commands }: Program) => ({
    timing: (await time(device, [{ commands }], options))[0]!,
    wgsl: [...new Set(commands.map(({ pipeline }) => pipeline.code))],
  });
  const { timing, wgsl } = await withProgram(device, build, timed, { fuse: false });
  const ms = timing.idle;
  const bytes = 4 * Object.values(row.tensors).reduce((a, b) => a + b, 0);
  const gflops = row.flops / ms / 1e6;
  const gbs = bytes / ms / 1e6;
  const result = {
    kernel: row.kernel.name,
    variant,
    shape: row.label,
    ms,
    median: timing.median,
    first: timing.first,
    gflops,
    gbs,
    ofFma: gflops / ceiling.gflopPerSecond,
    ofCopy: gbs / ceiling.gbPerSecond,
    ...(ceiling.avx2 && { ofAvx2: gflops / ceiling.avx2 }),
  };
  return { result, wgsl };
}
