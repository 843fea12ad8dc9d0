/** Runs as a file: what Save runs writes and Load runs reads. */
import { check } from '../../engine/check.ts';
import type { MetricsLine } from '../../train/step/metrics.ts';
import { textsOf, type Texts } from '../form/form.ts';
import type { Run, Timed } from '../views/runs.ts';

export interface SavedRun {
  readonly config: Texts;
  readonly lines: readonly Timed<MetricsLine>[];
}

export const writeRuns = (runs: readonly Run[]): string =>
  JSON.stringify(
    runs.map((r): SavedRun => ({ config: textsOf(r.config), lines: r.lines })),
    undefined,
    1,
  );

/** The runs in a file's text; throws where it is not of ours. */
export function readRuns(text: string, name: string): SavedRun[] {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    /* said below */
  }
  check(Array.isArray(found) && found.every(isSaved), `${name}: holds no runs`, 'give a file that Save runs has written');
  return found;
}

const isSaved = (run: Partial<SavedRun> | null): run is SavedRun =>
  typeof run?.config === 'object' && Array.isArray(run.lines) && run.lines.every(isLine);
const isLine = (line: Partial<MetricsLine> | null): boolean => typeof line?.step === 'number' && typeof line.loss === 'number';
