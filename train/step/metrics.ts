/** The lines of metrics.jsonl. */
import type { Score } from '../evaluate/score.ts';

/** Means over the steps since the line before. `epoch` counts passes over the training images, with a fraction. */
export interface StepMetrics extends Score {
  step: number;
  epoch: number;
  lr: number;
  images_per_s: number;
  /** Where ranks train without waiting: changes by others between reading the weights and changing them, mean and most over the epoch. */
  staleness?: number;
  staleness_worst?: number;
}

/** One evaluation over all images of a split. `unaveraged` is what the weights themselves gave, where an average of them was evaluated. */
export interface EvalMetrics extends Score {
  split: 'val' | 'test';
  step: number;
  epoch: number;
  unaveraged?: Score;
  /** Of private training: what the steps so far have spent. */
  epsilon?: number;
  delta?: number;
}

export type MetricsLine = StepMetrics | EvalMetrics;

const isLine = (json: unknown): json is MetricsLine =>
  typeof json === 'object' && json !== null && Number.isFinite((json as { step?: unknown }).step);

/** The lines of a metrics.jsonl. */
export const parseMetrics = (text: string): MetricsLine[] => jsonLines(text, isLine);

/** Lines of JSON that are what `is` tells. One cut short by a crash is passed over. */
export function jsonLines<T>(text: string, is: (json: unknown) => json is T): T[] {
  return text.split('\n').flatMap(line => {
    try {
      const json: unknown = JSON.parse(line);
      return is(json) ? [json] : [];
    } catch {
      return [];
    }
  });
}

/** The evaluations on the validation images. */
export const validations = (lines: readonly MetricsLine[]): EvalMetrics[] =>
  lines.filter((line): line is EvalMetrics => 'split' in line && line.split === 'val');

/** What one evaluation is better than another by. */
export const WATCHED = ['accuracy', 'loss'] as const;
export type Watched = (typeof WATCHED)[number];

/** The best evaluation on the validation images, the first of equals. */
export const bestOf = (lines: readonly MetricsLine[], watched?: Watched): EvalMetrics | undefined =>
  validations(lines).reduce<EvalMetrics | undefined>((best, line) => (!best || isBetter(line, best, watched) ? line : best), undefined);

/** Whether `a` is the better evaluation of the two: by its accuracy, by its loss among equals; or by its loss alone, as in a regression. */
export const isBetter = (a: Score, b: Score, watched: Watched = 'accuracy'): boolean =>
  (watched === 'accuracy' && (a.accuracy ?? 0) > (b.accuracy ?? 0)) ||
  ((watched === 'loss' || a.accuracy === b.accuracy) && a.loss < b.loss);
