/** The course of a run, for every front end: steps, lines of metrics, an evaluation and a checkpoint after each epoch. */
import { Diverged } from '../step/divergence.ts';
import type { EvalMetrics, StepMetrics } from '../step/metrics.ts';

/** What fit needs of a trainer. */
export interface Fitted {
  /** Steps done so far, those before a resume included. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Enqueues one step and gives way to other events. With `log` its metrics, with those since the last logged step, arrive later. */
  step(log: boolean): Promise<void>;
  /** The metrics that have arrived since the last call. */
  arrived(): StepMetrics[];
  /** As `arrived`, once the device has done all steps. */
  settle(): Promise<StepMetrics[]>;
  evaluate(split: 'val' | 'test'): Promise<{ loss: number; accuracy: number }>;
}

export interface FitOptions {
  /** Steps of the whole run. */
  readonly total: number;
  readonly logEvery: number;
  /** Evaluate on the validation images after each epoch, and at the end. */
  readonly validate: boolean;
  /** Asked before each step; true makes that step the last. The run can be resumed. */
  readonly stopped: () => boolean;
  /** Asked after each epoch; true ends the run, as complete. */
  readonly finished?: () => boolean;
  readonly onMetrics: (line: StepMetrics) => void;
  readonly onEvaluation: (line: EvalMetrics) => void | Promise<void>;
  /** At the end of each epoch, after its evaluation, and wherever the run ends. */
  readonly onCheckpoint: () => Promise<void>;
}

/** Trains up to `total` steps, or for one more once stopped. Returns whether the run is complete. */
export async function fit(trainer: Fitted, o: FitOptions): Promise<boolean> {
  for (let stops = false; trainer.steps < o.total && !stops && !o.finished?.(); ) {
    const step = trainer.steps + 1;
    const pause = step === o.total || step % trainer.stepsPerEpoch === 0;
    stops = o.stopped(); // its last step logs, so that no metrics are lost
    await trainer.step(pause || stops || step % o.logEvery === 0);
    (pause || stops ? await trainer.settle() : trainer.arrived()).forEach(o.onMetrics);
    if (pause && o.validate) await o.onEvaluation(await evaluation(trainer, 'val'));
    if (pause || stops) await o.onCheckpoint();
  }
  return trainer.steps >= o.total || Boolean(o.finished?.());
}

/** One evaluation as a line of metrics. Throws where the loss is not finite: such weights are not worth keeping. */
export async function evaluation(trainer: Fitted, split: 'val' | 'test'): Promise<EvalMetrics> {
  const judged = await trainer.evaluate(split);
  if (!Number.isFinite(judged.loss)) {
    const images = split === 'val' ? 'validation' : 'test';
    throw new Diverged(`the loss is ${judged.loss} on the ${images} images after step ${trainer.steps}`);
  }
  return { split, step: trainer.steps, epoch: trainer.steps / trainer.stepsPerEpoch, ...judged };
}
