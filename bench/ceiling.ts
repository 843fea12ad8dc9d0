/** What the adapter can do at most, measured in the same run as what is compared with it. */
import type { Device } from '../engine/device.ts';
import { withProgram } from '../engine/compute.ts';
import type { Graph } from '../engine/graph.ts';
import type { Program } from '../engine/program.ts';
import { time, type Processor } from '../engine/timing.ts';
import { elementwise } from '../shaders/kernel/elementwise.ts';
import { kernel } from '../shaders/kernel/define.ts';
import { items } from '../shaders/kernel/loops.ts';
import { unroll } from '../shaders/kernel/wgsl.ts';

export interface Ceiling {
  /** The rate of a copy kernel, bytes read plus written. */
  readonly gbPerSecond: number;
  /** The rate of a kernel of independent multiply-add chains. */
  readonly gflopPerSecond: number;
  /** The rate of the processor's 256-bit FMA units, where a C compiler is at hand and the adapter is software. */
  readonly avx2: number | undefined;
}

/** Independent sums, enough to cover the latency of the units. */
const CHAINS = 24;
/** Multiply-adds of each sum in one round of the loop, whose own cost is high on software adapters. */
const UNROLLED = 16;
const ROUNDS = 32;

const multiplyAdd = kernel({
  name: 'multiply_add',
  bindings: { y: 'write' },
  over: (p: { threads: number }, d) => items(p.threads, d),
  body: () => `
  ${unroll(CHAINS, k => `var c${k} = f32(i) + ${k}.0;`, ' ')}
  for (var round = 0u; round < ${ROUNDS}u; round++) {
${unroll(UNROLLED, () => unroll(CHAINS, k => `c${k} = c${k} * 0.9999 + 0.001;`, ' '))}
  }
  y[i] = ${unroll(CHAINS, k => `c${k}`, ' + ')};`,
});

/** `peak` gives the processor's own limit, which is told of where the adapter is software. */
export async function measureCeiling(
  device: Device,
  { processor, peak }: { processor?: Processor; peak?: () => number | undefined } = {},
): Promise<Ceiling> {
  const threads = device.profile.lanes ? 4096 : 1 << 18;
  const n = device.profile.lanes ? 1 << 21 : 1 << 25;
  const build = (g: Graph) => {
    const v = g.persistent('input', 'v', [n]);
    const y = g.persistent('input', 'y', [n]);
    const flops = g.persistent('input', 'flops', [threads]);
    g.run(elementwise, { n, f: 'v' }, { v, y });
    g.run(multiplyAdd, { threads }, { y: flops });
  };
  const timed = ({ commands }: Program) => {
    const runs = commands.map(command => ({ commands: [command] }));
    return time(device, runs, { processor });
  };
  const [copy, fma] = await withProgram(device, build, timed, { fuse: false });
  return {
    gbPerSecond: (n * 8) / copy!.idle / 1e6,
    gflopPerSecond: (threads * CHAINS * UNROLLED * ROUNDS * 2) / fma!.idle / 1e6,
    avx2: device.report.software ? peak?.() : undefined,
  };
}
