/** What pooling calls are. */
import type { Epilogue } from '../kernel/epilogue.ts';
import { areaOf, areBoth, type Pair } from '../kernel/pair.ts';

/**
 * Pooling of `planes` (batch x channels) images h x w into oh x ow: windows of k taps `dilation` apart, `stride` apart, over `pad` rows and
 * columns of padding before the first; or `adaptive` ones, which divide the image into oh x ow parts.
 */
export interface Pool {
  max: boolean;
  planes: number;
  h: number;
  w: number;
  oh: number;
  ow: number;
  k: Pair;
  stride: Pair;
  pad: Pair;
  dilation?: Pair;
  adaptive?: boolean;
  /**
   * What a sum is divided by: all taps of a window, those inside the image, or those inside the image with its padding, of which there are
   * `behind` rows and columns after the last.
   */
  counts?: 'window' | 'inside' | { readonly behind: Pair };
  epilogue?: readonly Epilogue[];
}

export const isDilated = (p: Pool): p is Pool & { dilation: Pair } => p.dilation !== undefined && !areBoth(p.dilation, 1);

/** How much of the image is behind the last window, in rows (axis 0) or columns (1), where windows lie side by side; else negative. */
export const behind = (p: Pool, axis: 0 | 1): number =>
  p.k[axis] === p.stride[axis] ? [p.h, p.w][axis]! - [p.oh, p.ow][axis]! * p.k[axis] : -1;

/** Whether each input is in one window at most, and no image is larger by a whole one. */
export const tiles = (p: Pool) =>
  !p.adaptive && !isDilated(p) && areBoth(p.pad, 0) && ([0, 1] as const).every(i => behind(p, i) >= 0 && behind(p, i) < p.k[i]);

/** Windows of an image that they tile, with those that its edges cut off: down and across. */
export const cells = (p: Pool): Pair => [p.oh + Math.sign(behind(p, 0)), p.ow + Math.sign(behind(p, 1))];

/** Whether all windows lie inside the image and are small: then their loads are written out, which spares loops and bounds. */
export const unrolls = (p: Pool) =>
  !p.adaptive &&
  !isDilated(p) &&
  areBoth(p.pad, 0) &&
  areaOf(p.k) <= 9 &&
  (p.oh - 1) * p.stride[0] + p.k[0] <= p.h &&
  (p.ow - 1) * p.stride[1] + p.k[1] <= p.w;
