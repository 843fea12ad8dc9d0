/** Times dispatches: many of them in one submit, so that what is measured is the device and not the way to it. */
import { DeviceLost, say } from './check.ts';
import type { Device } from './device.ts';
import { Owner } from './owner.ts';
import { platform } from './platform.ts';
import { encode, type Dispatch } from './program.ts';

export interface Timing {
  /** Milliseconds of one repetition: the least and the median over the rounds. */
  readonly best: number;
  readonly median: number;
  /** What an idle machine would need: `best`, or on a software adapter less where its processor did other work meanwhile. */
  readonly idle: number;
  /** First run, compilation by the driver included. */
  readonly first: number;
}

export interface Job {
  readonly commands: readonly Dispatch[];
}

/**
 * The clock of the processor time that this process has used, over all threads: on a software adapter it is unmoved by other processes.
 * Browsers have none.
 */
export interface Processor {
  readonly threads: number;
  readonly ms: () => number;
}

export interface TimeOptions {
  readonly rounds?: number;
  /** Milliseconds of one job in one round. */
  readonly target?: number;
  readonly processor?: Processor;
}

/** A span of the device's clock counts from so many ticks of it on: rounding is then 2.5 % at most. Else the wall clock does. */
const FINE = 40;
/** A software adapter works in this process: the wall clock sees all of it, from its first ms on. */
const FINE_SOFTWARE = 4;
/** How often the number of repetitions is estimated anew, how much it may grow each time, and how large it may be. */
const ESTIMATES = 4;
const GROWTH = 50;
const MOST_REPETITIONS = 2000;

/** Begin and end of a pass by the device's own clock. */
class Stamps {
  #owner: Owner;
  #set: GPUQuerySet;
  #resolved: GPUBuffer;

  constructor(owner: Owner) {
    this.#owner = owner;
    this.#set = owner.device.gpu.createQuerySet({ type: 'timestamp', count: 2 });
    this.#resolved = this.#owner.buffer('timestamps', 16, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
  }

  get writes(): GPUComputePassTimestampWrites {
    return { querySet: this.#set, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
  }

  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#set, 0, 2, this.#resolved, 0);
  }

  async ms(): Promise<number> {
    const [begin, end] = new BigInt64Array(await this.#owner.download(this.#resolved, 0, 16));
    return Number(end! - begin!) / 1e6;
  }

  destroy(): void {
    this.#set.destroy();
    this.#owner.free(this.#resolved);
  }
}

interface Clocks {
  readonly stamps?: Stamps | undefined;
  readonly processor?: Processor | undefined;
}

/** Milliseconds of all repetitions, by the device's clock where that is fine enough; `idle` as in Timing. */
async function once(owner: Owner, { commands }: Job, repetitions: number, { stamps, processor }: Clocks = {}) {
  const { gpu, report } = owner.device;
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass(stamps && { timestampWrites: stamps.writes });
  for (let r = 0; r < repetitions; r++) encode(pass, commands);
  pass.end();
  stamps?.resolve(encoder);
  const buffer = encoder.finish();

  const used = processor?.ms() ?? 0;
  const start = performance.now();
  owner.guard(() => gpu.queue.submit([buffer]));
  await owner.idle();
  let ms = performance.now() - start;
  const idle = report.software && processor ? (processor.ms() - used) / processor.threads : Infinity;
  const least = report.software ? FINE_SOFTWARE : FINE * platform().tick;
  if (stamps && ms >= least) {
    const span = await stamps.ms();
    if (span > 0 && span >= least && span < ms) ms = span;
  }
  return { ms, idle: Math.min(ms, idle) };
}

/** Keeps a GPU at work for some milliseconds: idle ones run at a fraction of their clock, and the first jobs would seem slow. */
export async function warmUp(device: Device, job: Job, ms: number): Promise<void> {
  const owner = new Owner(device);
  for (const start = performance.now(); performance.now() - start < ms; ) await once(owner, job, 1);
}

/** Times jobs in interleaved rounds (the machine drifts), each for about `target` milliseconds a round. */
export async function time(device: Device, jobs: readonly Job[], options: TimeOptions = {}): Promise<Timing[]> {
  const { rounds = 5, target = 60, processor } = options;
  const owner = new Owner(device);
  const stamps = device.gpu.features.has('timestamp-query') ? new Stamps(owner) : undefined;
  const prepared = [];
  for (const job of jobs) {
    const first = (await once(owner, job, 1)).ms;
    let repetitions = 1;
    for (let i = 0; i < ESTIMATES && repetitions < MOST_REPETITIONS; i++) {
      // a single dispatch is hidden by the cost of its submit
      const { ms } = await once(owner, job, repetitions, { stamps });
      if (ms >= target / 2) break;
      repetitions = Math.max(1, Math.min(MOST_REPETITIONS, GROWTH * repetitions, Math.round((repetitions * target) / ms)));
    }
    prepared.push({ job, first, repetitions, ms: [] as number[], idle: [] as number[] });
  }
  for (let round = 0; round < rounds; round++)
    for (const p of prepared) {
      const { ms, idle } = await once(owner, p.job, p.repetitions, { stamps, processor });
      p.ms.push(ms / p.repetitions);
      p.idle.push(idle / p.repetitions);
    }
  stamps?.destroy();
  return prepared.map(({ first, ms, idle }) => {
    ms.sort((a, b) => a - b);
    return { best: ms[0]!, median: ms[ms.length >> 1]!, idle: Math.min(...idle), first };
  });
}

/** Throws an error again; of a device that is lost it says what was timed, which its driver may not have survived. */
export const lostWhile =
  (what: string) =>
  (error: unknown): never => {
    if (error instanceof DeviceLost) throw new DeviceLost(say`${error.problem} while ${what}`, ...error.advice);
    throw error;
  };
