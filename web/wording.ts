/** Messages of the engine speak of the command line's flags; here they speak of the form's fields. */
import { flagOf, OPTIONS } from '../train/config/config.ts';
import { STAYS } from '../train/step/divergence.ts';
import { labelOf } from './form/catalogue.ts';

type Key = keyof typeof OPTIONS;
const LABELS = new Map((Object.keys(OPTIONS) as Key[]).map(key => [flagOf(key), labelOf(key)]));

/** Advice that cannot be followed here: the page has no such flags, and no run folder. */
const ELSEWHERE = [
  ', or run with --debug, which names the layer',
  ', or another --adapter',
  `; ${STAYS}`,
  '; the last checkpoint is intact, resume from it',
];

/** A message in the page's words. One that is in them already stays as it is. */
export function inPageWords(message: string): string {
  const possible = ELSEWHERE.reduce((text, advice) => text.replaceAll(advice, ''), message);
  return possible.replace(/(?<![\w-])--[a-z][a-z\d-]*/g, (flag, at: number) => {
    const label = LABELS.get(flag) ?? flag.slice(2).replaceAll('-', ' ');
    return at === 0 ? label : `\u201c${label}\u201d`; // within a sentence it must be told from the other words
  });
}
