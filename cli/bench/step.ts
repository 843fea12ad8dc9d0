/** `descent bench step`. */
import { measureCeiling } from '../../bench/ceiling.ts';
import { milliseconds, perSecond } from '../../bench/milliseconds.ts';
import { processor, processorPeak } from '../../bench/processor.ts';
import { benchStep, chromeTrace, traceStep, type DispatchResult, type StepResult } from '../../bench/step.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { megabytes } from '../../engine/plan.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { writeWhole } from '../../train/run/node/files.ts';
import { flagOf } from '../flags.ts';
import { count, print, table } from '../output.ts';
import { loadOwnModel } from '../own-model.ts';
import { openSession } from '../run/session.ts';
import { describeCeiling } from './kernels.ts';
import { firstSteps, type FirstStep } from './first-step.ts';
import { result, type BenchOptions } from './result.ts';

export interface StepOptions extends BenchOptions {
  dataset?: string;
  batchSize?: string;
  optimizer?: string;
  precision?: string;
  checkpointActivations?: boolean | string;
  trace?: string | boolean;
  start?: boolean;
  /** Whether `--start` began this process: the time to the first step alone is wanted. */
  first?: boolean;
}

export async function step(model: string, options: StepOptions): Promise<void> {
  const start = performance.now();
  await loadOwnModel(model);
  const { dataset: name, batchSize, optimizer, precision, checkpointActivations } = options;
  const given = { dataset: name, batchSize, optimizer, precision, checkpointActivations, valSplit: '0' };
  const config = parseConfig(model, given);
  const dataset = openDataset(config.dataset, { dataDir: options.dataDir, quiet: true });
  const session = await openSession(recipeOf(config), dataset, options);
  const { trainer } = session;
  await trainer.step();
  await trainer.settle();
  const firstStepMs = performance.now() - start;
  if (options.first) {
    const { user, system } = process.cpuUsage();
    const first: FirstStep = { total: performance.now(), modules: start, cpu: (user + system) / 1000 };
    print(JSON.stringify(first));
    return session.close();
  }

  const measured = await benchStep(trainer, config.batchSize, { processor });
  const starts = options.start ? await firstSteps(firstWords(model, options)) : undefined;
  const trace = options.trace === undefined ? undefined : await traceStep(trainer, { processor });
  const ceiling = trace && (await measureCeiling(trainer.device, { processor, peak: processorPeak }));
  if (!options.json) {
    print(session.title);
    print(stepTable(measured, firstStepMs));
    print(describeMemory(measured));
    if (starts) print(startTable(starts));
    if (trace) print(traceTable(trace));
    if (ceiling) print(`on this adapter ${describeCeiling(ceiling)}, measured now`);
  }
  if (trace && typeof options.trace === 'string') {
    writeWhole(options.trace, chromeTrace(trace));
    if (!options.json && !options.quiet) print(`trace written to ${options.trace}`);
  }
  result(options, trainer.device, {
    model,
    batch: config.batchSize,
    optimizer: config.optimizer,
    precision: config.precision,
    checkpointActivations: config.checkpointActivations,
    firstStepMs,
    ...(starts && { firstStep: starts }),
    step: measured,
    ...(trace && { trace, ceiling }),
  });
  session.close();
}

/** The command that does the same first step in a process of its own. */
function firstWords(model: string, options: StepOptions): string[] {
  const words = ['bench', 'step', model];
  if (options.adapter !== undefined) words.push('--adapter', options.adapter);
  if (options.dataDir !== undefined) words.push('--data-dir', options.dataDir);
  for (const key of ['dataset', 'batchSize', 'optimizer', 'precision', 'checkpointActivations'] as const) {
    const value = options[key];
    if (value !== undefined) words.push(flagOf(key), ...(value === true ? [] : [String(value)]));
  }
  if (options.tune !== undefined) words.push(options.tune ? '--tune' : '--no-tune');
  return [...words, '--quiet', '--first'];
}

function stepTable(measured: StepResult, firstStepMs: number): string {
  return table([
    ['images/s', 'ms a step', 'best', 'idle', 'dispatches', 'submits', 'pipelines', 'first step ms'],
    [
      count(Math.round(measured.imagesPerSecond)),
      milliseconds(measured.ms, 2),
      milliseconds(measured.best, 2),
      milliseconds(measured.idle, 2),
      String(measured.dispatches),
      String(measured.submits),
      String(measured.pipelines),
      firstStepMs.toFixed(0),
    ],
  ]);
}

function describeMemory({ activations, bound, withoutReuse, unchecked, slowdown = 1, device }: StepResult): string {
  const times = `with which a step takes ${slowdown.toFixed(2)} times as long by estimate`;
  const whole = unchecked === undefined ? '' : `, ${megabytes(unchecked)} without checkpointing, ${times}`;
  return (
    `activations ${megabytes(activations)} (alive at once ${megabytes(bound)}, without reuse ${megabytes(withoutReuse)}${whole}); ` +
    `peak of all device memory ${megabytes(device)}`
  );
}

function startTable({ cold, warm }: { cold: FirstStep; warm: FirstStep }): string {
  const row = (name: string, { total, modules, cpu }: FirstStep) => [name, total.toFixed(0), modules.toFixed(0), cpu.toFixed(0)];
  return table([
    ['first step from the start of the process', 'ms', 'Node and modules', 'processor ms'],
    row('with an empty shader cache', cold),
    row('with the cache that it left', warm),
  ]);
}

function traceTable(trace: readonly DispatchResult[]): string {
  const rows = trace.map(t => [t.op, t.kernel, t.variant, milliseconds(t.ms, 3), t.gflops ? perSecond(t.gflops) : '-']);
  return table([['layer', 'kernel', 'variant', 'ms', 'GFLOP/s'], ...rows]);
}
