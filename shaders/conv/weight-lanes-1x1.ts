/** Weight gradients of 1x1 convolutions for software adapters: images are read as they lie, whatever their rows; see weight-lanes.ts. */
import { isInside, type ConvWeight } from './shape.ts';
import { channelsOf } from './weight-lanes.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../kernel/loops.ts';
import { areBoth } from '../kernel/pair.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

/** Output channels of a subgroup and input channels of a lane: at most 128 sums are held. */
function tileOf(p: ConvWeight, lanes: number) {
  const channels = channelsOf(p, 32);
  return { channels, perLane: evenShare(ceilDiv(p.c / p.groups, lanes), Math.min(7, Math.floor(128 / channels))) };
}

/** A lane holds input channels, of which it loads four pixels at a time. */
export const backwardWeight1x1 = (vec4: boolean): Variant<ConvWeight> => ({
  name: `lanes 1x1${vec4 ? ' vec4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) && areBoth(p.k, 1) && areBoth(p.stride, 1) && p.oh === p.h && p.ow === p.w && isInside(p) && vec4 === fitsVec4(p.h * p.w),
  ...(vec4 && { vec4: ['x', 'dy'] }),
  sizes: p => ({ n: p.n, c: p.c, o: p.o, cg: p.c / p.groups, og: p.o / p.groups, size: p.h * p.w, split: p.split }),
  grid: (p, d) => {
    const { channels, perLane } = tileOf(p, d.lanes);
    return [ceilDiv(p.c / p.groups, d.lanes * perLane), ceilDiv(p.o / p.groups, channels), p.split * p.groups];
  },
  code: async (p, d) => (await import('./lanes-code/1x1.ts')).code1x1(vec4, p, d, tileOf(p, d.lanes)),
});
