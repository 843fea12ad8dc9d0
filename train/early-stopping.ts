import { bestOf, type MetricsLine } from './metrics.ts';

/** Whether the last `patience` evaluations on the validation images brought nothing better than the best before them. */
export function stopsEarly(lines: readonly MetricsLine[], patience: number | undefined): boolean {
  const best = bestOf(lines);
  return (
    patience !== undefined
    && best !== undefined
    && lines.filter(l => 'split' in l && l.split === 'val' && l.step > best.step).length >= patience
  );
}
