/** Runs of several seeds, and their losses as one curve: the mean, and the band in which these lie. */
import type { Series } from '../../../plots/panel.ts';
import type { StepMetrics } from '../../step/metrics.ts';
import type { Lab } from '../experiment.ts';
import { spreadOf, type Spread } from '../statistics.ts';

/** The seeds of runs that differ in nothing else. */
export const seedsOf = ({ seed }: Lab, runs: number): number[] => Array.from({ length: runs }, (_, k) => seed + k);

/** Kinds of runs with what came of them, those left out of which there is nothing yet. */
export const groupsOf = <K extends { readonly name: string }, R extends { readonly name: string }>(
  kinds: readonly K[],
  complete: readonly R[],
) => kinds.map(kind => ({ ...kind, runs: complete.filter(run => run.name === kind.name) })).filter(({ runs }) => runs.length);

/** The losses of runs that were logged at the same steps, at the places `x` of their lines; the band is a deviation to both sides. */
export function curveOf(
  name: string,
  runs: readonly { readonly lines: readonly StepMetrics[] }[],
  x: (line: StepMetrics) => number,
): Series {
  const at = (runs[0]?.lines ?? []).map((line, i) => ({ x: x(line), ...spreadOf(runs.map(({ lines }) => lines[i]!.loss)) }));
  return { name, points: at.map(({ x, mean }) => [x, mean] as const), band: at.map(({ x, ...spread }) => bandAt(x, spread)) };
}

/** The deviation to both sides of a mean. */
export const bandAt = (x: number, { mean, deviation }: Pick<Spread, 'mean' | 'deviation'>) =>
  [x, mean - deviation, mean + deviation] as const;
