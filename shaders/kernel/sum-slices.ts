import { accumulated, accumulates, type Gradient } from './gradient.ts';
import { kernel } from './kernel.ts';
import { each } from './loops.ts';

/** out [size] = the sum of `count` slices [count, size], as a gradient. */
export const sumSlices = kernel({
  name: 'sum_slices',
  bindings: { slices: 'read f32', out: 'write' },
  step: (p: { size: number; count: number; gradient?: Gradient }) => accumulates(p.gradient),
  grid: (p, d) => each(p.size, d).grid,
  code: (p, d) =>
    each(p.size, d).main(`
    var v = 0.0;
    for (var s = 0u; s < ${p.count}u; s++) { v += slices[s * ${p.size}u + i]; }
    out[i] = ${accumulated(p.gradient, 'out[i]')};`),
});
