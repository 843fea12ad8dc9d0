/** `descent bench step`: a training step as a whole, and where its time goes. */
import { opName, type Pass } from '../engine/op.ts';
import type { Command } from '../engine/program.ts';
import { time, type TimeOptions } from '../engine/timing.ts';
import type { Trainer } from '../train/step/trainer.ts';

export interface StepResult {
  /** Milliseconds of one step with two in flight: median and best of the rounds. */
  readonly ms: number;
  readonly best: number;
  /** What a step would take on an idle machine, where the adapter is software and other processes were busy (see Processor). */
  readonly idle: number;
  readonly imagesPerSecond: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly pipelines: number;
  /** Bytes of activations: all slots, the most alive at once, without reuse; and all that the run holds on the device. */
  readonly activations: number;
  readonly bound: number;
  readonly withoutReuse: number;
  readonly device: number;
  /** Bytes that all slots would take without checkpointing, and its estimated cost, where it is done (see Plan). */
  readonly unchecked?: number;
  readonly slowdown?: number;
}

/** How many steps a round may have, and how many times as many as in the one before it: short ones take no time by a browser's clock. */
const MOST_STEPS = 10_000;
const GROWTH = 50;

/** Times steps in rounds of about `target` ms. The trainer has been warmed up by its first step. */
export async function benchStep(
  trainer: Trainer,
  batch: number,
  { rounds = 5, target = 400, processor }: TimeOptions = {},
): Promise<StepResult> {
  const { program, device } = trainer;
  const clock = device.report.software ? processor : undefined;
  const run = async (n: number) => {
    const start = performance.now();
    const used = clock?.ms() ?? 0;
    for (let i = 0; i < n; i++) await trainer.step();
    await trainer.settle();
    const ms = (performance.now() - start) / n;
    return { ms, idle: clock ? Math.min(ms, (clock.ms() - used) / clock.threads / n) : ms };
  };
  const submits = await countSubmits(trainer);
  let n = 2;
  let guess = await run(n);
  while (guess.ms * n < target / 2 && n < MOST_STEPS) {
    n = Math.min(MOST_STEPS, GROWTH * n, Math.round(target / guess.ms));
    guess = await run(n);
  }
  const each: (typeof guess)[] = [];
  for (let r = 0; r < rounds; r++) each.push(await run(n));
  each.sort((a, b) => a.ms - b.ms);
  const { ms } = each[each.length >> 1]!;
  return {
    ms,
    best: each[0]!.ms,
    idle: Math.min(...each.map(one => one.idle)),
    imagesPerSecond: (batch / ms) * 1000,
    dispatches: program.commands.length,
    submits,
    pipelines: device.pipelines,
    activations: program.plan.peak,
    bound: program.plan.bound,
    withoutReuse: program.plan.sum,
    unchecked: program.plan.unchecked,
    slowdown: program.plan.slowdown,
    device: trainer.memory.bytes,
  };
}

/** Command buffers handed to the device in one step. */
async function countSubmits(trainer: Trainer): Promise<number> {
  const { queue } = trainer.device.gpu;
  const { submit } = queue;
  let submits = 0;
  queue.submit = buffers => {
    submits++;
    return submit.call(queue, buffers);
  };
  try {
    await trainer.step();
  } finally {
    queue.submit = submit;
  }
  await trainer.settle();
  return submits;
}

export interface DispatchResult {
  /** Layer and pass. */
  readonly op: string;
  readonly pass: Pass;
  readonly kernel: string;
  readonly variant: string;
  readonly ms: number;
  readonly gflops: number;
}

/** Milliseconds of each dispatch of a step, timed by itself over many repetitions. */
export async function traceStep(trainer: Trainer, { rounds = 3, target = 20, processor }: TimeOptions = {}): Promise<DispatchResult[]> {
  const { commands } = trainer.program;
  const runs = commands.map(command => ({ commands: [command] }));
  const timings = await time(trainer.device, runs, { rounds, target, processor });
  return commands.map(({ op, pipeline }: Command, i) => {
    const ms = timings[i]!.idle;
    const flops = op.kernel.flops?.(op.params) ?? 0;
    return { op: opName(op), pass: op.pass, kernel: op.kernel.name, variant: pipeline.variant.name, ms, gflops: flops / ms / 1e6 };
  });
}

/** The dispatches one after another as a Chrome trace (chrome://tracing, Perfetto): microseconds. */
export function chromeTrace(trace: readonly DispatchResult[]): string {
  let at = 0;
  const traceEvents = trace.map(({ op, pass, kernel, variant, ms, gflops }) => {
    const event = { name: `${op} ${kernel}`, cat: pass, ph: 'X', pid: 1, tid: 1, ts: at * 1000, dur: ms * 1000, args: { variant, gflops } };
    at += ms;
    return event;
  });
  return JSON.stringify({ traceEvents });
}
