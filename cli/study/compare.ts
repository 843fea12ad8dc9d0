/** `descent compare`: methods side by side and experiments of the courses, each as a table and a picture. */
import { check, lookUp } from '../../engine/check.ts';
import { checkPicture } from '../pictures.ts';
import { EXPERIMENTS } from '../../train/study/experiments.ts';
import { print, table } from '../output.ts';
import { compareDistribution } from './compare-distribution.ts';
import type { CompareOptions } from './compare-options.ts';
import { runExperiment } from './experiment.ts';

/** A comparison of other things than configurations trained one after another, which needs several processes. */
const DISTRIBUTION = 'distribution';

/** What there is to compare, a line each. */
function listed(json = false): string {
  const all = Object.entries(EXPERIMENTS).map(([name, { about }]) => [name, about] as const);
  const rows = [...all, [DISTRIBUTION, 'The methods of --distribute, on the processes of mpirun.'] as const];
  return json
    ? rows.map(([comparison, shows]) => JSON.stringify({ comparison, shows })).join('\n')
    : table([['comparison', 'shows'], ...rows]);
}

export async function compare(what: string | undefined, options: CompareOptions): Promise<void> {
  if (what === undefined) return print(listed(options.json));
  const name = what.split(':', 1)[0]!;
  lookUp('comparison', name, { ...EXPERIMENTS, [DISTRIBUTION]: undefined });
  if (name !== DISTRIBUTION) return runExperiment(what, options);
  check(name === what, `'${what}': ${name} has no options of this kind`, `descent compare --help lists its flags`);
  const out = options.out ?? `compare-${what}`;
  checkPicture('--out', out);
  return compareDistribution({ ...options, out });
}
