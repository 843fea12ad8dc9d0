/**
 * Rows of numbers that begin with a negative one, as `-1,2`. The argument parser takes them for options (negative numbers by themselves it
 * knows), so that they reach it with a space before them, and lose it when they have passed.
 */

/** The words of a command line up to `--`, such rows shielded. */
export function shielded(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  return words.map((word, i) => (/^-\.?\d.*,/.test(word) && (end < 0 || i < end) ? ` ${word}` : word));
}

/** Collects the values of an argument, as they were given. */
export const asGiven = (word: string, before: readonly string[] = []): string[] => [...before, word.replace(/^ (?=-)/, '')];
