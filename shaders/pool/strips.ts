/** Strips of columns down which the lanes of a software adapter go. */
import { tilesAcross } from '../conv/lane-tiles.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import type { Pool } from './shape.ts';

/** What a call computes. */
export type PoolOutput = 'y' | 'dx';

/** Strips across an image: how many windows begin in one, how many there are, and whether x (dx) and y (dy) are read or written as vec4f. */
export function stripsOf(output: PoolOutput, { w, ow, stride: [, step] }: Pool) {
  const windows = output === 'y' ? ow : Math.max(ow, ceilDiv(w, step));
  const wide = fitsVec4(w) || fitsVec4(ow);
  const { width, across } = tilesAcross(windows, wide ? [4] : windows < 8 ? [windows] : [4, 5, 7]);
  const last = (across - 1) * width;
  return { width, across, x: fitsVec4(w) && last * step < w, y: fitsVec4(ow) && last < ow };
}
