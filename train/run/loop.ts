/** The loop of a run, for every front end: steps, lines of metrics, evaluations, checkpoints, early stopping. */
import type { Spent } from '../../optim/accountant.ts';
import type { Score } from '../evaluate/score.ts';
import { Diverged } from '../step/divergence.ts';
import { isBetter, type EvalMetrics, type StepMetrics } from '../step/metrics.ts';
import { stopsEarly, type EarlyStopping } from './early-stopping.ts';
import type { Tensors } from './safetensors.ts';

/** What the loop needs of a trainer. */
export interface Fitted {
  /** Steps done so far, those before a resume included. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** How private the steps done so far are, where they are that. */
  readonly privacy?: Spent | undefined;
  /** Enqueues one step and gives way to other events. With `log` its metrics, with those since the last logged step, arrive later. */
  step(log: boolean): Promise<void>;
  /** The metrics that have arrived since the last call. */
  arrived(): StepMetrics[];
  /** As `arrived`, once the device has done all steps. */
  settle(): Promise<StepMetrics[]>;
  /** Over all images of a split, or the first `count` of them. */
  evaluate(split: 'val' | 'test', count?: number): Promise<Score>;
  /** Tells the schedule the loss on the validation images. */
  observe(loss: number): void;
  /** The weights that `evaluate` takes: averaged ones where the optimizer keeps an average. */
  evaluatedWeights(): Promise<Tensors>;
  loadWeights(weights: Tensors): Promise<unknown>;
}

/** What a run has come to, to be given again when it goes on. */
export interface LoopState {
  /** The evaluations on the validation images after epochs, by which schedules and early stopping go. */
  readonly evaluated: EvalMetrics[];
  /** The weights of the best of them, kept where the run may stop early. */
  best?: Tensors | undefined;
  /** When the last checkpoint was made, by performance.now(). */
  savedAt?: number;
}

export interface LoopOptions {
  /** Steps of the whole run. */
  readonly total: number;
  readonly logEvery: number;
  /** Steps that are logged too. */
  readonly logAlso?: readonly number[];
  /** Evaluate on the validation images after each epoch, and at the end. */
  readonly validate: boolean;
  /** Evaluate every so many steps too; these evaluations decide nothing. */
  readonly evalEvery?: number;
  /** The images that such an evaluation within an epoch takes; all without it. */
  readonly evalImages?: number;
  /** Whether the run ends, with the best weights, where evaluations after epochs bring nothing better. */
  readonly earlyStop?: EarlyStopping | undefined;
  readonly state: LoopState;
  /** Does a step in place of `trainer.step`, where it is watched. */
  readonly step?: ((log: boolean) => Promise<void>) | undefined;
  /** Evaluates in place of the trainer. */
  readonly evaluate?: Fitted['evaluate'];
  /** A checkpoint is due within an epoch after so many milliseconds, or steps. */
  readonly checkpointAfter?: number;
  readonly checkpointEvery?: number;
  /** Asked before each step; true makes that step the last, and logs it, so that no metrics are lost. The run can be resumed. */
  readonly stopped?: () => boolean;
  /** Does some work when its turn has come, where others use the trainer between steps; false ends the loop at once. */
  readonly turn?: (work: () => Promise<void>) => Promise<boolean>;
  /** Told how many steps are done or on their way, after each. */
  readonly onStep?: (steps: number) => void;
  readonly onMetrics: (line: StepMetrics) => void;
  /** Given the evaluated weights after each epoch that was the best so far, before its evaluation is told. */
  readonly onBest?: (weights: Tensors) => void;
  readonly onEvaluation: (line: EvalMetrics) => void;
  /** At the end of each epoch and after each evaluation, where the run is stopped, and when a checkpoint is due. */
  readonly onCheckpoint: () => Promise<void>;
}

const doNow = async (work: () => Promise<void>): Promise<boolean> => {
  await work();
  return true;
};

/** Trains up to `total` steps. Says how it ended: at the last step, before it since nothing got better, or because it was asked to stop. */
export async function loop(trainer: Fitted, o: LoopOptions): Promise<'complete' | 'early' | 'stopped'> {
  const { state, turn = doNow } = o;
  let stops = false;
  while (trainer.steps < o.total) {
    if (stopsEarly(state.evaluated, o.earlyStop)) {
      const hasBest = await turn(async () => {
        if (state.best) await trainer.loadWeights(state.best);
      });
      return hasBest ? 'early' : 'stopped';
    }
    if (stops) return 'stopped';
    stops = o.stopped?.() ?? false;
    if (!(await turn(() => advance(trainer, o, stops)))) return 'stopped';
  }
  return 'complete';
}

/** One step with the evaluation and the checkpoint that are due after it; with `isLast` none follows for now. */
export async function advance(trainer: Fitted, o: LoopOptions, isLast: boolean): Promise<void> {
  const next = trainer.steps + 1;
  const dueAfter = (step: number) => {
    const epochEnds = step === o.total || step % trainer.stepsPerEpoch === 0;
    // ranks that were asked to end before any of them did a step have met at one that was evaluated
    const evaluates = step >= next && o.validate && (epochEnds || (o.evalEvery && step % o.evalEvery === 0));
    return { epochEnds, evaluates, keeps: epochEnds || evaluates || isLast };
  };
  const log = dueAfter(next).keeps || next % o.logEvery === 0 || (o.logAlso?.includes(next) ?? false);
  await (o.step ? o.step(log) : trainer.step(log));
  const step = trainer.steps; // where others do steps too there may have been several
  o.onStep?.(step);
  const { epochEnds, evaluates, keeps } = dueAfter(step);
  const isDue = isCheckpointDue(step, o);
  (keeps || isDue ? await trainer.settle() : trainer.arrived()).forEach(o.onMetrics);
  if (evaluates) {
    const { stepsPerEpoch, privacy } = trainer;
    const most = epochEnds ? undefined : o.evalImages;
    const evaluate = o.evaluate ?? (part => trainer.evaluate(part, most));
    const line = await evaluation({ steps: step, stepsPerEpoch, privacy, evaluate }, 'val');
    if (epochEnds) await learn(trainer, o, line);
    o.onEvaluation(line);
  }
  if (keeps || isDue) {
    await o.onCheckpoint();
    o.state.savedAt = performance.now();
  }
}

function isCheckpointDue(step: number, { state, checkpointAfter = Infinity, checkpointEvery = Infinity }: LoopOptions): boolean {
  state.savedAt ??= performance.now();
  return performance.now() - state.savedAt >= checkpointAfter || step % checkpointEvery === 0;
}

/** What follows from the evaluation after an epoch: the schedule hears of it, and the weights are kept where they are the best so far. */
async function learn(trainer: Fitted, { state, earlyStop, onBest }: LoopOptions, line: EvalMetrics): Promise<void> {
  const isBest = state.evaluated.every(before => isBetter(line, before, earlyStop?.watched));
  state.evaluated.push(line);
  trainer.observe(line.loss);
  if (!isBest || !(onBest || earlyStop)) return;
  const weights = await trainer.evaluatedWeights();
  if (earlyStop) state.best = weights;
  onBest?.(weights);
}

/** One evaluation as a line of metrics. Throws where the loss is not finite: such weights are not worth keeping. */
export async function evaluation(
  trainer: Pick<Fitted, 'steps' | 'stepsPerEpoch' | 'evaluate' | 'privacy'>,
  split: 'val' | 'test',
): Promise<EvalMetrics> {
  const evaluated = await trainer.evaluate(split);
  if (!Number.isFinite(evaluated.loss)) {
    const images = split === 'val' ? 'validation' : 'test';
    throw new Diverged(`the loss is ${evaluated.loss} on the ${images} images after step ${trainer.steps}`);
  }
  return { split, step: trainer.steps, epoch: trainer.steps / trainer.stepsPerEpoch, ...evaluated, ...trainer.privacy };
}
