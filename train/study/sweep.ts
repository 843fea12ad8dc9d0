/** The results of a search over configurations: which runs are the same, and which is best. */
import type { RunConfig } from '../config/config.ts';
import type { Choice } from '../config/grid.ts';

/** One line of results.jsonl. `config` in full makes it clear what was run: a line counts for a run only if it is equal. */
export interface SweepLine {
  choice: Choice;
  config: RunConfig;
  folds?: number;
  fold?: number;
  /** Of a folder, a table, a model in a file: another one where their content is. */
  digest?: string;
  accuracy?: number;
  loss?: number;
  /** Of a regression. */
  rmse?: number;
  epoch?: number;
  diverged?: string;
  seconds: number;
}

/** What a line is of: runs of equal keys are the same run. How often metrics are logged does not matter. */
export function keyOf({ config, folds, fold, digest }: Pick<SweepLine, 'config' | 'folds' | 'fold' | 'digest'>): string {
  const fields = Object.entries({ ...config, logEvery: 0 }).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([fields, folds ?? 0, fold ?? 0, digest ?? '']);
}

/** A row of the table: means over the folds, and the deviation of the accuracy; a regression has none. */
export interface Score {
  readonly choice: Choice;
  readonly config: RunConfig;
  readonly accuracy?: number;
  readonly loss: number;
  readonly rmse?: number;
  readonly spread?: number;
  readonly diverged: number;
  readonly seconds: number;
}

/**
 * Best accuracy first, the lower loss among equals; of regressions the least root mean squared error, since losses of different kinds compare
 * by nothing. Those that diverged in a fold come last.
 */
export function ranking(lines: readonly SweepLine[]): Score[] {
  const groups = new Map<string, SweepLine[]>(); // the folds of each configuration
  for (const line of lines) {
    const key = keyOf({ config: line.config });
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  const scores = [...groups.values()].map((group): Score => {
    const sound = group.filter(l => l.loss !== undefined);
    const mean = (f: (l: SweepLine) => number) => sound.reduce((n, l) => n + f(l), 0) / sound.length;
    const accuracy = sound.some(l => l.accuracy !== undefined) || !sound.length ? mean(l => l.accuracy!) : undefined;
    return {
      choice: group[0]!.choice,
      config: group[0]!.config,
      ...(accuracy !== undefined && { accuracy }),
      loss: mean(l => l.loss!),
      ...(sound.length && sound.every(l => l.rmse !== undefined) && { rmse: Math.sqrt(mean(l => l.rmse! ** 2)) }),
      diverged: group.length - sound.length,
      seconds: group.reduce((n, l) => n + l.seconds, 0),
      ...(sound.length > 1 &&
        accuracy !== undefined && {
          spread: Math.sqrt(sound.reduce((n, l) => n + (l.accuracy! - accuracy) ** 2, 0) / (sound.length - 1)),
        }),
    };
  });
  const hasErrors = scores.every(s => s.rmse !== undefined || !Number.isFinite(s.loss)); // lines of earlier versions have none
  const off = ({ rmse, loss }: Score) => (hasErrors ? (rmse ?? loss) : loss);
  return scores.sort((a, b) => a.diverged - b.diverged || (b.accuracy ?? 0) - (a.accuracy ?? 0) || off(a) - off(b));
}
