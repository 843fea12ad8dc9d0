/** Searches over runs in a worker of their own: the learning-rate range test, and runs of several choices one after another. */
import { check } from '../../engine/check.ts';
import { openDevice } from '../../engine/open.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { checkFeasible } from '../../train/config/feasible.ts';
import { EARLY } from '../../train/config/options.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { heldOut, partsOf } from '../../train/data/split.ts';
import { openTrainer } from '../../train/run/open.ts';
import { rangeRates, rangeTestOf, type RangeOptions, type RangeTest } from '../../train/study/find-lr.ts';
import { checkHeldOut, trial } from '../../train/study/trial.ts';
import { batchFor } from '../data/batch-size.ts';
import { openDataset } from '../data/data.ts';
import type { Dropped } from '../data/dropped.ts';
import type { RunEvent } from './protocol.ts';

type Emit = (event: RunEvent) => void;

/** What a configuration stands for, with the batch that Start would give it. */
function recipeFor(config: RunConfig, images: number): Recipe {
  const recipe = recipeOf(config);
  const batchSize = batchFor(recipe.batchSize, images);
  return { ...recipe, batchSize, config: { ...recipe.config, batchSize } };
}

/** The range test of a configuration's first optimizer, on all its training images. */
export async function findRate(config: RunConfig, range: RangeOptions, base: string, dropped: Dropped, emit: Emit): Promise<RangeTest> {
  const { schedule: _, snapshots: __, changes: ___, ...plain } = config;
  const alone = { ...plain, valSplit: 0 };
  const dataset = await openDataset({ ...alone, limitTest: 1 }, dropped, base);
  const recipe = recipeFor(alone, dataset.train.n);
  const { epochs, ...method } = recipe.optimizers[0]!;
  check('rule' in method, `find a rate: ${method.name} looks for its rates itself`, 'take a first-order optimizer');
  const device = await openDevice({ tune: false });
  try {
    const { trainer } = await openTrainer({ ...recipe, optimizers: [method] }, dataset, device, { rates: rangeRates(range) });
    let done = 0;
    return await rangeTestOf(trainer, range, () => emit({ kind: 'searched', done: ++done, of: range.steps }));
  } finally {
    device.close();
  }
}

/** Trains a configuration for each choice, one after another; each is told when it is done. */
export async function sweepRuns(configs: readonly RunConfig[], base: string, dropped: Dropped, emit: Emit): Promise<void> {
  for (const config of configs) {
    const recipe = recipeOf(config);
    checkHeldOut(recipe, undefined);
    checkFeasible(recipe, { heldOut: true });
  }
  const ofEachSet = new Map(configs.map(config => [config.dataset, config]));
  for (const config of ofEachSet.values()) await openDataset(config, dropped, base); // before hours are spent on others
  const device = await openDevice({ tune: false });
  try {
    for (const [i, config] of configs.entries()) {
      const dataset = await openDataset(config, dropped, base);
      const { n } = partsOf(dataset, heldOut(recipeOf(config))).train;
      const tried = await trial(recipeFor(config, n), dataset, device, { logAlso: EARLY }); // what the charts are scaled by
      if (!tried) return;
      const { lines, best, diverged } = tried;
      emit({ kind: 'tried', index: i, lines, best, diverged });
      emit({ kind: 'searched', done: i + 1, of: configs.length });
    }
  } finally {
    device.close();
  }
}
