/** What an option of a run is: how it is written, what its value may be, what it is called on the page, and what it does to an update. */
import { check, say, type Message } from '../../engine/check.ts';
import type { Range } from '../../engine/range.ts';
import type { Piece } from '../../optim/pieces.ts';
import { parseChoice, parseNumber, sidesOf, sizeOf, type ImageSize } from '../../engine/spec.ts';

/** What the value of an option may be. */
export interface Type<T> {
  /** Reads a text; `who` is the option in messages. Throws where the text is not accepted. */
  readonly parse: (who: Message, text: string) => T;
  /** The values, where they are a few names. */
  readonly choices?: readonly string[];
  /** What a number may be, and what it is called where there may be none. */
  readonly range?: Range;
  readonly measure?: string;
}

/** Where an option stands on the page: above all others, or in a part of the form that is closed at first. */
export const GROUPS = ['Basics', 'Regularisation', 'Gradients and averages', 'Data', 'Weights and loss', 'Running'] as const;

/** How long an epoch and a run are. */
export interface Lengths {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** Steps of the optimizer, where others come before or after it. */
  readonly steps: number;
}

interface Facts<T> {
  /** As on the command line: `--batch-size <n>`. */
  readonly flags: string;
  readonly help: string;
  readonly type: Type<T>;
  /** Without it the page does not have the option: it is set by other means there, or of use with the files of a run folder only. */
  readonly group?: (typeof GROUPS)[number];
  /** On the page; without it the key in words. */
  readonly label?: string;
  /** Below the field, where the help is about switching off or about the command line. */
  readonly hint?: string;
  readonly formula?: string;
  /** Whether only a data set of classes has a use for it; a regression refuses another value than the default. */
  readonly ofClasses?: boolean;
  /** What stands on the page for no value. */
  readonly unset?: string;
  /** The value that asks for nothing, where that is not the default. */
  readonly off?: NoInfer<T>;
  /** What it puts around an update rule, where it has another value than its default. */
  piece?(value: T, lengths: Lengths): Piece;
}

/** One option. Its default is undefined where something is left undone that it would ask for. */
export interface Option<T = any, D extends T | undefined = T | undefined> extends Facts<T> {
  readonly default: D;
}

export function option<T>(facts: Facts<T> & { readonly default: NoInfer<T> }): Option<T, T>;
export function option<T>(facts: Facts<T>): Option<T, undefined>;
export function option<T>(facts: Facts<T> & { readonly default?: NoInfer<T> }): Option<T> {
  return { default: undefined, ...facts };
}

export const number = (range: Range): Type<number> => ({ range, parse: (who, text) => parseNumber(who, text, range) });

export const oneOf = <T extends string>(choices: readonly T[]): Type<T> => ({
  choices,
  parse: (who, text) => parseChoice(who, text, choices),
});

/** A text that `read` accepts, which a recipe reads again; `choices` are what it usually is, where that is one of a few names. */
export const spec = (choices: readonly string[], read: (who: Message, text: string) => unknown): Type<string> => ({
  ...(choices.length && { choices }),
  parse(who, value) {
    read(who, value);
    return value;
  },
});

/** A number of pixels, or a text where height and width differ. */
export const imageSize: Type<ImageSize> = { parse: (who, text) => sizeOf(sidesOf(who, text)) };

export const boolean: Type<boolean> = { parse: (who, text) => parseChoice(who, text, ['true', 'false']) === 'true' };

/** False, true, or a number, called `measure`, that says how far. */
export const switched = (measure: string, range: Range): Type<boolean | number> => ({
  range,
  measure,
  parse: (who, text) => (text === 'true' || text === 'false' ? text === 'true' : parseNumber(who, text, range)),
});

/** A text that stays one, or that a recipe reads (see recipe.ts). */
export const text: Type<string> = {
  parse(who, value) {
    check(value, say`${who}: the value is empty`, 'give one');
    return value;
  },
};
