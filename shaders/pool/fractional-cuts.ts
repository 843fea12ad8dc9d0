/** What fractional max pooling is given, and how its cuts lie in memory. */
import type { Epilogue } from '../kernel/epilogue.ts';

/** Bits of the random offset u of pseudo-random cuts, so that they are exact in integers. */
export const OFFSET_BITS = 12;

/** x [n, c, h, w] -> y [n, c, oh, ow]. `fixed`: cuts without random numbers, for evaluation. */
export interface FractionalPool {
  n: number;
  c: number;
  h: number;
  w: number;
  oh: number;
  ow: number;
  random: boolean;
  overlapping: boolean;
  layer: number;
  fixed: boolean;
  epilogue?: readonly Epilogue[];
}

type Sizes = Pick<FractionalPool, 'h' | 'w' | 'oh' | 'ow'>;

/** Values that the cuts of one sample and axis take: first row of each region and the end, then the region of each row. */
export const cutsLength = (p: Sizes): number => ownerAt(p) + Math.max(p.h, p.w);
/** Where the region of each row begins in them. */
export const ownerAt = (p: Sizes) => Math.max(p.oh, p.ow) + 1;
