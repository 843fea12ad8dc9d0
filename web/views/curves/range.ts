/** The heights that a chart shows: of most of what is drawn, so that a few values far away do not flatten the rest. */
import type { Curve } from './line.ts';

/** Heights from `low` to `high`; beyond them are values as far as `least` or `most`, where they are given. */
export interface Extent {
  readonly low: number;
  readonly high: number;
  readonly least?: number;
  readonly most?: number;
}

/** Share of the values at each end that may lie out of range. */
const TAIL = 0.05;
/** How far such a value lies from the others, in heights of what these take, before it is left out. */
const FAR = 2;

/** What of x is shown of curves that have points: from 0 to their end. Points at one place have it in the middle, where they are seen whole. */
export function span(curves: readonly Curve[]): [from: number, to: number] {
  const ends = curves.flatMap(({ points }) => (points.length ? [points[0]![0], points.at(-1)![0]] : []));
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  if (first < last) return [0, last];
  return last ? [0, 2 * last] : [-0.5, 0.5];
}

export function extent(curves: readonly Curve[], { log, whole }: { log?: boolean | undefined; whole?: boolean | undefined }): Extent {
  const read = curves.filter(c => !c.faint).flatMap(c => c.points.map(([, y]) => (log ? Math.log(y) : y)));
  const values = read.filter(Number.isFinite).sort((a, b) => a - b);
  const n = values.length;
  if (!n) return log ? { low: 0.1, high: 1 } : { low: 0, high: 1 };
  const back = log ? Math.exp : Number;
  const [first, last] = [values[0]!, values[n - 1]!];
  const cut = whole ? 0 : Math.floor(TAIL * n);
  const [bottom, top] = [values[cut]!, values[n - 1 - cut]!];
  const far = FAR * (top - bottom);
  const isLow = cut > 0 && far > 0 && first < bottom - far;
  const isHigh = cut > 0 && far > 0 && last > top + far;
  const [from, to] = [isLow ? bottom : first, isHigh ? top : last];
  const margin = 0.05 * (log ? Math.max(to - from, 0.01) : to - from || Math.abs(to) || 1);
  return {
    low: !log && from >= 0 && from < margin ? 0 : back(from - margin),
    high: back(to + margin),
    ...(isLow && { least: back(first) }),
    ...(isHigh && { most: back(last) }),
  };
}
