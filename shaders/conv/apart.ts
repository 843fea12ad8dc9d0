import { MAX_GRID, type Staged } from '../kernel/kernel.ts';
import { batchNormSums, moments } from '../norm/moments.ts';
import { runsOf } from './joins.ts';
import { imagesOf, type Conv } from './shape.ts';

/** A call whose `output` is to be recorded (see Recorded), by a way that cannot: a pass over what it writes finds the numbers. */
export const apart = (output: 'y' | 'dx'): Staged<Conv> => ({
  name: 'recorded apart',
  fits: p => {
    const { n, h, w } = imagesOf(p, output);
    return p.recorded !== undefined && (n * h * w) / p.recorded.columns <= MAX_GRID;
  },
  leads: () => false,
  gives: call => {
    const { recorded } = call.params as Conv;
    const { n, c, h, w } = imagesOf(call.params, output);
    const { partial, normalised, stats, ...tensors } = call.tensors;
    const hw = h * w;
    const pass = { ...call, params: { ...runsOf({ n, c, hw }, recorded!), plane: hw } };
    return [
      { ...call, params: { ...call.params, recorded: undefined }, tensors },
      recorded!.of === 'moments'
        ? { ...pass, kernel: moments, tensors: { x: tensors[output]!, partial: partial! } }
        : { ...pass, kernel: batchNormSums, tensors: { x: normalised!, dy: tensors[output]!, stats: stats!, partial: partial! } },
    ];
  },
});
