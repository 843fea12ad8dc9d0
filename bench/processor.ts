/** The processor in Node, by which software adapters are timed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Processor } from '../engine/timing.ts';

export const processor: Processor = {
  threads: availableParallelism(),
  ms: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** GFLOP/s of its 256-bit FMA units, all cores together. */
export function processorPeak(): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'descent-peak-'));
  try {
    const program = join(folder, 'peak');
    const source = fileURLToPath(new URL('peak.c', import.meta.url));
    execFileSync('cc', ['-O3', '-mavx2', '-mfma', '-pthread', source, '-o', program], { stdio: 'ignore' });
    return Number(execFileSync(program, [String(availableParallelism())], { encoding: 'utf8' }));
  } catch {
    return undefined; // no compiler, or another processor: the figure is left out
  } finally {
    rmSync(folder, { recursive: true });
  }
}
