import { MAX_GRID, type Staged } from '../kernel/kernel.ts';
import { batchNormSums, moments } from '../norm/moments.ts';
import { runsOf } from './joins.ts';
import type { Conv } from './shape.ts';

/** A convolution whose outputs are to be recorded (see Recorded), by a way that cannot: a pass over its outputs finds the numbers. */
export const apart: Staged<Conv> = {
  name: 'recorded apart',
  fits: ({ n, oh, ow, recorded }) => recorded !== undefined && (n * oh * ow) / recorded.columns <= MAX_GRID,
  leads: () => false,
  gives: call => {
    const { n, o, oh, ow, recorded } = call.params as Conv;
    const { partial, normalised, stats, ...tensors } = call.tensors;
    const hw = oh * ow;
    const pass = { ...call, params: { ...runsOf({ n, c: o, hw }, recorded!), plane: hw } };
    return [
      { ...call, params: { ...call.params, recorded: undefined }, tensors },
      recorded!.of === 'moments'
        ? { ...pass, kernel: moments, tensors: { x: tensors.y!, partial: partial! } }
        : { ...pass, kernel: batchNormSums, tensors: { x: normalised!, dy: tensors.y!, stats: stats!, partial: partial! } },
    ];
  },
};
