/** Runs as a file: what Save runs writes and Load runs reads. */
import { check } from '../../engine/check.ts';
import type { RunConfig } from '../../train/config/config.ts';
import type { EvalMetrics, MetricsLine, StepMetrics } from '../../train/step/metrics.ts';
import { checked, textsOf, type Texts } from '../form/texts.ts';
import type { Branched, Run, Timed } from '../views/runs.ts';

interface SavedRun<C = Texts> {
  /** What it was called by when it was saved; unknown in files of earlier releases. */
  readonly number?: number;
  readonly config: C;
  readonly lines: readonly Timed<MetricsLine>[];
  /** What was noted of it. */
  readonly notes?: string;
  readonly branched?: Branched;
}

export const writeRuns = (runs: readonly Run[]): string =>
  JSON.stringify(
    runs.map(({ id, config, notes, branched, lines }): SavedRun => {
      return { number: id + 1, config: textsOf(config), ...(notes && { notes }), ...(branched && { branched }), lines };
    }),
    undefined,
    1,
  );

/**
 * The runs in a file's text, of which the first will be called by the number `first` and the next by those that follow. Throws where
 * it is not of ours, or a run is none that could be.
 */
export function readRuns(text: string, name: string, first: number): SavedRun<RunConfig>[] {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    /* said below */
  }
  check(Array.isArray(found) && found.every(isSaved), `${name}: holds no runs`, 'give a file that Save runs has written');
  const calledNow = (from: Branched['from']) => {
    const place = found.findIndex(({ number }) => number === from);
    return place >= 0 ? first + place : typeof from === 'number' ? `${from} of ${name}` : from;
  };
  return found.map(({ config, branched, ...rest }) => ({
    ...rest,
    ...(branched && { branched: { ...branched, from: calledNow(branched.from) } }),
    config: checked(config, name),
  }));
}

const isSaved = (run: Partial<SavedRun> | null): run is SavedRun =>
  typeof run?.config === 'object' &&
  Array.isArray(run.lines) &&
  run.lines.every(isLine) &&
  (run.number === undefined || isNumber(run.number)) &&
  (run.notes === undefined || typeof run.notes === 'string') &&
  (run.branched === undefined || isBranched(Object(run.branched)));
const isLine = (line: Partial<StepMetrics & EvalMetrics> | null): boolean =>
  line !== null &&
  isNumber(line.step) &&
  isNumber(line.loss) &&
  (isNumber(line.accuracy) || isNumber(line.rmse)) &&
  ('split' in line || isNumber(line.lr));
const isBranched = ({ from, step }: Partial<Branched>): boolean => isNumber(step) && (isNumber(from) || typeof from === 'string');
const isNumber = (value: unknown): boolean => typeof value === 'number';
