/**
 * Weight gradients for software adapters (S = lanes of one subgroup = one workgroup): dweight[o][c][tap] = sum over pixels of
 * dy[o][pixel] x[c][pixel + tap], for the images of one slice. dy is held one output channel per lane and broadcast.
 * The WGSL is in lanes-code/.
 */
import { padsOf, sizesOf, type ConvWeight } from './shape.ts';
import { evenShare } from '../kernel/loops.ts';

/** The sizes of a call that these read. */
export const sizes = (p: ConvWeight) => ({
  n: p.n,
  ...sizesOf(p),
  ...padsOf(p).sizes,
  split: p.split,
});

/** Output channels of one subgroup. */
export const channelsOf = (p: ConvWeight, most: number) => evenShare(p.o / p.groups, most);

/** How many rows of a kernel a lane holds: all of a small one, else one, since the sums of all would fill the registers many times over. */
export const heldRows = ({ k: [kh] }: ConvWeight) => (kh <= 3 ? kh : 1);

/** The taps of these. */
export const heldTaps = (p: ConvWeight) => heldRows(p) * p.k[1];
