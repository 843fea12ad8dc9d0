/** The kernel and step parts of `descent bench` in a worker: what the command line measures, by the same code. */
import { check } from '../../engine/check.ts';
import { openDevice } from '../../engine/open.ts';
import { measureCeiling } from '../../bench/ceiling.ts';
import { benchKernels as timeKernels, rowsWith } from '../../bench/kernels.ts';
import { benchStep as timeStep, traceStep } from '../../bench/step.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { openDataset } from '../data/data.ts';
import type { Dropped } from '../data/dropped.ts';
import type { Measured, RunEvent } from './protocol.ts';

export async function benchKernels(filter: string, all: boolean, emit: (event: RunEvent) => void): Promise<Measured> {
  const device = await openDevice({ tune: false });
  try {
    check(rowsWith(filter, device).length, `Filter: no kernel or layer contains '${filter}'`, 'leave it empty for all');
    const ceiling = await measureCeiling(device);
    const kernels = await timeKernels(device, ceiling, {
      filter,
      all,
      rounds: 3,
      onResult: timed => emit({ kind: 'timed', ...timed }),
    });
    return { adapter: device.report, ceiling, kernels };
  } finally {
    device.close();
  }
}

export async function benchStep(config: RunConfig, trace: boolean, base: string, dropped: Dropped): Promise<Measured> {
  const start = performance.now();
  const dataset = await openDataset(config, dropped, base);
  const device = await openDevice();
  try {
    const { trainer, note } = await openTrainer(recipeOf(config), dataset, device);
    await trainer.step();
    await trainer.settle();
    const firstStepMs = performance.now() - start;
    const step = await timeStep(trainer, config.batchSize);
    return { adapter: device.report, firstStepMs, step, note, ...(trace && { trace: await traceStep(trainer) }) };
  } finally {
    device.close();
  }
}
