/** Runs that are compared: one configuration after another on one device, whose compiled pipelines they share. */
import type { Dataset } from '../datasets/dataset.ts';
import { DescentError } from '../engine/check.ts';
import type { Device } from '../engine/device.ts';
import type { RunConfig } from '../train/config.ts';
import { stopsEarly } from '../train/early-stopping.ts';
import { evaluation, fit } from '../train/fit.ts';
import { bestOf, type EvalMetrics, type MetricsLine } from '../train/metrics.ts';
import { openTrainer } from '../train/open.ts';

export interface Trial {
  readonly lines: readonly MetricsLine[];
  /** The best evaluation on the validation images, and that on the test images after the last step. */
  readonly best?: EvalMetrics;
  readonly test?: EvalMetrics;
  readonly seconds: number;
  /** Why it ended before its time. */
  readonly failed?: string;
}

/** Trains a configuration to its end. One that diverges, or cannot be built, is a result too. */
export async function trial(config: RunConfig, dataset: Dataset, device: Device, folds?: { folds: number; fold: number }): Promise<Trial> {
  const lines: MetricsLine[] = [], start = performance.now(), seconds = () => (performance.now() - start) / 1000;
  let close = () => {};
  try {
    const { trainer } = await openTrainer(config, dataset, device, folds);
    close = () => trainer.destroy();
    const validate = config.valSplit > 0 || folds !== undefined;
    await fit(trainer, {
      total: config.steps ?? config.epochs * trainer.stepsPerEpoch, logEvery: config.logEvery, validate,
      stopped: () => false, finished: () => stopsEarly(lines, config.earlyStop), onMetrics: line => { lines.push(line); }, onCheckpoint: async () => {},
      onEvaluation(line) { lines.push(line); trainer.observe(line.loss); },
    });
    const best = bestOf(lines);
    return { lines, ...best && { best }, test: await evaluation(trainer, 'test'), seconds: seconds() };
  } catch (error) {
    if (!(error instanceof DescentError) || device.lost) throw error;
    return { lines, seconds: seconds(), failed: error.message };
  } finally {
    close();
  }
}
