/** `descent bench kernels`: kernels and their variants over the shapes of the zoo, as a share of what the adapter can do. */
import { stream } from '../datasets/random.ts';
import type { Device } from '../engine/device.ts';
import { withProgram } from '../engine/compute.ts';
import type { Graph } from '../engine/graph.ts';
import { bytesOf } from '../engine/plan.ts';
import type { Program } from '../engine/program.ts';
import type { Tensor } from '../engine/tensor.ts';
import { lostWhile, time, type TimeOptions } from '../engine/timing.ts';
import { uniform } from '../layers/init.ts';
import { typeOf, waysOf } from '../shaders/kernel/kernel.ts';
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
  /** Whether activations are f16, as in a step under `--precision f16`: weights and what is summed are not. */
  readonly half?: boolean;
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
  { filter = '', all = false, half = false, rounds = 5, processor, onResult }: KernelOptions = {},
): Promise<KernelResult[]> {
  const wanted = rowsWith(filter, device);
  const results: KernelResult[] = [];
  const runs = wanted.flatMap(row => {
    const halves = half ? halvesOf(row) : [];
    const variants = waysOf(row.kernel, row.params, device.profileFor(halves));
    return (all ? variants : variants.slice(0, 1)).map(variant => ({ row, halves, variant }));
  });
  for (const { row, halves, variant } of runs) {
    const preferring = device.withProfile({ prefer: { [row.kernel.name]: variant } });
    const what = `${row.kernel.name} (${variant}) was timed for ${row.label}`;
    const { result, wgsl } = await one(preferring, { row, halves, variant }, ceiling, { rounds, processor }).catch(lostWhile(what));
    results.push(result);
    onResult?.({ result, wgsl, done: results.length, of: runs.length });
  }
  return results;
}

/** The bindings of a row that hold f16 where activations do. */
const halvesOf = ({ kernel, tensors }: Row): string[] =>
  Object.keys(tensors).filter(name => !typeOf(kernel.bindings[name]!) && !/weight|bias/.test(name));

/** A way of computing a row. */
interface Way {
  readonly row: Row;
  readonly halves: readonly string[];
  readonly variant: string;
}

async function one(
  device: Device,
  { row, halves, variant }: Way,
  ceiling: Ceiling,
  options: TimeOptions,
): Promise<Pick<Timed, 'result' | 'wgsl'>> {
  const build = (g: Graph) => {
    const tensors = Object.entries(row.tensors).map(([name, n]): [string, Tensor] => {
      if (halves.includes(name)) return [name, { ...g.persistent('input', name, [n]), half: true }];
      return [name, g.persistent('input', name, [n], name === 'labels' ? undefined : uniform(1))]; // class 0
    });
    g.run(row.kernel, row.params, Object.fromEntries(tensors));
    return tensors.map(([, t]) => t);
  };
  const timed = async ({ commands, memory }: Program, tensors: readonly Tensor[]) => {
    for (const t of tensors.filter(({ half }) => half)) {
      const { buffer, offset, size } = memory.range(t);
      memory.upload(buffer, offset, halfNoise(size));
    }
    const [timing] = await time(device, [{ commands }], options);
    return {
      ...timing!,
      bytes: tensors.reduce((n, t) => n + bytesOf(t), 0),
      wgsl: [...new Set(commands.map(({ pipeline }) => pipeline.code))],
    };
  };
  const { idle: ms, median, first, bytes, wgsl } = await withProgram(device, build, timed, { fuse: false });
  const gflops = row.flops / ms / 1e6;
  const gbs = bytes / ms / 1e6;
  const result = {
    kernel: row.kernel.name,
    variant,
    shape: row.label,
    ms,
    median,
    first,
    gflops,
    gbs,
    ofFma: gflops / ceiling.gflopPerSecond,
    ofCopy: gbs / ceiling.gbPerSecond,
    ...(ceiling.avx2 && { ofAvx2: gflops / ceiling.avx2 }),
  };
  return { result, wgsl };
}

/** f16 from 0.5 to 1 and from -1 to -0.5: a GPU multiplies zeros at less power, and so faster. */
function halfNoise(bytes: number): Uint32Array {
  const draw = stream(1, 0);
  return Uint32Array.from({ length: bytes / 4 }, () => (Math.floor(draw() * 2 ** 32) & 0x83ff83ff) | 0x38003800);
}
