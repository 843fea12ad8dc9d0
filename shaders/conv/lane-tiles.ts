/** Tiles of neighbouring outputs in the lanes of a software adapter. */
import type { Conv } from './shape.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { areaOf } from '../kernel/pair.ts';

/**
 * How a row of the input is loaded: as aligned vec4f with the halo from the neighbouring lane (`shuffle`) or loaded (`vec4`); as scalars with
 * the halo from the neighbouring lane (`neighbours`) or loaded (`scalar`).
 */
export type Rows = 'shuffle' | 'vec4' | 'neighbours' | 'scalar';

/** What a depthwise call computes: y, dx of stride 2, or dweight. */
export type PlaneOutput = 'y' | 'dx' | 'dweight';

/** How a lane reads the planes of one (planes-lanes.ts): as a whole, or in strips, whose rows it loads as vec4f or one by one. */
export type PlaneForm = 'whole' | 'vec4' | 'scalar';

/** Whether a lane's four pixels lie side by side where they are read, and where they are written: a vec4f then. */
export interface Fours {
  readonly read: boolean;
  readonly written: boolean;
}

/** What a call computes: y, or dx of a stride, a pixel of which is in the first corner of those that the stride passes over. */
export type ProductOutput = 'y' | 'dx';

/** Whether rows are loaded, and stored, as vec4f. */
export const isVector = (rows: Rows): boolean => rows === 'shuffle' || rows === 'vec4';

/** The sizes of a call by which its weights are found: strides per output channel, per input channel, the first tap, per tap. */
export const weightStrides = ({ k, c, o, groups, flip }: Pick<Conv, 'k' | 'c' | 'o' | 'groups' | 'flip'>) => {
  const taps = areaOf(k);
  return flip ? { wo: taps, wc: (o / groups) * taps, w0: taps - 1, wt: -1 } : { wo: (c / groups) * taps, wc: taps, w0: 0, wt: 1 };
};

/** Tiles along a row of `size` values: of the widths that which covers the fewest values beyond its end. */
export function tilesAcross(size: number, widths: readonly number[]): { readonly width: number; readonly across: number } {
  const covered = (width: number) => ceilDiv(size, width) * width;
  const width = widths.reduce((best, width) => (covered(width) < covered(best) ? width : best));
  return { width, across: ceilDiv(size, width) };
}

/** Tiles of th x tw in `n` images of h x w: across and down an image, and in all. */
export function tilesOf(n: number, h: number, w: number, th: number, tw: number) {
  const across = ceilDiv(w, tw);
  const down = ceilDiv(h, th);
  return { across, down, tiles: n * across * down };
}

/** The most values of a plane that a lane holds as a whole. */
const WHOLE = 16;
/** Whether a lane takes planes as a whole, of x and of y. */
export const takesWhole = ({ h, w, oh, ow }: Conv): boolean => h * w <= WHOLE && oh * ow <= WHOLE;

/** Whether that is so of a kernel which reaches over the edges, and of which all taps are unrolled. */
export const takesImage = (p: Conv): boolean => takesWhole(p) && areaOf(p.k) > 1 && Math.max(...p.k) <= 3;

/** A strip of a lane that takes planes: columns of y (of dy, where dx is computed), of which there are `across` in an image. */
export function stripOf({ ow, k }: Conv, form: PlaneForm): { readonly width: number; readonly across: number } {
  if (form === 'whole') return { width: ow, across: 1 };
  if (form === 'scalar') return tilesAcross(ow, ow < 4 ? [ow] : [4, 5, 7]);
  return tilesAcross(ow, [ow % 8 === 0 && Math.max(...k) <= 3 ? 8 : 4]);
}
