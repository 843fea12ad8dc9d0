import { kernel } from './define.ts';
import { accumulated, accumulates, type Gradient } from './gradient.ts';
import { values } from './loops.ts';

/** out [size] = the sum of `count` slices [count, size], as a gradient. */
export const sumSlices = kernel({
  name: 'sum_slices',
  bindings: { slices: 'read f32', out: 'write' },
  step: (p: { size: number; count: number; gradient?: Gradient }) => accumulates(p.gradient),
  over: (p, d) => values(p.size, d),
  body: p => `
    var v = 0.0;
    for (var s = 0u; s < ${p.count}u; s++) { v += slices[s * ${p.size}u + i]; }
    out[i] = ${accumulated(p.gradient, 'out[i]')};`,
});
