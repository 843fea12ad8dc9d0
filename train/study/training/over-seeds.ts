/** Runs of several seeds as one curve: the mean of their losses, and the band in which these lie. */
import type { Series } from '../../../plots/panel.ts';
import type { StepMetrics } from '../../step/metrics.ts';
import { spreadOf } from '../statistics.ts';

/** The losses of runs that were logged at the same steps, at the places `x` of their lines; the band is a deviation to both sides. */
export function curveOf(name: string, runs: readonly (readonly StepMetrics[])[], x: (line: StepMetrics) => number): Series {
  const at = (runs[0] ?? []).map((line, i) => ({ x: x(line), ...spreadOf(runs.map(lines => lines[i]!.loss)) }));
  return {
    name,
    points: at.map(({ x, mean }) => [x, mean] as const),
    band: at.map(({ x, mean, deviation }) => [x, mean - deviation, mean + deviation] as const),
  };
}
