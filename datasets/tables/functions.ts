/** Functions of one variable as regressions, and formulas of the user's own: points that are computed when they are asked for. */
import { check } from '../../engine/check.ts';
import { choice, number, type Parameter, type Parameters, type Values } from '../../engine/parameter.ts';
import { AT_LEAST_0, COUNT } from '../../engine/range.ts';
import type { Limits, Split } from '../dataset.ts';
import type { DatasetInfo, Loaded } from '../info.ts';
import { stream } from '../random.ts';

type Interval = readonly [low: number, high: number];

/** `-1..2`. */
const interval = ([low, high]: Interval, about: string): Parameter<Interval> & { readonly default: Interval } => ({
  default: [low, high],
  example: [low, high].map(end => Number(end.toPrecision(6))).join('..'),
  about,
  accepts: 'two numbers as -1..1, the smaller one first',
  read(v) {
    const ends = Array.isArray(v)
      ? (v as number[])
      : String(v)
          .split('..')
          .map(end => (end.trim() ? Number(end) : NaN));
    return ends.length === 2 && ends.every(Number.isFinite) && ends[0]! < ends[1]! ? [ends[0]!, ends[1]!] : undefined;
  },
});

interface Usual {
  readonly points?: number;
  readonly noise?: number;
  readonly range: Interval;
}

/** How points are drawn from a function. */
const optionsOf = ({ points = 256, noise = 0, range }: Usual) => ({
  points: number(points, 'to train on', COUNT),
  test: number(256, 'points to test on', COUNT),
  noise: number(noise, 'standard deviation of the noise that is added to y, of points to train and to test on', AT_LEAST_0),
  range: interval(range, 'in which x lies'),
  draw: choice('even', ['even', 'random'], 'x evenly spaced, or drawn at random'),
  seed: number(0, 'of noise and of what is drawn at random', { integer: true, min: 0, max: 2 ** 31 }),
});

type Drawing = Values<ReturnType<typeof optionsOf>>;

/** A standard normal number (Box-Muller). */
const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** The numbers 0 to n - 1 in an order that is the same each time: the first of them are spread over all. */
function spread(n: number, seed: number): number[] {
  const place = Array.from({ length: n }, (_, i) => stream(seed, i)());
  return place.map((_, i) => i).sort((a, b) => place[a]! - place[b]!);
}

/**
 * The points of a function of `inputs` variables. Of one variable those to train on are evenly spaced with both ends of the range among
 * them, those to test on lie in the middle of as many equal parts of it; they come in a mixed order, so that the first ones are spread over
 * the range too. Of several variables, and with draw=random, x is uniform. Throws where y is not finite.
 */
export function pointsOf(
  who: string,
  f: (x: readonly number[]) => number,
  inputs: number,
  { points, test, noise, range: [low, high], draw, seed }: Drawing,
  { limitTrain = points, limitTest = test }: Limits = {},
): { train: Split; test: Split } {
  const make = (n: number, limit: number, first: number, even: (i: number) => number): Split => {
    const count = Math.min(n, limit);
    const images = new Float32Array(count * inputs);
    const targets = new Float32Array(count);
    const isEven = draw === 'even' && inputs === 1;
    const order = isEven ? spread(n, 0) : [];
    for (let i = 0; i < count; i++) {
      const random = stream(seed, first + i);
      const x = Array.from({ length: inputs }, () => Math.fround(low + (high - low) * (isEven ? even(order[i]!) : random())));
      const y = f(x) + noise * normal(random);
      check(Number.isFinite(y), `${who}: y is ${y} at ${x.join(', ')}`, 'give a range in which it is finite');
      images.set(x, i * inputs);
      targets[i] = y;
    }
    return { images, labels: new Uint16Array(), targets, n: count };
  };
  return {
    train: make(points, limitTrain, 0, i => (points > 1 ? i / (points - 1) : 0.5)),
    test: make(test, limitTest, points, i => (i + 0.5) / test),
  };
}

const facts = (title: string, options: ReturnType<typeof optionsOf> & Parameters) => ({
  title,
  shape: [1, 1, 1] as const,
  classes: [],
  inputs: ['x'],
  outputs: ['y'],
  dtype: 'float32' as const,
  options,
  train: options.points.default,
  test: options.test.default,
  files: [],
  sources: [],
});

/** A uniform variable in it has mean 0 and standard deviation 1. */
const UNIT: Interval = [-Math.sqrt(3), Math.sqrt(3)];

interface Formula {
  readonly formula: string;
  readonly f: (x: number) => number;
  readonly usual: Usual;
}

/** What functions of the courses are, by name. */
export const FORMULAS: Readonly<Record<string, Formula>> = {
  sine: { formula: 'sin 2\u03c0x', f: x => Math.sin(2 * Math.PI * x), usual: { range: [0, 1] } },
  steps: {
    formula: '5 + \u03a3 sin kx for x < 0, cos 10x else',
    f: x => (x < 0 ? 5 + Math.sin(x) + Math.sin(2 * x) + Math.sin(3 * x) + Math.sin(4 * x) : Math.cos(10 * x)),
    usual: { range: [-Math.PI, Math.PI] },
  },
  heaviside: { formula: '1 for x \u2265 0, 0 else', f: x => (x < 0 ? 0 : 1), usual: { range: [-1, 1] } },
  abs: { formula: '|x|', f: Math.abs, usual: { range: UNIT } },
  'x-sin-5x': { formula: 'x sin 5x', f: x => x * Math.sin(5 * x), usual: { range: UNIT } },
  'step-sin': { formula: '1 for x > 0, 0 else; + 0.2 sin 5x', f: x => (x > 0 ? 1 : 0) + 0.2 * Math.sin(5 * x), usual: { range: UNIT } },
  'noisy-parabola': { formula: 'x\u00b2 with noise', f: x => x * x, usual: { range: [-1, 1], noise: 0.1 } },
  'ten-points': {
    formula: 'sin 2\u03c0x with noise, ten points',
    f: x => Math.sin(2 * Math.PI * x),
    usual: { range: [0, 1], points: 10, noise: 0.2 },
  },
};

/** They as data sets. */
export const FUNCTIONS: Readonly<Record<string, DatasetInfo>> = Object.fromEntries(
  Object.entries(FORMULAS).map(([name, { formula, f, usual }]): [string, DatasetInfo] => [
    name,
    {
      ...facts(`${formula} (computed)`, optionsOf(usual)),
      load: async (_, limits, options) => pointsOf(name, ([x]) => f(x!), 1, options as Drawing, limits),
    },
  ]),
);

/** An expression as it is written. */
const expression: Parameter<string> = {
  example: 'sin(3*x)',
  about: 'expression in x, or in several variables',
  accepts: 'an expression as sin(3*x) + 0.2*x',
  read: v => (['string', 'number'].includes(typeof v) ? String(v) : undefined),
};

/** `formula:y=sin(3*x)+0.2*x,range=-2..2`: a formula of the user's own. Its variables are the features, in alphabetical order. */
export const FORMULA: DatasetInfo = {
  ...facts('a formula of your own (computed)', { ...optionsOf({ range: [-1, 1] }), y: expression }),
  async load(_, limits, { y, ...drawing }): Promise<Loaded> {
    const { functionOf } = await import('./formula.ts');
    const { f, variables } = functionOf(String(y));
    const splits = pointsOf(`formula ${y}`, f, variables.length, drawing as Drawing, limits);
    return { ...splits, shape: [variables.length, 1, 1], inputs: variables };
  },
};
