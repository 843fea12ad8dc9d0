/** Lines of a chart: what they are, their height between points, and their trend. */

export type Point = readonly [x: number, y: number];
export interface Curve {
  readonly name: string;
  /** What it is of: two of one are told in one line, the dashed one behind. */
  readonly of?: string;
  readonly colour: string;
  readonly points: readonly Point[];
  readonly dashed?: boolean;
  /** In the background, and left out of what is read. */
  readonly faint?: boolean;
  /** Stands at its end. */
  readonly label?: string | undefined;
  /** Curves of one group stand out together, and the others step back. */
  readonly group?: number;
}
/** What lies between two curves is shaded. */
export interface Gap {
  readonly colour: string;
  readonly from: readonly Point[];
  readonly to: readonly Point[];
}
/** A place on x at which something changed. */
export interface Mark {
  readonly x: number;
  readonly step: number;
  readonly colour: string;
  /** What it is of, and the group of its curves. */
  readonly name: string;
  readonly group: number;
  /** What changed, in a few letters. */
  readonly label: string;
}
/** What is shown of the curves, and how. */
export interface View {
  readonly log?: boolean;
  /** What x is, in a word; `step` without it. */
  readonly across?: string;
  /** The part of x that is shown; all without it. */
  readonly zoom?: readonly [from: number, to: number] | undefined;
  /** Whether single values far from all others are in range too. */
  readonly whole?: boolean;
  /** The group that stands out. */
  readonly group?: number | undefined;
}

/** The height of a line through `points` at `x`, within its range. */
export function heightAt(points: readonly Point[], x: number): number {
  let low = 0;
  let high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle]![0] <= x) low = middle;
    else high = middle;
  }
  const [x0, y0] = points[low]!;
  const [x1, y1] = points[high]!;
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

/**
 * The mean over `reach` points to both sides of each, which tells the trend: single batches are noisy. At the ends it takes what there is,
 * and of all only what is finite. `weights` says for how many values a point stands, 1 without it.
 */
export function smooth(points: readonly Point[], reach: number, weights?: readonly number[]): Point[] {
  if (reach < 1) return [...points];
  const counts = points.map(([, y], i) => (Number.isFinite(y) ? (weights?.[i] ?? 1) : 0));
  const counted = sumsAround(counts, reach);
  const sums = sumsAround(
    points.map(([, y], i) => counts[i]! && counts[i]! * y),
    reach,
  );
  return points.map(([x], i) => [x, sums[i]! / counted[i]!]);
}

/** The sums of the values up to `reach` beside each. None is a difference: a sum with a huge value in it has lost what is small. */
function sumsAround(values: readonly number[], reach: number): number[] {
  const size = 2 * reach + 1;
  // Sums within blocks of `size` values, from the first on and to the last: no window lies in more than two blocks.
  const begun: number[] = [];
  for (const [i, value] of values.entries()) begun.push(value + (i % size && begun[i - 1]!));
  const left = [...values];
  for (let i = values.length - 1; i > 0; i--) if (i % size) left[i - 1]! += left[i]!;
  return values.map((_, i) => {
    const low = Math.max(0, i - reach);
    const high = Math.min(values.length - 1, i + reach);
    if (low % size === 0) return begun[high]!;
    return left[low]! + (high % size < low % size ? begun[high]! : 0);
  });
}
