/** One run among several that are compared or searched through: no folder, no checkpoints, a device that all share. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, named, say, words } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Recipe } from '../config/recipe.ts';
import { heldOut, partsOf } from '../data/split.ts';
import type { Score } from '../evaluate/score.ts';
import { Diverged } from '../step/divergence.ts';
import { evaluation, loop, type LoopState } from '../run/loop.ts';
import { bestOf, type EvalMetrics, type MetricsLine } from '../step/metrics.ts';
import { openTrainer } from '../run/open.ts';

/** What came of a run. `best` (on the validation images) and `test` (after the last step) are missing where the loss was not finite. */
export interface Trial {
  readonly lines: readonly MetricsLine[];
  readonly best?: EvalMetrics;
  readonly test?: EvalMetrics;
  /** On the training images as they are, where `test` is there. */
  readonly train?: Score;
  readonly diverged?: string;
  readonly seconds: number;
}

export interface TrialOptions {
  /** Cross-validation, in place of the recipe's share. */
  readonly folds?: number;
  readonly fold?: number;
  /** Evaluate the last weights on the test and training images too; with early stopping the best ones. */
  readonly test?: boolean;
  /** Asked before each step; true makes that step the last. */
  readonly stopped?: () => boolean;
  /** Steps that are logged whatever the recipe's interval. */
  readonly logAlso?: readonly number[];
}

/** Throws where there are no images to evaluate a trial on, of a data set where it is known. */
export function checkHeldOut(recipe: Recipe, folds: number | undefined, dataset?: Dataset): void {
  const { valSplit } = recipe;
  const held = dataset && partsOf(dataset, { ...heldOut(recipe), folds, fold: 0 });
  check(
    folds !== undefined || (valSplit > 0 && held?.val.n !== 0),
    held && valSplit > 0
      ? say`${named('valSplit')}: ${valSplit} of ${held.train.n} training images holds none out to evaluate on`
      : say`${named('valSplit')}: no images are held out to evaluate on`,
    say`give a ${held && valSplit > 0 ? 'larger share' : 'share above 0'}`,
    named('folds', '<k>'),
  );
}

/**
 * Trains one recipe on a device that several runs share: kernels compiled for one are there for the next. A loss that is no longer
 * finite is an outcome, not an error; a run that was stopped has none.
 */
export async function trial(
  recipe: Recipe,
  dataset: Dataset,
  device: Device,
  { folds, fold, test: tested, stopped, logAlso }: TrialOptions = {},
): Promise<Trial | undefined> {
  checkHeldOut(recipe, folds, dataset);
  const { trainer, total } = await openTrainer(recipe, dataset, device, { folds, fold });
  const lines: MetricsLine[] = [];
  const started = performance.now();
  let diverged: string | undefined;
  const state: LoopState = { evaluated: [] };
  let test: EvalMetrics | undefined;
  let train: Trial['train'];
  try {
    const ended = await loop(trainer, {
      total,
      logEvery: recipe.logEvery,
      validate: true,
      earlyStop: recipe.earlyStop,
      state,
      ...(stopped && { stopped }),
      ...(logAlso && { logAlso }),
      onMetrics: line => void lines.push(line),
      onEvaluation: line => void lines.push(line),
      onCheckpoint: async () => {},
    });
    if (ended === 'stopped') return undefined;
    if (state.best) await trainer.loadWeights(state.best);
    if (tested) {
      test = await evaluation(trainer, 'test');
      train = await trainer.evaluate('train');
    }
  } catch (error) {
    if (device.lost || !(error instanceof Diverged)) throw error;
    diverged = words(error.problem);
  } finally {
    await device.idle();
    trainer.destroy();
  }
  return {
    lines,
    seconds: (performance.now() - started) / 1000,
    ...(diverged === undefined
      ? { best: bestOf(lines, recipe.earlyStop?.watched), ...(test && { test }), ...(train && { train }) }
      : { diverged }),
  };
}
