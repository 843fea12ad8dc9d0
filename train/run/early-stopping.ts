import { bestOf, validations, type MetricsLine, type Watched } from '../step/metrics.ts';

/** When a run ends before its last step: after `patience` evaluations on the validation images that brought nothing better. */
export interface EarlyStopping {
  /** Without it the accuracy, of a regression the loss (see onDataset). */
  readonly watched?: Watched;
  readonly patience: number;
}

/** Whether the last evaluations brought nothing better than the best before them. */
export function stopsEarly(lines: readonly MetricsLine[], stopping: EarlyStopping | undefined): boolean {
  const best = stopping && bestOf(lines, stopping.watched);
  return best !== undefined && validations(lines).filter(line => line.step > best.step).length >= stopping!.patience;
}
