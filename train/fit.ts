/** The course of a run, for every front end: steps, lines of metrics, an evaluation and a checkpoint after each epoch. */
import type { EvalMetrics, StepMetrics } from './metrics.ts';

/** What fit needs of a trainer. */
export interface Fitted {
  /** Steps done so far, those before a resume included. */
  readonly steps: number;
  /** Enqueues one step; what it returns is awaited. */
  step(): unknown;
  /** The metrics gathered since the last call, once the device has done all steps. */
  drainMetrics(): Promise<StepMetrics[]>;
  evaluate(split: 'val' | 'test'): Promise<{ loss: number; accuracy: number }>;
}

export interface FitOptions {
  /** Steps of the whole run. */
  readonly total: number;
  readonly stepsPerEpoch: number;
  readonly logEvery: number;
  /** Evaluate on the validation images after each epoch, and at the end. */
  readonly validate: boolean;
  /** Asked between steps; true ends the run, which can be resumed. */
  readonly stopped: () => boolean;
  /** Gives way to other events between steps: signals, messages, painting. */
  readonly breathe: () => Promise<void>;
  readonly onMetrics: (line: StepMetrics) => void;
  readonly onEvaluation: (line: EvalMetrics) => void | Promise<void>;
  /** At the end of each epoch, after its evaluation, and wherever the run ends. */
  readonly onCheckpoint: () => Promise<void>;
}

/** Trains up to `total` steps or until stopped. Returns whether all steps were done. */
export async function fit(trainer: Fitted, o: FitOptions): Promise<boolean> {
  const drain = async () => (await trainer.drainMetrics()).forEach(o.onMetrics);
  let kept = trainer.steps;
  while (trainer.steps < o.total && !o.stopped()) {
    await trainer.step();
    const last = trainer.steps >= o.total, epochEnds = trainer.steps % o.stepsPerEpoch === 0;
    if (trainer.steps % o.logEvery === 0 || epochEnds || last) await drain();
    else await o.breathe();
    if (!epochEnds && !last) continue;
    if (o.validate) await o.onEvaluation(await evaluation(trainer, 'val', o.stepsPerEpoch));
    await o.onCheckpoint();
    kept = trainer.steps;
  }
  if (trainer.steps > kept) {
    await drain();
    await o.onCheckpoint();
  }
  return trainer.steps >= o.total;
}

/** One evaluation as a line of metrics. */
export async function evaluation(trainer: Fitted, split: 'val' | 'test', stepsPerEpoch: number): Promise<EvalMetrics> {
  return { split, step: trainer.steps, epoch: trainer.steps / stepsPerEpoch, ...await trainer.evaluate(split) };
}
