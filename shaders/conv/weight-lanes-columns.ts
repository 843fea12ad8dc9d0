/** Weight gradients for software adapters: a lane holds columns of the unfolded input, or strips of pixels; see weight-lanes.ts. */
import { filterSize, type ConvWeight } from './shape.ts';
import { channelsOf, sizes } from './weight-lanes.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../kernel/loops.ts';
import { areaOf, areBoth, isSquare } from '../kernel/pair.ts';

/** Columns (c, r, s) of the unfolded input: all of them, and how many a lane holds. */
const columnsOf = (p: ConvWeight, S: number) => {
  const columns = filterSize(p);
  return { columns, perLane: evenShare(ceilDiv(columns, S), 7) };
};

/** Any kernel, stride and dilation: a lane holds the columns (c, r, s) of the unfolded input. */
export const backwardWeightColumns = (vec4: boolean): Variant<ConvWeight> => ({
  name: `lanes columns${vec4 ? ' vec4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) => isSoftware(d) && (!vec4 || p.ow % 4 === 0),
  ...(vec4 && { vec4: ['dy'] }),
  sizes,
  grid: (p, d) => {
    const { columns, perLane } = columnsOf(p, d.lanes);
    return [ceilDiv(columns, d.lanes * perLane), ceilDiv(p.o / p.groups, channelsOf(p, 16)), p.split * p.groups];
  },
  code: async (p, d) => {
    const { columnsCode } = await import('./lanes-code/columns.ts');
    return columnsCode(vec4, p, d, columnsOf(p, d.lanes).perLane, channelsOf(p, 16));
  },
});

/** Output channels of one subgroup in the form for single channels: at most 150 sums are held. */
const pixelChannels = (p: ConvWeight) => channelsOf(p, Math.max(1, Math.floor(150 / areaOf(p.k))));

/** One input channel a group (grey images, depthwise convolutions), stride 1: a lane takes strips of four pixels. */
export const backwardWeightPixels: Variant<ConvWeight> = {
  name: 'lanes pixels',
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    p.c === p.groups &&
    areBoth(p.stride, 1) &&
    areBoth(p.dilation, 1) &&
    isSquare(p.k) &&
    p.k[0] % 2 === 1 &&
    p.k[0] <= 5 &&
    areBoth(p.pad, (p.k[0] - 1) / 2) &&
    p.ow === p.w &&
    p.w % 4 === 0,
  vec4: ['x', 'dy'],
  sizes,
  grid: p => [1, ceilDiv(p.o / p.groups, pixelChannels(p)), p.split * p.groups],
  code: async (p, d) => (await import('./lanes-code/pixels.ts')).pixelsCode(p, d, pixelChannels(p)),
};
