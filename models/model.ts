/** What a model is: a function that composes layers, with named options that are checked before it is built. */
import { also, check, DescentError, lookUp } from '../engine/check.ts';
import { Graph, type Layer } from '../engine/graph.ts';

/** What a model is built for: classes, and the images' [channels, height, width]. */
export interface ModelInput {
  readonly classes: number;
  readonly shape: readonly [c: number, h: number, w: number];
}

/** A model: a function of its input and options that composes layers. A user's own file exports one. */
export interface Model {
  (input: ModelInput, options?: Readonly<Record<string, any>>): Layer;
  /** One line: what it is and where it comes from. */
  readonly about?: string;
  readonly options?: Options;
  /** The first convolution, if its filters are to whiten patches of the training images before the first step (train/init/whiten-patches.ts). */
  readonly whitened?: string;
}

/** One option of a model. */
export interface Option<T> {
  readonly default: T;
  /** As messages say it: `give …`. */
  readonly accepts: string;
  /** The names among which it chooses, where it is such a choice. */
  readonly choices?: readonly string[];
  /** Gives undefined where the value is not accepted. */
  readonly read: (value: unknown) => T | undefined;
}
export type Options = Readonly<Record<string, Option<any>>>;
type Values<O extends Options> = { readonly [K in keyof O]: O[K]['default'] };

export const flag = (value: boolean): Option<boolean> => ({
  default: value,
  accepts: 'true or false',
  read: v => (typeof v === 'boolean' ? v : undefined),
});

const number = (value: number, accepts: string, ok: (v: number) => boolean): Option<number> => ({
  default: value,
  accepts,
  read: v => (typeof v === 'number' && ok(v) ? v : undefined),
});

export const whole = (value: number, min = 1): Option<number> =>
  number(value, `a whole number of at least ${min}`, v => Number.isInteger(v) && v >= min);

/** A probability, or any share of 1 but 1 itself. */
export const share = (value: number): Option<number> => number(value, 'a number from 0 to below 1', v => v >= 0 && v < 1);

export const positive = (value: number): Option<number> => number(value, 'a number of at least 0', v => v >= 0);

export const choice = <T extends string>(value: T, known: readonly T[]): Option<T> => ({
  default: value,
  accepts: known.join(', '),
  choices: known,
  read: v => known.find(k => k === v),
});

/** Sizes as an array, or on the command line with dashes: `256-128`; `none` for an empty list. */
export const sizes = (value: readonly number[]): Option<readonly number[]> => ({
  default: value,
  accepts: 'sizes as 256-128, or none',
  read: v => {
    const list = v === 'none' ? [] : Array.isArray(v) ? v : String(v).split('-').map(Number);
    return list.every(n => Number.isInteger(n) && n >= 1) ? list : undefined;
  },
});

type Build<O extends Options> = (input: ModelInput, options: Values<O>) => Layer;

/** A model with a line about it and checked options; `build` gets all of them. */
export function model<O extends Options>(name: string, about: string, options: O, build: Build<O>): Model {
  const make = (input: ModelInput, given: Readonly<Record<string, unknown>> = {}): Layer => {
    const values = readOptions(name, options, given) as Values<O>;
    return (g, x) => {
      try {
        return build(input, values)(g, x);
      } catch (error) {
        const size = error instanceof DescentError && smallestFit(input, at => build(at, values), g);
        throw size ? also(error, `${name} takes images of ${size}x${size} and larger`) : error;
      }
    };
  };
  return Object.assign(make, { about, options });
}

/** The values of a model's options, the defaults where none are given. Throws where a name is unknown or a value not accepted. */
export function readOptions(name: string, options: Options, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const values = Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default]));
  for (const [key, value] of Object.entries(given)) {
    check(Object.keys(options).length, `${name}: it has no options, ${key} was given`, 'leave it out');
    const option = lookUp(`option of ${name}`, key, options);
    const got = option.read(value);
    check(got !== undefined, `${name}: option ${key} is '${String(value)}'`, `give ${option.accepts}`);
    values[key] = got;
  }
  return values;
}

/** The size from which square images build, if that is all that is wrong: between the one that failed and 256, by halving. */
function smallestFit(
  { classes, shape: [c, h, w] }: ModelInput,
  build: (input: ModelInput) => Layer,
  { training, profile }: Graph,
): number | undefined {
  const fits = (size: number): boolean => {
    const g = new Graph({ training, profile });
    try {
      build({ classes, shape: [c, size, size] })(g, g.tensor([1, c, size, size], 'input', 'images'));
      return true;
    } catch {
      return false;
    }
  };
  let small = Math.min(h, w);
  let large = 256;
  if (small >= large || !fits(large)) return undefined;
  while (large - small > 1) {
    const middle = Math.floor((small + large) / 2);
    if (fits(middle)) large = middle;
    else small = middle;
  }
  return large;
}

/** Padding beyond a layer's own that makes 28 x 28 images the 32 x 32 that a net was made for. */
export const extraPad = ({ shape: [, h] }: ModelInput): number => (h === 28 ? 2 : 0);
