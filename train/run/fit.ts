/** The loop of a run, for every front end: steps, lines of metrics, evaluations, checkpoints, early stopping. */
import { Diverged } from '../step/divergence.ts';
import { isBetter, type EvalMetrics, type StepMetrics } from '../step/metrics.ts';
import { stopsEarly } from './early-stopping.ts';
import type { Tensors } from './safetensors.ts';

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
  /** Tells the schedule the loss on the validation images. */
  observe(loss: number): void;
  /** The weights that `evaluate` takes: averaged ones where the optimizer keeps an average. */
  evaluatedWeights(): Promise<Tensors>;
  loadWeights(weights: Tensors): void;
}

/** What a run has come to, to be given again when it goes on. */
export interface FitState {
  /** Evaluations on the validation images after epochs, by which schedules and early stopping go. */
  readonly evaluated: EvalMetrics[];
  /** The best weights among them, kept where the run may stop early. */
  best?: Tensors;
  /** When the last checkpoint was made, by performance.now(). */
  savedAt?: number;
}

export interface FitOptions {
  /** Steps of the whole run. */
  readonly total: number;
  readonly logEvery: number;
  /** Evaluate on the validation images after each epoch, and at the end. */
  readonly validate: boolean;
  /** Evaluate every so many steps too; these evaluations decide nothing. */
  readonly evalEvery?: number;
  /** Epochs without a better evaluation after which the run ends, with the best weights. */
  readonly patience?: number | undefined;
  readonly state?: FitState;
  /** A checkpoint is due within an epoch after so many milliseconds, or steps. */
  readonly checkpointAfter?: number;
  readonly checkpointEvery?: number;
  /** Asked before each step; true makes that step the last, and logs it, so that no metrics are lost. The run can be resumed. */
  readonly stopped?: () => boolean;
  /** Asked when a step's turn has come; true leaves the loop at once. */
  readonly paused?: () => boolean;
  /** Does a step in its turn, where others use the trainer between steps. */
  readonly turn?: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onMetrics: (line: StepMetrics) => void;
  /** `best` is whether no evaluation after an epoch was better; false for those of `evalEvery`. */
  readonly onEvaluation: (line: EvalMetrics, best: boolean) => void | Promise<void>;
  /** At the end of each epoch, after its evaluation, wherever the run ends, and when one is due. */
  readonly onCheckpoint: (epochEnds: boolean) => Promise<void>;
}

/** Trains up to `total` steps. Says how it ended: at the last step, before it since nothing got better, or because it was asked to stop. */
export async function fit(trainer: Fitted, given: FitOptions): Promise<'complete' | 'early' | 'stopped'> {
  const o = { ...given, state: given.state ?? { evaluated: [] } };
  const turn = o.turn ?? (work => work());
  o.state.savedAt ??= performance.now();
  while (trainer.steps < o.total) {
    if (stopsEarly(o.state.evaluated, o.patience)) {
      await turn(async () => {
        if (o.state.best) trainer.loadWeights(o.state.best);
        await o.onCheckpoint(false);
      });
      return 'early';
    }
    const stops = o.stopped?.() ?? false;
    const went = await turn(async () => {
      if (o.paused?.()) return false;
      await advance(trainer, o, stops);
      return true;
    });
    if (!went || (stops && trainer.steps < o.total)) return 'stopped';
  }
  return 'complete';
}

/** One step with the evaluation and the checkpoint that are due after it; `last` is whether none follows for now. */
export async function advance(trainer: Fitted, o: FitOptions & { readonly state: FitState }, last: boolean): Promise<void> {
  const step = trainer.steps + 1;
  const epochEnds = step === o.total || step % trainer.stepsPerEpoch === 0;
  const evaluates = o.validate && (epochEnds || (o.evalEvery !== undefined && o.evalEvery > 0 && step % o.evalEvery === 0));
  const pauses = epochEnds || evaluates || last;
  await trainer.step(pauses || step % o.logEvery === 0);
  (pauses ? await trainer.settle() : trainer.arrived()).forEach(o.onMetrics);
  if (evaluates) {
    const line = await evaluation(trainer, 'val');
    const isBest = epochEnds && o.state.evaluated.every(before => isBetter(line, before));
    if (isBest && o.patience !== undefined) o.state.best = await trainer.evaluatedWeights();
    await o.onEvaluation(line, isBest);
    if (epochEnds) {
      o.state.evaluated.push(line);
      trainer.observe(line.loss);
    }
  }
  const now = performance.now();
  const due = now - (o.state.savedAt ?? now) >= (o.checkpointAfter ?? Infinity) || step % (o.checkpointEvery ?? Infinity) === 0;
  if (!pauses && !due) return;
  o.state.savedAt = now;
  await o.onCheckpoint(epochEnds);
}

/** One evaluation as a line of metrics. Throws where the loss is not finite: such weights are not worth keeping. */
export async function evaluation(trainer: Fitted, split: 'val' | 'test'): Promise<EvalMetrics> {
  const evaluated = await trainer.evaluate(split);
  if (!Number.isFinite(evaluated.loss)) {
    const images = split === 'val' ? 'validation' : 'test';
    throw new Diverged(`the loss is ${evaluated.loss} on the ${images} images after step ${trainer.steps}`);
  }
  return { split, step: trainer.steps, epoch: trainer.steps / trainer.stepsPerEpoch, ...evaluated };
}
