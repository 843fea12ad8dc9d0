/** A landscape from above. */
import { isDark } from '../dom.ts';
import type { Land } from './land.ts';

/** Pixels of a side. */
export const SIZE = 560;
const LEVELS = 22;
/** Pixels from one place where f is computed to the next: a formula takes microseconds, and there are many places. */
const GRAIN = 2;

/** Shades between the levels of the logarithm of f above its least value in view, with a line at each; grey where f is no number. */
export function contours({ value, x: [x0, x1], y: [y0, y1] }: Land): ImageData {
  const side = SIZE / GRAIN + 1;
  const coarse = Float64Array.from({ length: side * side }, (_, p) =>
    value(x0 + ((p % side) / (side - 1)) * (x1 - x0), y1 - (Math.floor(p / side) / (side - 1)) * (y1 - y0)),
  );
  const least = coarse.reduce((a, v) => (Number.isFinite(v) ? Math.min(a, v) : a), Infinity);
  const heights = coarse.map(v => (Number.isFinite(v) ? Math.log1p(4 * (v - least)) : NaN));
  const top = heights.reduce((a, h) => (Number.isNaN(h) ? a : Math.max(a, h)), Number.MIN_VALUE);
  const levels = new Float64Array(SIZE * SIZE);
  for (let p = 0; p < levels.length; p++) {
    const [across, down] = [(p % SIZE) / GRAIN, Math.floor(p / SIZE) / GRAIN];
    const [i, j] = [Math.floor(across), Math.floor(down)];
    const row = (at: number) => heights[at]! + (across - i) * (heights[at + 1]! - heights[at]!);
    const height = row(j * side + i) + (down - j) * (row((j + 1) * side + i) - row(j * side + i));
    levels[p] = Math.floor((height / top) * LEVELS);
  }
  const out = new ImageData(SIZE, SIZE);
  const dark = isDark();
  for (let p = 0; p < levels.length; p++) {
    const level = levels[p]!;
    const share = level / LEVELS;
    const edge = (p % SIZE && levels[p - 1] !== level) || (p >= SIZE && levels[p - SIZE] !== level);
    const base = dark ? [18 + 40 * share, 26 + 48 * share, 38 + 62 * share] : [236 - 70 * share, 244 - 52 * share, 252 - 26 * share];
    const shade = Number.isNaN(level) ? Array(3).fill(dark ? 60 : 190) : base.map(c => (edge ? c + (dark ? 22 : -26) : c));
    out.data.set([...shade, 255], 4 * p);
  }
  return out;
}
