/** Options as the command line calls them: in its messages, and in the words that start it. */
import { DescentError, render, type Named } from '../engine/check.ts';
import { optionOf, OPTIONS, type Key } from '../train/config/options.ts';

/** `--batch-size`, or `--no-shuffle` where that is how it is written. Options of commands alone are called as their keys are. */
export function flagOf(key: string): string {
  if (Object.hasOwn(OPTIONS, key)) return optionOf(key as Key).flags.split(' ')[0]!;
  return `--${key.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}`;
}

/** A word as a shell takes it, so that a command which is told runs as it stands. */
export const quoted = (word: string): string => (/[\s'"$`&;()|*?!#]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : word);

/** `--precision f32`. A flag that is there or not has no value beside it. */
export const flags = ({ option, to }: Named): string =>
  to === undefined || typeof to === 'boolean' ? flagOf(option) : `${flagOf(option)} ${quoted(String(to))}`;

/** What an error says on the command line. */
export function messageOf(error: unknown): string {
  if (error instanceof DescentError) return render(error, flags);
  return error instanceof Error ? error.message : String(error);
}
