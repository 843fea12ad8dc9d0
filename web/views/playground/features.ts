/** What a net of the playground is given of a point. */
import { PLANE_RANGE } from '../../../datasets/plane-sets.ts';

interface Feature {
  readonly label: string;
  readonly of: (x: number, y: number) => number;
  /** Whether it is of x alone, so that a function of one variable can be learnt from it. */
  readonly ofX?: true;
}

export const FEATURES = {
  x: { label: 'x', of: x => x, ofX: true },
  y: { label: 'y', of: (_, y) => y },
  xx: { label: 'x²', of: x => x * x, ofX: true },
  yy: { label: 'y²', of: (_, y) => y * y },
  xy: { label: 'xy', of: (x, y) => x * y },
  sinx: { label: 'sin x', of: x => Math.sin(x), ofX: true },
  siny: { label: 'sin y', of: (_, y) => Math.sin(y) },
} as const satisfies Readonly<Record<string, Feature>>;

export type FeatureName = keyof typeof FEATURES;
export const FEATURE_NAMES = Object.keys(FEATURES) as FeatureName[];

/** Whether a feature is of x alone. */
export const isOfX = (name: FeatureName): boolean => 'ofX' in FEATURES[name];

/** Points of the grid along one side of the plane. */
export const GRID = 50;
/** As many as the grid has, along x alone. */
const ALONG = GRID * GRID;

/** The middles of the grid's squares, row after row from the top. */
export const gridPoints = (): { x: number; y: number }[] =>
  Array.from({ length: GRID * GRID }, (_, p) => ({
    x: (((p % GRID) + 0.5) / GRID) * 2 * PLANE_RANGE - PLANE_RANGE,
    y: PLANE_RANGE - ((Math.floor(p / GRID) + 0.5) / GRID) * 2 * PLANE_RANGE,
  }));

/** Where a function of one variable is looked at. */
export const linePoints = (): { x: number; y: number }[] =>
  Array.from({ length: ALONG }, (_, p) => ({ x: ((p + 0.5) / ALONG) * 2 * PLANE_RANGE - PLANE_RANGE, y: 0 }));

/** Inputs [points, features] of a net. */
export const inputsOf = (points: readonly { readonly x: number; readonly y: number }[], names: readonly FeatureName[]): Float32Array =>
  Float32Array.from(points.flatMap(({ x, y }) => names.map(name => FEATURES[name].of(x, y))));
