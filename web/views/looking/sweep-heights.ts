/** The axes of a sweep's charts. */
import type { RunConfig } from '../../../train/config/config.ts';

/**
 * How high the axis of each run's chart is, from its loss at step 1, before any update: what leaps out of all bounds later leaves the others
 * their height. Runs of one loss on one data set have one axis; losses of different kinds differ in size by orders.
 */
export function heightsOf(runs: readonly { readonly config: Pick<RunConfig, 'loss' | 'dataset'>; readonly first: number }[]): number[] {
  const kindOf = ({ loss, dataset }: Pick<RunConfig, 'loss' | 'dataset'>) => JSON.stringify([loss, dataset]);
  return runs.map(({ config }) => {
    const alike = runs.filter(run => kindOf(run.config) === kindOf(config));
    const firsts = alike.map(run => run.first).sort((a, b) => a - b);
    return 1.2 * (firsts[Math.floor((firsts.length - 1) / 2)] || 1);
  });
}
