/** `penalty-geometry`: the diamond of L1 and the circle of L2 among the level lines of a loss, and how many weights each sets to 0. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { contour } from '../../../plots/contour.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { experiment, inTurn, repeated } from '../experiment.ts';
import { normalsOf } from './problems.ts';

export type Pair = readonly [number, number];

/** The loss of two weights, (w - m)' A (w - m) / 2 with A symmetric and positive. */
export interface Bowl {
  readonly curvature: readonly [aa: number, ab: number, bb: number];
  readonly minimum: Pair;
}

export function lossOf({ curvature: [aa, ab, bb], minimum: [ma, mb] }: Bowl, a: number, b: number): number {
  const [u, v] = [a - ma, b - mb];
  return (aa * u * u + 2 * ab * u * v + bb * v * v) / 2;
}

/** The least of the loss with lambda (a² + b²) / 2. */
export function ridgeOf({ curvature: [aa, ab, bb], minimum: [ma, mb] }: Bowl, lambda: number): Pair {
  const [p, q, determinant] = [aa * ma + ab * mb, ab * ma + bb * mb, (aa + lambda) * (bb + lambda) - ab * ab];
  return [((bb + lambda) * p - ab * q) / determinant, ((aa + lambda) * q - ab * p) / determinant];
}

/** The least of the loss with lambda (|a| + |b|): of the least ones in each quadrant, on each axis and at 0 the one that is least. */
export function lassoOf(bowl: Bowl, lambda: number): Pair {
  const {
    curvature: [aa, ab, bb],
    minimum: [ma, mb],
  } = bowl;
  const [p, q] = [aa * ma + ab * mb, ab * ma + bb * mb];
  const threshold = (v: number) => Math.sign(v) * Math.max(0, Math.abs(v) - lambda);
  const determinant = aa * bb - ab * ab;
  const candidates: Pair[] = [
    [0, 0],
    [threshold(p) / aa, 0],
    [0, threshold(q) / bb],
  ];
  for (const s of [-1, 1]) {
    for (const t of [-1, 1]) {
      const [u, v] = [p - s * lambda, q - t * lambda];
      const [a, b] = [(bb * u - ab * v) / determinant, (aa * v - ab * u) / determinant];
      if (a * s > 0 && b * t > 0) candidates.push([a, b]);
    }
  }
  const all = ([a, b]: Pair) => lossOf(bowl, a, b) + lambda * (Math.abs(a) + Math.abs(b));
  return candidates.reduce((best, next) => (all(next) < all(best) ? next : best));
}

/** What a penalty takes for equally large: |a| + |b|, and the length. */
const NORMS: Readonly<Record<'L1' | 'L2', (a: number, b: number) => number>> = { L1: (a, b) => Math.abs(a) + Math.abs(b), L2: Math.hypot };
const SOLVED = { L1: lassoOf, L2: ridgeOf };

/** The problem that is drawn: its minimum lies nearly above a corner of the diamond. */
const SHOWN: Bowl = { curvature: [0.8, -0.3, 1], minimum: [0.6, 1.8] };
const VIEW = [-1.5, 3] as const;
/** Solutions that are drawn of all. */
const DRAWN = 1000;
const LEVELS = [0.05, 0.2, 0.9, 1.6, 2.4, 3.2];

/** Correlations of the two features of a problem, whose variance is 1. */
const CORRELATIONS: Readonly<Record<string, (next: () => number) => number>> = {
  independent: () => 0,
  dependent: next => 0.9 * Math.tanh(next()),
};

/** The share of normal numbers that lie within `x` standard deviations, by Simpson's rule. */
function within(x: number): number {
  const parts = 200;
  const end = Math.min(x, 10); // beyond it less than 1e-22 is left
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(end);
  for (let i = 1; i < parts; i++) sum += (i % 2 ? 4 : 2) * density((end * i) / parts);
  return Math.min(1, (2 * sum * end) / parts / 3);
}

function shownPanel(name: 'L1' | 'L2', lambda: number): Panel {
  const solution = SOLVED[name](SHOWN, lambda);
  const ball = NORMS[name](...solution);
  const level = (value: number) => contour((a, b) => lossOf(SHOWN, a, b), { x: VIEW, y: VIEW, level: value });
  const axis = (label: string) => ({ label, min: VIEW[0], max: VIEW[1] });
  return {
    kind: 'line',
    title: `${name}: the first level line that touches the ${name === 'L1' ? 'diamond' : 'circle'}`,
    x: axis('weight 1'),
    y: axis('weight 2'),
    series: [
      ...LEVELS.map(value => ({ name: `level ${value}`, points: level(value), muted: true })),
      { name: 'loss of the solution', points: level(lossOf(SHOWN, ...solution)) },
      { name: 'as large a penalty', points: contour(NORMS[name], { x: VIEW, y: VIEW, level: ball }) },
      { name: 'least loss', points: [SHOWN.minimum], pins: true, dashed: true },
      { name: 'solution', points: [solution], pins: true },
    ],
  };
}

export const penaltyGeometry = experiment({
  about: 'The diamond of L1 and the circle of L2: where level lines touch them, and how many weights become 0.',
  source: 'Tibshirani 1996, figure 2; Hastie, Tibshirani, Friedman 2009, figure 3.11',
  options: {
    problems: number(2000, 'random ones', { ...COUNT, max: 100_000 }),
    lambda: number(0.5, 'strength of both penalties', POSITIVE),
  },
  async run(lab, { problems, lambda }) {
    const parts = await inTurn(
      lab,
      Object.entries(CORRELATIONS),
      ([features]) => `${features} features`,
      async ([features, correlation]) => {
        const next = normalsOf(lab.seed);
        const bowls = await repeated(lab, problems, (): Bowl => ({ curvature: [1, correlation(next), 1], minimum: [next(), next()] }));
        const under = async (penalty: 'L1' | 'L2'): Promise<Solutions> => {
          const solutions = await repeated(lab, problems, k => SOLVED[penalty](bowls[k]!, lambda));
          const share = (n: number) => solutions.filter(pair => zerosIn(pair) === n).length / problems;
          return { features, penalty, solutions, none: share(0), one: share(1), both: share(2) };
        };
        return [await under('L1'), await under('L2')];
      },
    );
    const found = parts.flat();
    const p = within(lambda);
    const [independent] = found;
    return {
      title: `Two weights under L1 and L2 of strength ${lambda}`,
      rows: found.map(({ features, penalty, none, one, both }) => ({
        features,
        penalty,
        'no weight 0': none,
        'one is 0': one,
        'both are 0': both,
        'weights that are 0': one / 2 + both,
      })),
      shares: ['no weight 0', 'one is 0', 'both are 0', 'weights that are 0'],
      expected: independent && [
        { what: 'one weight 0, independent', expected: 2 * p * (1 - p), found: independent.one, source: 'P(|z| \u2264 \u03bb), z normal' },
        { what: 'both 0, independent', expected: p * p, found: independent.both, source: 'P(|z| \u2264 \u03bb), z normal' },
      ],
      panels: [shownPanel('L1', lambda), shownPanel('L2', lambda), ...found.filter(f => f.features === 'dependent').map(cloudPanel)],
      layout: { columns: 2, width: 420, height: 400 },
      values: found,
    };
  },
});

/** The solutions of all problems under a penalty, and the shares of those with no, one and two weights of 0. */
interface Solutions {
  readonly features: string;
  readonly penalty: 'L1' | 'L2';
  readonly solutions: readonly Pair[];
  readonly none: number;
  readonly one: number;
  readonly both: number;
}

const zerosIn = (pair: Pair): number => pair.filter(v => v === 0).length;

function cloudPanel({ features, penalty, solutions }: Solutions): Panel {
  const some = solutions.slice(0, DRAWN);
  const of = (name: string, zeros: number): Series => ({ name, points: some.filter(pair => zerosIn(pair) === zeros) });
  return {
    kind: 'scatter',
    title: `${penalty}: solutions of ${counted(some.length, 'problem')}, ${features} features`,
    x: { label: 'weight 1', min: -3, max: 3 },
    y: { label: 'weight 2', min: -3, max: 3 },
    series: [of('no weight is 0', 0), of('one', 1), of('both', 2)].filter(({ points }) => points.length),
  };
}
