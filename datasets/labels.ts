/** Labels as a program has them, class numbers or names, and the classes that they are of. */
import { check, kindOf, some, suggestion } from '../engine/check.ts';
import { UNLABELLED } from './dataset.ts';

/** A class: its number, counted from 0, or its name. */
export type Label = number | string;

/** Classes are counted in 16 bits, and one number means none. */
const MOST = UNLABELLED;

/** Equal to no label, so that one that is missing is not taken for one that is to be ignored. */
const NONE = Number.NaN;

const isNumber = (label: unknown): label is number => typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < MOST;

/** Throws unless they are the names of two classes or more. */
export function checkClasses(given: unknown): void {
  const isList = Array.isArray(given);
  check(
    isList && given.length > 1 && given.every(name => typeof name === 'string') && new Set(given).size === given.length,
    `classes: they are ${isList ? `[${given.join(', ')}]` : kindOf(given)}`,
    'give an array of at least two different names',
  );
}

/**
 * The names of the classes: `given`, or those among the labels in alphabetical order, or the numbers up to the highest. Labels that are
 * `ignored` are of none.
 */
export function classesOf(labels: ArrayLike<Label>, given: readonly string[] | undefined, ignored: Label = NONE): readonly string[] {
  const all = Array.from(labels);
  if (given !== undefined) {
    checkClasses(given);
    return given;
  }
  const counted = all.filter(label => label !== ignored);
  const isName = typeof counted[0] === 'string';
  for (const [i, label] of all.entries()) {
    if (label === ignored) continue;
    check(
      isName ? typeof label === 'string' : isNumber(label),
      `labels[${i}]: it is ${kindOf(label)}`,
      isName ? `give a name, as labels[0] is: '${String(counted[0])}'` : `give whole numbers from 0 to ${MOST - 1}, or names`,
    );
  }
  const seen = new Set(counted);
  check(seen.size > 1, `labels: all ${counted.length} are ${kindOf(counted[0])}`, 'give images of at least two classes');
  if (isName) return [...(seen as Set<string>)].sort();
  const count = counted.reduce<number>((most, label) => Math.max(most, label as number), 0) + 1;
  const missing = Array.from({ length: count }, (_, k) => k).find(k => !seen.has(k));
  check(missing === undefined, `labels: none of them is ${missing}, the highest is ${count - 1}`, 'count classes from 0, or give classes');
  return Array.from({ length: count }, (_, k) => String(k));
}

/** The number of each label's class; UNLABELLED of those that are `ignored`. `who` names the labels in messages. */
export function numbersOf(who: string, labels: ArrayLike<Label>, classes: readonly string[], ignored: Label = NONE): Uint16Array {
  const places = new Map(classes.map((name, k) => [name, k]));
  return Uint16Array.from(Array.from(labels), (label, i) => {
    if (label === ignored) return UNLABELLED;
    const k = typeof label === 'string' ? places.get(label) : label;
    const near = typeof label === 'string' ? suggestion(label, classes) : '';
    check(
      isNumber(k) && k < classes.length,
      `${who}[${i}]: ${kindOf(label)} is none of the ${classes.length} classes ${some(classes)}`,
      `${near}give one of them, or a whole number from 0 to ${classes.length - 1}`,
    );
    return k;
  });
}
