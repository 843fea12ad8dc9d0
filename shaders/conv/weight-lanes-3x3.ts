/** Weight gradients of 3 x 3 kernels on small images for software adapters; see weight-lanes-channels.ts. */
import type { ConvWeight } from './shape.ts';
import { fillsLanes } from './weight-lanes-channels.ts';
import { takesImage } from './lane-tiles.ts';
import { channelsOf, sizes } from './weight-lanes.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { areBoth } from '../kernel/pair.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

/** Output channels of one subgroup: of each a row is multiplied. */
const rowChannels = (p: ConvWeight) => channelsOf(p, Math.min(16, 8 * Math.round(8 / p.w)));

/** 3 x 3 of stride 1 on images of at most 8 columns: three whole rows are held and slide down the image. */
export const backwardWeightRows = (vec4: boolean): Variant<ConvWeight> => ({
  name: `lanes rows${vec4 ? ' vec4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    areBoth(p.k, 3) &&
    areBoth(p.pad, 1) &&
    areBoth(p.dilation, 1) &&
    areBoth(p.stride, 1) &&
    fillsLanes(p, d) &&
    p.oh === p.h &&
    p.ow === p.w &&
    p.w <= 8 &&
    vec4 === (p.w % 4 === 0),
  ...(vec4 && { vec4: ['x', 'dy'] }),
  sizes,
  grid: (p, d) => [ceilDiv(p.c / p.groups, d.lanes), ceilDiv(p.o / p.groups, rowChannels(p)), p.split * p.groups],
  code: async (p, d) => (await import('./lanes-code/3x3.ts')).rowsCode(vec4, p, d, rowChannels(p)),
});

/** Output channels of one subgroup: little enough code for the instruction cache. */
const imageChannels = (p: ConvWeight) => channelsOf(p, p.h * p.w > 9 ? 8 : 16);

/** Kernels up to 3 x 3 on images of few values, of which a lane has all. */
export const backwardWeightImage = (vec4: boolean): Variant<ConvWeight> => ({
  name: `lanes image${vec4 ? ' vec4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) && takesImage(p) && areBoth(p.dilation, 1) && fillsLanes(p, d) && vec4 === (fitsVec4(p.h * p.w) && fitsVec4(p.oh * p.ow)),
  ...(vec4 && { vec4: ['x', 'dy'] }),
  sizes,
  grid: (p, d) => [ceilDiv(p.c / p.groups, d.lanes), ceilDiv(p.o / p.groups, imageChannels(p)), p.split * p.groups],
  code: async (p, d) => (await import('./lanes-code/image.ts')).imageCode(vec4, p, d, imageChannels(p)),
});
