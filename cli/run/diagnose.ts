/** Where a loss became NaN: the steps since the last checkpoint done again, each looked at. */
import type { Dataset } from '../../datasets/dataset.ts';
import { also, words, type DescentError } from '../../engine/check.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { NonFinite, type Diverged } from '../../train/step/divergence.ts';
import { readCheckpoint } from '../../train/run/node/checkpoint-files.ts';
import type { RunFolder } from '../../train/run/node/run-folder.ts';
import { validations } from '../../train/step/metrics.ts';
import type { GivenWeights } from '../../train/tune/tuning.ts';
import { flags } from '../flags.ts';
import { note } from '../output.ts';
import { openSession, type SessionOptions } from './session.ts';

/** Most steps that are done again. */
const MOST = 500;

export interface Failed {
  readonly recipe: Recipe;
  readonly dataset: Dataset;
  readonly options: SessionOptions;
  readonly run: RunFolder;
  /** Weights that the run was started from. */
  readonly start: GivenWeights | undefined;
  /** Steps done when it failed. */
  readonly steps: number;
}

/** The error with the layer where NaN or infinity came up first (as it was where that takes long), and with what is left of the run. */
export async function diagnose(error: Diverged, { recipe, dataset, options, run, start, steps }: Failed): Promise<DescentError> {
  const kept = run.hasCheckpoint ? readCheckpoint(run.path) : undefined;
  const since = kept?.state.counters.steps ?? 0;
  const left = kept ? `the checkpoint of step ${since} stays in ${run.path}` : 'no checkpoint was kept yet';
  if (options.debug || steps - since > MOST) return also(error, left);
  note(
    `${words(error.problem, flags)}; doing the ${steps - since} steps ` +
      `${kept ? 'since the last checkpoint' : 'so far'} again with checks, to name the layer`,
  );
  const startsFrom = kept ? { of: () => kept.weights, isOwn: true } : start;
  const { trainer, close } = await openSession(recipe, dataset, { ...options, debug: true, quiet: true, startsFrom });
  try {
    if (kept) {
      await trainer.loadState(kept.state);
      for (const { step, loss } of validations(run.lines)) if (step <= since) trainer.observe(loss);
    }
    while (trainer.steps < steps) await trainer.step();
    return also(error, left);
  } catch (named) {
    return also(named instanceof NonFinite ? named : error, left);
  } finally {
    close();
  }
}
