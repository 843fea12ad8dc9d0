/** Weight gradients of few input channels for software adapters: a lane holds whole filters; see weight-lanes.ts. */
import { filterSize, type ConvWeight } from './shape.ts';
import { sizes } from './weight-lanes.ts';
import { fillsLanes } from './weight-lanes-channels.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../kernel/loops.ts';
import { areBoth } from '../kernel/pair.ts';

/** Filters of a lane, at most 150 sums, and outputs of one strip of a row: little enough code for the instruction cache. */
function tileOf(p: ConvWeight, S: number, vec4: boolean) {
  const taps = filterSize(p);
  const filters = evenShare(ceilDiv(p.o / p.groups, S), Math.max(1, Math.floor(150 / taps)));
  const most = Math.min(8, Math.floor(600 / (taps * filters)));
  return { taps, filters, strip: vec4 ? 4 * Math.max(1, Math.floor(most / 4)) : evenShare(p.ow, Math.max(1, most)) };
}

/** A lane holds all taps of some output channels; see lanes-code/filters.ts. */
export const backwardWeightFilters = (vec4: boolean): Variant<ConvWeight> => ({
  name: `lanes filters${vec4 ? ' vec4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    areBoth(p.dilation, 1) &&
    filterSize(p) >= 18 && // a filter of fewer taps does not pay for the loads of dy
    filterSize(p) <= 75 &&
    !fillsLanes(p, d) &&
    (p.o / p.groups) * 4 >= d.lanes * 3 &&
    vec4 === (p.ow % 4 === 0),
  ...(vec4 && { vec4: ['dy'] }),
  sizes,
  grid: (p, d) => [ceilDiv(p.o / p.groups, d.lanes * tileOf(p, d.lanes, vec4).filters), 1, p.split * p.groups],
  code: async (p, d) => (await import('./lanes-code/filters.ts')).filtersCode(vec4, p, d, tileOf(p, d.lanes, vec4)),
});
