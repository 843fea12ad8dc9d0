/** A run folder without files. */
import { named, say } from '../../../engine/check.ts';
import type { MetricsLine } from '../../step/metrics.ts';
import type { RunFolder } from './run-folder.ts';

/** The folder as ranks other than the first have it: they keep its lines in mind and no file. */
export function mirrored(path: string, known: readonly MetricsLine[]): RunFolder {
  const lines = [...known];
  const nothing = () => undefined;
  return {
    path,
    lines,
    hasCheckpoint: false,
    next: say`continue from the last checkpoint with ${named('resume', path)}`,
    append: line => void lines.push(line),
    writeConfig: nothing,
    saveCheckpoint: nothing,
    saveBest: nothing,
    write: nothing,
    close: nothing,
  };
}
