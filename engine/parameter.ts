/** What can be chosen by name of a model, an update rule, a schedule or an augmentation, said where that stands. */
import { check, DescentError, lookUp, say, type Message } from './check.ts';
import { AT_LEAST_0, describeRange, isWithin, type Range } from './range.ts';

/** As a user writes a value. */
export type Scalar = number | boolean | string;

/** One value that is chosen by name, under PyTorch's name where it has it. */
export interface Parameter<T = any> {
  /** Without it a value must be given. */
  readonly default?: T;
  /** The default as it is written, or a value that could be given in its place. */
  readonly example: Scalar;
  /** In a few words, for a form; empty where the name says it. */
  readonly about: string;
  /** What a number may be. */
  readonly range?: Range;
  /** What a text may be, where it is one of a few. */
  readonly choices?: readonly string[];
  /** What is accepted, in words, after `give`. */
  readonly accepts: string;
  /** The value that is meant; undefined where it is not accepted. */
  readonly read: (given: unknown) => T | undefined;
}

/** The options of something that is chosen by name, by their keys. */
export type Parameters = Readonly<Record<string, Parameter>>;
/** The values of options, by their keys. */
export type Values<P extends Parameters> = { readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };

/** A parameter that has a default. */
export type Defaulted<T> = Parameter<T> & { readonly default: T };

/** What a form shows of something that can be named. */
export interface Described {
  /** One line. */
  readonly about: string;
  readonly formula: string;
}

/** A number that must be given. */
export const needed = (example: number, about: string, range: Range = AT_LEAST_0): Parameter<number> => ({
  example,
  about,
  range,
  accepts: describeRange(range),
  read: v => (isWithin(v, range) ? v : undefined),
});

/** A number that has a default; a hyper-parameter of a rule, for one. At least 0 unless `range` says otherwise. */
export const number = (value: number, about = '', range: Range = AT_LEAST_0): Defaulted<number> => ({
  ...needed(value, about, range),
  default: value,
});

/** A number that may be written as a fraction, as 8/255. */
export const fraction = (value: number, example: string, about: string, range: Range): Defaulted<number> => {
  const plain = number(value, about, range);
  const read = (given: unknown) => {
    const [over, under, ...more] = String(given).split('/').map(Number);
    return plain.read(more.length ? NaN : over! / (under ?? 1));
  };
  return { ...plain, example, accepts: `${plain.accepts}, as ${example}`, read };
};

export const flag = (value: boolean, about = ''): Defaulted<boolean> => ({
  default: value,
  example: value,
  about,
  accepts: 'true or false',
  read: v => (typeof v === 'boolean' ? v : undefined),
});

export const choice = <T extends string>(value: NoInfer<T>, choices: readonly T[], about = ''): Defaulted<T> => ({
  default: value,
  example: value,
  about,
  choices,
  accepts: choices.join(', '),
  // texts read `depth=20` as a number
  read: v => choices.find(k => k === (typeof v === 'number' ? String(v) : v)),
});

/** Numbers that must be given: as an array, or in a text with `separator` between them. */
export const neededList = (example: readonly number[], separator: string, about: string, range: Range): Parameter<readonly number[]> => ({
  example: example.join(separator),
  about,
  accepts: `numbers as ${example.join(separator)}, each ${describeRange(range)}`,
  read(v) {
    const list: number[] = Array.isArray(v) ? v : String(v).split(separator).map(Number);
    return list.every(n => isWithin(n, range)) ? list : undefined;
  },
});

/** A name with options, as engine/spec.ts reads it: `value` is what follows the name without a key. */
export interface Keyed {
  readonly name: string;
  readonly value?: unknown;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The options of a spec; a bare `lenet5:classic` switches a flag on. Throws where the bare word is none. */
export function optionsIn({ name, value, options }: Keyed, known: Parameters): Readonly<Record<string, unknown>> {
  if (value === undefined) return options;
  const key = String(value);
  const own = Object.hasOwn(known, key) ? known[key] : undefined;
  if (typeof own?.default === 'boolean') return { [key]: true, ...options };
  check(!own, `${name}: ${key} is without a value`, `give ${own?.accepts}, as ${name}:${key}=${own?.example}`);
  const keys = Object.keys(known).join(', ');
  throw new DescentError(`${name}: '${key}' is no option`, keys ? `write ${name}:key=value, the keys are ${keys}` : 'it has none');
}

/** `given` as the value of a parameter; `who` is its name in messages. */
function accept<T>(who: Message, given: unknown, { accepts, read }: Parameter<T>): T {
  const value = read(given);
  check(value !== undefined, say`${who} is ${typeof given === 'number' ? given : `'${String(given)}'`}`, `give ${accepts}`);
  return value;
}

/**
 * The values of the parameters of what is called `name`: those in `given`, else the defaults. An unknown name, a value that is not accepted
 * and one that is missing are errors; `who` begins their messages, and `kind` says what is unknown.
 */
export function valuesOf<P extends Parameters>(
  name: string,
  parameters: P,
  given: Readonly<Record<string, unknown>> = {},
  { who = name, kind = `option of ${name}` }: { readonly who?: Message; readonly kind?: string } = {},
): Values<P> {
  for (const key of Object.keys(given)) lookUp(kind, key, parameters);
  const values = Object.entries(parameters).map(([key, parameter]): [string, unknown] => {
    if (given[key] !== undefined) return [key, accept(say`${who}: ${key}`, given[key], parameter)];
    check(parameter.default !== undefined, say`${who}: ${key} is missing`, `write ${name}:${key}=${parameter.example}`);
    return [key, parameter.default];
  });
  return Object.fromEntries(values) as Values<P>;
}
