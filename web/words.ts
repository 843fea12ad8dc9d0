/** Messages in the words of the form: options are called as its fields are labelled. */
import { render, type Fault, type Named } from '../engine/check.ts';
import { labelOf, OPTIONS, type Key } from '../train/config/options.ts';

/** The label of an option's field. Where there is no field (a file, another adapter) the advice cannot be followed here. */
export function labels({ option, to }: Named, begins: boolean): string | undefined {
  if (!Object.hasOwn(OPTIONS, option)) return undefined;
  const label = labelOf(option as Key);
  const name = begins ? label : `\u201c${label}\u201d`; // within a sentence it must be told from the other words
  return to === undefined ? name : `${name} ${to}`;
}

/** What an error says on the page. */
export const inPageWords = (error: Fault | Error): string => ('problem' in error ? render(error, labels) : error.message);
