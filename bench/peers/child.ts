/** A peer's side of the protocol: JSON lines, `{ ready }` once, then `{ ms, cpu, losses, peak }` for each `{ run, burst }`. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Problem } from './networks.ts';
import type { Ready, Steps } from './process.ts';

const send = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
console.log = console.error; // standard output is the protocol's

export const problem = JSON.parse(process.argv[2]!) as Problem;
export const variant = process.argv[3]!;

/** A module of the peers' folder. The packages are no dependencies of this one, so that tsc knows nothing of their types. */
export const load = (name: string): any => createRequire(join(process.env.DESCENT_PEERS!, 'peers.cjs'))(name);

/** A fixed batch: each class has its wave, under noise. `x` is [n, c, h, w] or, channels being noise and wave alike, [n, h, w, c]. */
export function batch(): { x: Float32Array; labels: Int32Array } {
  const [c, h, w] = problem.network.shape;
  const size = c * h * w;
  const labels = Int32Array.from({ length: problem.batch }, (_, i) => i % 10);
  let seed = 1;
  const noise = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  const value = (label: number, at: number) => Math.cos((label + 1) * at * 0.1) + noise();
  const x = Float32Array.from({ length: problem.batch * size }, (_, i) => value(labels[Math.floor(i / size)]!, i % size));
  return { labels, x };
}

/** PyTorch's default initialisation: uniform in +-1 / sqrt(fan in). */
export const uniform = (length: number, fanIn: number): Float32Array =>
  Float32Array.from({ length }, () => (2 * Math.random() - 1) / Math.sqrt(fanIn));

/**
 * Answers the parent until it closes our input. `step` queues one training step; with `read` it resolves to the loss, which is there once
 * all that was queued is done; of a net that answers to one of the answers.
 */
export async function serve(ready: Ready, step: (read: boolean) => Promise<number | undefined>): Promise<void> {
  send({ ready });
  for await (const line of createInterface(process.stdin)) {
    const { run, burst } = JSON.parse(line) as { run: number; burst: number };
    const ms: number[] = [];
    const cpu: number[] = [];
    const losses: number[] = [];
    for (let left = run; left > 0; left -= burst) {
      const count = Math.min(burst, left);
      const start = performance.now();
      const before = process.cpuUsage();
      for (let i = 1; i < count; i++) await step(false);
      losses.push((await step(true))!);
      const { user, system } = process.cpuUsage(before);
      ms.push((performance.now() - start) / count);
      cpu.push((user + system) / 1000 / count);
    }
    const steps: Steps = { ms, cpu, losses, peak: process.resourceUsage().maxRSS * 1024 };
    send(steps);
  }
  process.exit();
}
