/** What can be chosen of an update rule or a schedule, said where it stands: its value if none is given, what it may be, what it is. */
import { check, say, type Message } from '../engine/check.ts';
import { describeRange, isWithin, type Range } from '../engine/range.ts';

/** One number or text that is chosen by name, under PyTorch's name where it has it. */
export interface Parameter<T extends number | string = number | string> {
  /** Without it a value must be given; `example` then shows one. */
  readonly default?: T;
  readonly example?: T;
  /** What a number may be; a text has none. */
  readonly range?: Range;
  /** What a text may be, where it is one of a few. */
  readonly choices?: readonly string[];
  /** In a few words, for a form. */
  readonly about: string;
}

/** What a form shows of something that can be named. */
export interface Described {
  /** One line. */
  readonly about: string;
  readonly formula: string;
}

const AT_LEAST_0: Range = { min: 0 };
export const POSITIVE: Range = { above: 0 };
export const SHARE: Range = { min: 0, below: 1 };

export const number = (value: number, about: string, range = AT_LEAST_0) => ({ default: value, range, about });
/** A number that must be given. */
export const needed = (example: number, about: string, range = AT_LEAST_0): Parameter<number> => ({ example, range, about });

/** `given` as the value of a parameter; `who` is its name in messages. */
export function accept(who: Message, given: unknown, { range, choices }: Parameter): number | string {
  if (!range) {
    const text = String(given);
    check(!choices || choices.includes(text), say`${who} is '${text}'`, `give ${choices?.join(' or ')}`);
    return text;
  }
  const seen = typeof given === 'number' ? given : `'${String(given)}'`;
  check(Number.isFinite(given) && isWithin(given as number, range), say`${who} is ${seen}`, `give ${describeRange(range)}`);
  return given as number;
}
