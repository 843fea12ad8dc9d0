/** The values of all curves as a table, loaded when one is wanted. */
import papa from 'papaparse';
import { save } from '../dom.ts';
import type { Run } from '../runs.ts';
import { namesOf } from './run-names.ts';

/** Gives the user a row for each line of each run. */
export function saveCsv(runs: readonly Run[]): void {
  const names = namesOf(runs);
  const rows = runs.flatMap((run, i) =>
    run.lines.map(({ step, epoch, seconds, ...line }) => {
      const split = 'split' in line ? line.split : 'train';
      return { run: names[i]!.name, split, step, epoch, seconds, loss: line.loss, accuracy: line.accuracy, rmse: line.rmse };
    }),
  );
  save('descent-curves.csv', papa.unparse(rows), 'text/csv');
}
