/** Functions of one variable as regressions, and formulas of the user's own: points that are computed when they are asked for. */
import { choice, number, type Parameter, type Parameters } from '../../engine/parameter.ts';
import { AT_LEAST_0, COUNT } from '../../engine/range.ts';
import type { DatasetInfo, Loaded } from '../info.ts';
import type { Drawing, Interval } from './points.ts';

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

/** Points are drawn where a set is loaded. */
const drawing = () => import('./points.ts');

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
      load: async (_, limits, options) => (await drawing()).pointsOf(name, ([x]) => f(x!), 1, options as Drawing, limits),
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
  async load(_, limits, { y, ...options }): Promise<Loaded> {
    const [{ functionOf }, { pointsOf }] = await Promise.all([import('./formula.ts'), drawing()]);
    const { f, variables } = functionOf(String(y));
    const splits = pointsOf(`formula ${y}`, f, variables.length, options as Drawing, limits);
    return { ...splits, shape: [variables.length, 1, 1], inputs: variables };
  },
};
