/** What a race is run on: a landscape by name, or a function that one has typed. */
import { check } from '../../../engine/check.ts';
import { planeFunction } from '../../../train/study/descent/expression.ts';
import { landscapes, type Landscape, type Point } from '../../../train/study/descent/landscapes.ts';

type Span = Landscape['x'];

export interface Land
  extends Pick<Landscape, 'formula' | 'about' | 'value' | 'gradient' | 'given' | 'noise' | 'start' | 'minima' | 'x' | 'y'> {
  readonly steps: number;
  /** The rate that suits its slopes, and what rates that are lengths are multiplied by. */
  readonly rate: number;
  readonly length: number;
  /** Whether its minima are the lowest points that were found in view, which may be others' or none. */
  readonly isSearched: boolean;
}

/** Steps of a race at least. */
const STEPS = 400;
/** Points to a side at which a function of one's own is looked at. */
const SIDE = 121;

export const landOf = (name: string): Land => {
  const land = landscapes[name]!;
  return { ...land, steps: Math.max(STEPS, land.steps), length: 1, isSearched: false };
};

/** A function that one has typed, over a part of the plane. Throws where it is none, or nowhere finite there. */
export function ownLand(formula: string, x: Span, y: Span): Land {
  const { value, slope, gradient, given } = planeFunction(formula);
  const across = (i: number) => x[0] + (i / (SIDE - 1)) * (x[1] - x[0]);
  const up = (j: number) => y[0] + (j / (SIDE - 1)) * (y[1] - y[0]);
  const places = Array.from({ length: SIDE * SIDE }, (_, k): Point => [across(k % SIDE), up(Math.floor(k / SIDE))]);
  const heights = places.map(([a, b]) => finite(value(a, b)));
  check(
    heights.some(h => h < Infinity),
    `f(x, y): '${formula}' is a number nowhere in view`,
    'show another part of the plane',
  );
  const isLow = (k: number) => {
    const [i, j] = [k % SIDE, Math.floor(k / SIDE)];
    const beside = [i > 0 ? k - 1 : k, i < SIDE - 1 ? k + 1 : k, j > 0 ? k - SIDE : k, j < SIDE - 1 ? k + SIDE : k];
    return heights[k]! < Infinity && beside.every(other => heights[other]! >= heights[k]!);
  };
  const found = places.filter((_, k) => isLow(k)).map(at => lowered(value, at, x, y));
  const least = Math.min(...found.map(at => value(...at)));
  const most = heights.reduce((a, h) => (h < Infinity ? Math.max(a, h) : a), least);
  const lowest = found.filter(at => value(...at) <= least + 1e-6 * (most - least));
  const apart = 0.02 * (x[1] - x[0] + y[1] - y[0]);
  const minima = lowest.filter((at, i) => !lowest.slice(0, i).some(other => Math.hypot(at[0] - other[0], at[1] - other[1]) < apart));
  const sizes = places.map(at => Math.hypot(...slope(...at))).filter(size => Number.isFinite(size) && size > 0);
  const usual = sizes.sort((a, b) => a - b)[sizes.length >> 1] ?? 1;
  return {
    formula,
    about: 'Its lowest points in view are searched for on a grid. Rates are guessed from its slopes.',
    value,
    gradient,
    given,
    start: [across(0.2 * (SIDE - 1)), up(0.8 * (SIDE - 1))],
    minima: minima.slice(0, 20), // a plain is lowest everywhere
    x,
    y,
    steps: STEPS,
    rate: rounded((0.05 * (x[1] - x[0])) / usual),
    length: rounded((x[1] - x[0]) / 4),
    isSearched: true,
  };
}

const finite = (v: number): number => (Number.isFinite(v) ? v : Infinity);
/** To 1, 2 or 5 of its decade. */
function rounded(v: number): number {
  const decade = 10 ** Math.floor(Math.log10(v));
  const digit = v / decade;
  return Number(((digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10) * decade).toPrecision(1));
}

/** The low point near `at`, by a search along the axes whose steps halve. */
function lowered(value: Land['value'], at: Point, x: Span, y: Span): Point {
  let [a, b] = at;
  let [da, db] = [(x[1] - x[0]) / SIDE, (y[1] - y[0]) / SIDE];
  for (let halvings = 0; halvings < 40; ) {
    const now = finite(value(a, b));
    const better = [
      [a - da, b],
      [a + da, b],
      [a, b - db],
      [a, b + db],
    ].find(([c, d]) => c! >= x[0] && c! <= x[1] && d! >= y[0] && d! <= y[1] && value(c!, d!) < now);
    if (better) [a, b] = better as [number, number];
    else {
      [da, db] = [da / 2, db / 2];
      halvings++;
    }
  }
  return [a, b];
}
