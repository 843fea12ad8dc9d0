/** The line search of quasi-Newton methods. */

/** A point of the line: its place, the value there, and the slope along the line. */
export interface Point {
  readonly t: number;
  readonly f: number;
  readonly slope: number;
}

/**
 * The minimum of the cubic through two points and their slopes, kept within bounds (Nocedal & Wright, equation 3.59); the middle where it
 * has none.
 */
export function cubicMinimum(
  a: Point,
  b: Point,
  [low, high]: readonly [number, number] = [Math.min(a.t, b.t), Math.max(a.t, b.t)],
): number {
  const [left, right] = a.t <= b.t ? [a, b] : [b, a];
  const d1 = left.slope + right.slope - (3 * (left.f - right.f)) / (left.t - right.t);
  const square = d1 * d1 - left.slope * right.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const t = right.t - ((right.t - left.t) * (right.slope + d2 - d1)) / (right.slope - left.slope + 2 * d2);
  return Math.min(Math.max(t, low), high);
}

export interface WolfeOptions {
  c1?: number;
  c2?: number;
  /** Brackets shorter than this end the search. */
  shortest: number;
  /** Evaluations. */
  most?: number;
}

/**
 * A step that meets the strong Wolfe conditions (Nocedal & Wright, algorithms 3.5 and 3.6, with the safeguards of torch.optim.LBFGS, whose
 * steps these are): bracket by expansion, then narrow by cubic interpolation that must leave each end by a tenth at every second try.
 * `start` is the point t = 0.
 */
export async function strongWolfe(
  start: Point,
  first: number,
  evaluate: (t: number) => Promise<Point>,
  { c1 = 1e-4, c2 = 0.9, shortest, most = 25 }: WolfeOptions,
): Promise<Point> {
  const tooHigh = (p: Point) => !(p.f <= start.f + c1 * p.t * start.slope); // also where it is NaN
  const flat = (p: Point) => Math.abs(p.slope) <= -c2 * start.slope;
  let before = start;
  let now = await evaluate(first);
  let count = 0;
  let bracket: [Point, Point] | undefined;
  for (; count < most && !bracket; count++) {
    if (tooHigh(now) || (count > 1 && now.f >= before.f)) bracket = [before, now];
    else if (flat(now)) return now;
    else if (now.slope >= 0) bracket = [before, now];
    if (bracket) break;
    const t = cubicMinimum(before, now, [now.t + 0.01 * (now.t - before.t), now.t * 10]);
    before = now;
    now = await evaluate(t);
  }

  let [low, high] = bracket ?? [start, now];
  if (low.f > high.f) [low, high] = [high, low];
  for (let stuck = false; count < most && Math.abs(high.t - low.t) >= shortest; count++) {
    const left = Math.min(low.t, high.t);
    const right = Math.max(low.t, high.t);
    const margin = 0.1 * (right - left);
    let t = cubicMinimum(low, high);
    if (Math.min(right - t, t - left) < margin) {
      if (stuck || t >= right || t <= left) {
        t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin;
        stuck = false;
      } else stuck = true;
    } else stuck = false;
    const p = await evaluate(t);
    if (tooHigh(p) || p.f >= low.f) {
      high = p;
      if (high.f < low.f) [low, high] = [high, low];
      continue;
    }
    if (flat(p)) return p;
    if (p.slope * (high.t - low.t) >= 0) high = low;
    low = p;
  }
  return low;
}
