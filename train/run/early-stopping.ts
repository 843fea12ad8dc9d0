import { bestOf, validations, type MetricsLine } from '../step/metrics.ts';

/** Whether the last `patience` evaluations on the validation images brought nothing better than the best before them. */
export function stopsEarly(lines: readonly MetricsLine[], patience: number | undefined): boolean {
  const best = bestOf(lines);
  if (patience === undefined || best === undefined) return false;
  return validations(lines).filter(line => line.step > best.step).length >= patience;
}
