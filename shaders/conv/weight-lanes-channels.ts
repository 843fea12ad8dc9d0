/** Weight gradients for software adapters: a lane holds taps of one input channel; see weight-lanes.ts. */
import type { ConvWeight } from './shape.ts';
import { channelsOf, heldRows, sizes } from './weight-lanes.ts';
import { isSoftware, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { areaOf, areBoth } from '../kernel/pair.ts';

/** What lanes hold, within a group: input channels, or their rows of taps. */
const heldParts = (p: ConvWeight) => ((p.c / p.groups) * p.k[0]) / heldRows(p);

/** Whether at most a quarter of the first lanes has nothing to hold. */
export const fillsLanes = (p: ConvWeight, { lanes }: Profile): boolean => heldParts(p) * 4 >= lanes * 3;

/** Output channels of one subgroup: at most 150 sums are held. */
const stripChannels = (p: ConvWeight) => channelsOf(p, Math.min(16, Math.floor(150 / (heldRows(p) * p.k[1]))));

/** A lane slides along the rows of one input channel, four outputs at a time. */
export const backwardWeightChannels = (vec4: boolean): Variant<ConvWeight> => ({
  name: `lanes channels${vec4 ? ' vec4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    areBoth(p.dilation, 1) &&
    areaOf(p.k) >= 4 &&
    p.k[1] <= 11 &&
    p.pad[1] <= p.k[1] - p.stride[1] &&
    fillsLanes(p, d) &&
    vec4 === (p.w % 4 === 0 && p.ow % 4 === 0),
  ...(vec4 && { vec4: ['x', 'dy'] }),
  sizes,
  grid: (p, d) => [ceilDiv(heldParts(p), d.lanes), ceilDiv(p.o / p.groups, stripChannels(p)), p.split * p.groups],
  code: async (p, d) => (await import('./lanes-code/channels.ts')).channelsCode(vec4, p, d, stripChannels(p)),
});
