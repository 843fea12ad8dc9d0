/**
 * Convolutions and their gradients as tiled matrix products, for GPUs; their WGSL is in tiled-code.ts. The unfolded input (im2col) is nowhere
 * stored: where a value of it lies in the images is computed as a tile is loaded (implicit GEMM, Chetlur et al. 2014, arXiv 1410.0759).
 */
import { filterSize, type Conv, type ConvWeight } from './shape.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { areaOf, areBoth } from '../kernel/pair.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import type { TiledForm } from '../product/product.ts';

/** Whether each output pixel is met by the input pixel of its place alone. */
export const pointwise = (p: Conv): boolean => areBoth(p.k, 1) && areBoth(p.stride, 1) && areBoth(p.pad, 0) && p.h === p.oh && p.w === p.ow;

/** Rows are output channels, columns pixels, depth input channels and taps. */
export const forwardForm: TiledForm<Conv> = {
  shape: p => ({ m: p.o / p.groups, n: p.n * p.oh * p.ow, k: filterSize(p), batch: p.groups }),
  a: () => ({ source: 'weight', alongK: true, vec4: false }),
  b: p => ({ source: 'x', alongK: false, vec4: pointwise(p) && fitsVec4(p.oh * p.ow) }),
  vec4: p => fitsVec4(p.oh * p.ow),
  stored: ['y', 'normalised'],
  recorded: p => p.recorded,
};

/** How many taps of an axis meet the pixels of one phase at most: those of a phase are a stride apart. */
export const tapsOfPhase = (p: Conv, i: 0 | 1): number => ceilDiv(p.k[i], p.stride[i]);

/** Pixels of an axis in a phase. */
export const phaseSize = ({ h, w, stride }: Conv): readonly [number, number] => [ceilDiv(h, stride[0]), ceilDiv(w, stride[1])];

/** Whether all phases are of one size. */
export const arePhasesWhole = ({ h, w, stride }: Conv): boolean => h % stride[0] === 0 && w % stride[1] === 0;

/** Pixels of dx in a phase, where they are as many in each. */
export const pixelsOfPhase = (p: Conv): number | undefined => (arePhasesWhole(p) ? (p.n * p.h * p.w) / areaOf(p.stride) : undefined);

/**
 * The pixels of dx fall into stride x stride phases, each of which its own taps meet and no others: one product for each. Rows are input
 * channels, columns the pixels of a phase, depth its taps and output channels.
 */
export const backwardInputForm: TiledForm<Conv> = {
  fits: p => areBoth(p.dilation, 1),
  shape: p => ({
    m: p.c / p.groups,
    n: p.n * phaseSize(p)[0] * phaseSize(p)[1],
    k: (p.o / p.groups) * tapsOfPhase(p, 0) * tapsOfPhase(p, 1),
    batch: p.groups * areaOf(p.stride),
  }),
  a: () => ({ source: 'weight', alongK: true, vec4: false }),
  b: () => ({ source: 'dy', alongK: false, vec4: false }),
  vec4: () => false,
  stored: [],
  recorded: p => p.recorded,
};

/** Rows are output channels, columns input channels and taps, depth pixels; one dispatch row of z per slice. */
export const backwardWeightForm: TiledForm<ConvWeight> = {
  shape: p => ({ m: p.o / p.groups, n: filterSize(p), k: p.n * p.oh * p.ow, batch: p.groups }),
  split: p => p.split,
  a: () => ({ source: 'dy', alongK: true, vec4: false }),
  b: () => ({ source: 'x', alongK: true, vec4: false }),
  vec4: p => fitsVec4(filterSize(p)),
  stored: ['dweight'],
};
