/** A landscape from above. */
import type { Landscape } from '../../../train/study/descent/landscapes.ts';
import { isDark } from '../dom.ts';

/** Pixels of a side. */
export const SIZE = 560;
const LEVELS = 22;

/** Shades between the levels of the logarithm of f above its least value in view, with a line at each. */
export function contours({ value, x: [x0, x1], y: [y0, y1] }: Landscape): ImageData {
  const out = new ImageData(SIZE, SIZE);
  const values = new Float64Array(SIZE * SIZE);
  for (let p = 0; p < values.length; p++)
    values[p] = value(x0 + ((p % SIZE) / SIZE) * (x1 - x0), y1 - (Math.floor(p / SIZE) / SIZE) * (y1 - y0));
  const least = values.reduce((a, v) => Math.min(a, v), Infinity);
  const height = (v: number) => Math.log1p(4 * (v - least));
  const top = values.reduce((a, v) => Math.max(a, height(v)), 0);
  const level = (p: number) => Math.floor((height(values[p]!) / top) * LEVELS);
  const dark = isDark();
  for (let p = 0; p < values.length; p++) {
    const l = level(p);
    const share = l / LEVELS;
    const edge = (p % SIZE && level(p - 1) !== l) || (p >= SIZE && level(p - SIZE) !== l);
    const base = dark ? [18 + 40 * share, 26 + 48 * share, 38 + 62 * share] : [236 - 70 * share, 244 - 52 * share, 252 - 26 * share];
    out.data.set([...base.map(c => (edge ? c + (dark ? 22 : -26) : c)), 255], 4 * p);
  }
  return out;
}
