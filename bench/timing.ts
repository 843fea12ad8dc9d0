/** Times dispatches: many of them in one submit, so that what is measured is the device and not the way to it. */
import type { Command } from '../engine/program.ts';
import type { Device } from '../engine/device.ts';

export interface Timing {
  /** Milliseconds of one repetition: the least and the median over the rounds. */
  readonly best: number; readonly median: number;
  /** On a software adapter: processor milliseconds of one repetition, over all threads; unmoved by other processes. */
  readonly cpu: number;
  /** First run, compilation by the driver included. */
  readonly first: number;
}

export interface Job { readonly commands: readonly Command[] }

async function once(device: Device, { commands }: Job, repetitions: number): Promise<{ wall: number; cpu: number }> {
  const encoder = device.gpu.createCommandEncoder(), pass = encoder.beginComputePass();
  for (let r = 0; r < repetitions; r++) for (const { pipeline, group, grid } of commands) {
    pass.setPipeline(pipeline.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...grid);
  }
  pass.end();
  const buffer = encoder.finish(), cpu = process.cpuUsage(), start = performance.now();
  device.gpu.queue.submit([buffer]);
  await device.idle();
  const wall = performance.now() - start, used = process.cpuUsage(cpu);
  return { wall: wall / repetitions, cpu: (used.user + used.system) / 1000 / repetitions };
}

/** Times jobs in interleaved rounds (the machine drifts), each for about `target` milliseconds a round. */
export async function time(device: Device, jobs: readonly Job[], { rounds = 5, target = 60 } = {}): Promise<Timing[]> {
  const prepared = [];
  for (const job of jobs) {
    const first = (await once(device, job, 1)).wall, single = (await once(device, job, 1)).wall;
    prepared.push({ job, first, repetitions: Math.max(1, Math.min(2000, Math.round(target / single))), walls: [] as number[], cpus: [] as number[] });
  }
  for (let round = 0; round < rounds; round++) for (const p of prepared) {
    const { wall, cpu } = await once(device, p.job, p.repetitions);
    p.walls.push(wall);
    p.cpus.push(cpu);
  }
  return prepared.map(({ first, walls, cpus }) => {
    walls.sort((a, b) => a - b);
    return { best: walls[0]!, median: walls[walls.length >> 1]!, cpu: Math.min(...cpus), first };
  });
}
