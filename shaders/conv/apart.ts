/** A convolution whose outputs are to be recorded (see Recorded), by a way that cannot: a pass over the outputs finds the numbers. */
import { kernel } from '../kernel/define.ts';
import type { Staged } from '../kernel/kernel.ts';
import { rows, threads } from '../kernel/loops.ts';
import { total, totalNeeds } from '../kernel/total.ts';
import type { Recorded } from '../product/product.ts';
import type { Conv } from './shape.ts';

/** What is recorded of y [n, o, hw]. */
export interface Numbers {
  readonly n: number;
  readonly o: number;
  readonly hw: number;
  readonly recorded: Recorded;
}

/** partial [runs, o, 2] of y: what the convolution itself would have recorded. A workgroup takes a run of a channel. */
export const convNumbers = kernel({
  name: 'conv_numbers',
  bindings: { y: 'read', normalised: 'read?', stats: 'read f32?', partial: 'write f32' },
  needs: totalNeeds,
  over: ({ n, o, hw, recorded }: Numbers, d) => rows((n * hw * o) / recorded.columns, threads(d, 64)),
  body: ({ o, hw, recorded: { of, columns } }, d) => {
    const size = threads(d, 64);
    const { declared, of: totalOf } = total(d, size, { type: 'vec2f' });
    const overRun = (body: string) => `
  for (var j = lane; j < ${columns}u; j += ${size}u) {
    let pixel = row / ${o}u * ${columns}u + j;
    let at = (pixel / ${hw}u * ${o}u + row % ${o}u) * ${hw}u + pixel % ${hw}u;
    ${body}
  }`;
    const products = `
  let mean = stats[row % ${o}u];${overRun('let v = y[at]; sum += vec2f(v, v * (normalised[at] - mean));')}
  ${totalOf('sum')}
  let numbers = total;`;
    const moments = `${overRun('sum.x += y[at];')}
  var mean = 0.0;
  {
    ${totalOf('sum', true)}
    mean = total.x * ${1 / columns};
  }${overRun('let off = y[at] - mean; sum.y += off * off;')}
  ${totalOf('sum', true)}
  let numbers = vec2f(mean, total.y);`;
    return {
      declared,
      each: `
  var sum = vec2f(0.0);
  ${of === 'products' ? products : moments}
  if (lane == 0u) {
    partial[2u * row] = numbers.x;
    partial[2u * row + 1u] = numbers.y;
  }`,
    };
  },
});

/** The convolution alone, by whatever way is the fastest then, and what is to be recorded by a pass of its own. */
export const apart: Staged<Conv> = {
  name: 'recorded apart',
  fits: p => p.recorded !== undefined,
  leads: () => false,
  gives: call => {
    const { n, o, oh, ow, recorded } = call.params as Conv;
    const { partial, normalised, stats, ...tensors } = call.tensors;
    return [
      { ...call, params: { ...call.params, recorded: undefined }, tensors },
      {
        ...call,
        kernel: convNumbers,
        params: { n, o, hw: oh * ow, recorded },
        tensors: { y: tensors.y!, ...(normalised && stats && { normalised, stats }), partial: partial! },
      },
    ];
  },
};
