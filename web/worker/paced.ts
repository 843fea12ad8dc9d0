/** When a run of the page logs, evaluates and keeps checkpoints, and what it says where it stopped early. */
import { counted } from '../../engine/counted.ts';
import { EARLY } from '../../train/config/options.ts';
import type { LoopOptions } from '../../train/run/loop.ts';
import { bestOf } from '../../train/step/metrics.ts';
import type { BuiltRun } from './built-run.ts';

/** Milliseconds between checkpoints while it trains without evaluations. */
const CHECKPOINT_AFTER = 15_000;
/**
 * Validation images for each image trained on, those at the end of an epoch included. One that is trained on is computed about three times
 * as long, forward and twice backward; even where it is only twice, as what is asked of the device takes its own time, validation takes a
 * tenth of the time. Where the ends of epochs take all of that, evaluations between them have at least `WITHIN`.
 */
const EVALUATED = 0.2;
const WITHIN = 0.05;

/**
 * Batches of an evaluation within an epoch, one every `every` steps, where there are `share` validation images for each image trained on. They
 * are whole: one that is begun takes as long as a full one.
 */
export const batchesWithin = (share: number, every: number): number => Math.max(1, Math.floor(Math.max(WITHIN, EVALUATED - share) * every));

/** How the loop trains a run, but for its turns with others who ask for the device, and where its checkpoints go. */
export function pacedOf(run: BuiltRun): Omit<LoopOptions, 'turn' | 'onCheckpoint'> {
  const { logEvery, earlyStop, batchSize } = run.recipe;
  const { evalEvery } = run.options;
  const { train, val } = run.opened.data.parts;
  return {
    total: run.total,
    logEvery,
    earlyStop,
    validate: val.n > 0,
    evalEvery,
    evalImages: batchSize * batchesWithin(val.n / train.n, evalEvery),
    logAlso: EARLY,
    state: run.fitted,
    checkpointAfter: CHECKPOINT_AFTER,
    onMetrics: line => run.tellLines([line]),
    onEvaluation: line => run.tellLines([line]),
  };
}

/** What a run says that stopped early. */
export function earlyEnd({ recipe, fitted }: BuiltRun): string {
  const { watched, patience } = recipe.earlyStop!;
  return (
    `stopped early, ${counted(patience, 'epoch')} without a better validation ${watched}; ` +
    `the best weights, of step ${bestOf(fitted.evaluated, watched)!.step}, are back`
  );
}
