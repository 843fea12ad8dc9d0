/** What a net of the playground can learn: two classes of points, or a number for each point. */
import { PLANE_RANGE, PLANE_SETS } from '../../../datasets/plane-sets.ts';
import { normals, planePoint } from '../../../datasets/plane.ts';
import { stream } from '../../../datasets/random.ts';
import { FORMULAS } from '../../../datasets/tables/functions.ts';

/** `value` is -1 or 1 of classes, within -1 and 1 of numbers. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

export interface Problem {
  readonly title: string;
  /** Whether the values of its points are classes. */
  readonly classes: boolean;
  /** Whether it is a function of x: its points stand where its value is high. */
  readonly isCurve?: boolean;
  /** Point `i`, whatever others there are. Without it the points are the user's own. */
  readonly point?: (i: number, seed: number, noise: number) => Point;
}

const TITLES: Readonly<Record<string, string>> = {
  'two-moons': 'Two moons',
  circles: 'Circles',
  xor: 'Exclusive or',
  gauss: 'Two clouds',
  spiral: 'Spirals',
};

/** Points of which one learns the number that `f` gives where noise has moved them. */
const numbers = (title: string, f: (x: number, y: number) => number): Problem => ({
  title,
  classes: false,
  point(i, seed, noise) {
    const random = stream(seed, i);
    const uniform = () => PLANE_RANGE * (2 * random() - 1);
    const [x, y] = [uniform(), uniform()];
    const [dx, dy] = normals(random);
    return { x, y, value: Math.min(1, Math.max(-1, f(x + noise * dx, y + noise * dy))) };
  },
});

/** How high a value of 1 stands. */
export const HIGH = 5;

/** A function of one variable over the whole width, its greatest size as 1. */
function curve({ formula, f, usual }: (typeof FORMULAS)[string]): Problem {
  const [low, high] = usual.range;
  const at = (x: number) => f(low + ((x / PLANE_RANGE + 1) / 2) * (high - low));
  const most = Math.max(...Array.from({ length: 1000 }, (_, i) => Math.abs(at((i / 999 - 0.5) * 2 * PLANE_RANGE))));
  return {
    title: `y = ${formula}`,
    classes: false,
    isCurve: true,
    point(i, seed, noise) {
      const random = stream(seed, i);
      const x = PLANE_RANGE * (2 * random() - 1);
      const [moved] = normals(random);
      const value = at(x) / most + (noise * moved) / PLANE_RANGE;
      return { x, y: value * HIGH, value };
    },
  };
}

/** Centres of hills and hollows: those of the TensorFlow Playground's dataset.ts. */
const HILLS = [-4, 0, 4].flatMap((x, i) => [2.5, -2.5].map((y, j) => ({ x, y, sign: (i + j) % 2 ? -1 : 1 })));

/** That of the nearest hill: its sign at the top, 0 two units away and beyond. */
function hills(x: number, y: number): number {
  let most = 0;
  for (const hill of HILLS) {
    const height = hill.sign * Math.max(0, 1 - Math.hypot(x - hill.x, y - hill.y) / 2);
    if (Math.abs(height) > Math.abs(most)) most = height;
  }
  return most;
}

export const PROBLEMS: Readonly<Record<string, Problem>> = {
  ...Object.fromEntries(
    PLANE_SETS.map((name): [string, Problem] => [
      name,
      {
        title: TITLES[name] ?? name,
        classes: true,
        point(i, seed, noise) {
          const { x, y, label } = planePoint(name, i, { seed, noise });
          return { x, y, value: label ? 1 : -1 };
        },
      },
    ]),
  ),
  slope: numbers('A slope', (x, y) => (x + y) / 10),
  hills: numbers('Hills and hollows', hills),
  waves: numbers('Waves', (x, y) => Math.sin(x) * Math.cos(y / 2)),
  ...Object.fromEntries(
    Object.entries(FORMULAS)
      .filter(([, { usual }]) => usual.noise === undefined) // noise is a setting here
      .map(([name, formula]) => [name, curve(formula)]),
  ),
  'own-classes': { title: 'Own points: two classes', classes: true },
  'own-numbers': { title: 'Own points: numbers', classes: false },
};

/** Points of a problem that are computed. */
export const POINTS = 500;

/** The points of a problem, `share` of them to test on, always the same ones. */
export function pointsOf(
  { point }: Problem,
  own: readonly Point[],
  { seed, noise, share }: { readonly seed: number; readonly noise: number; readonly share: number },
): { readonly train: Point[]; readonly test: Point[] } {
  const all = point ? Array.from({ length: POINTS }, (_, i) => point(i, seed, noise)) : mixed(own);
  const tested = Math.round(all.length * share);
  return { train: all.slice(0, all.length - tested), test: all.slice(all.length - tested) };
}

/** In an order that depends on the number of each point alone: one more leaves the others where they were among themselves. */
function mixed(points: readonly Point[]): Point[] {
  const place = points.map((_, i) => stream(0, i)());
  return points
    .map((point, i) => ({ point, i }))
    .sort((a, b) => place[a.i]! - place[b.i]!)
    .map(({ point }) => point);
}
