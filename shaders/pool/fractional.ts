/**
 * Fractional max pooling (Graham 2014): regions of one or two rows and columns (overlapping ones: and the next), cut anew at each step for
 * each sample.
 */
import { kernel } from '../kernel/define.ts';
import { values } from '../kernel/loops.ts';
import type { FractionalPool } from './fractional-cuts.ts';

/** The WGSL, which few nets take. */
const code = () => import('./fractional-code.ts');

/**
 * cuts [n, 2, cutsLength]: rows, then columns. Pseudo-random: ceil(a (i + u)) - ceil(a u), a = size / out; random: ones and twos in any
 * order.
 */
export const fractionalCuts = kernel({
  name: 'fractional_cuts',
  bindings: { cuts: 'write u32' },
  step: (p: FractionalPool): Record<string, 'u32'> => (p.fixed ? {} : { seed: 'u32', step: 'u32' }),
  draws: p => !p.fixed,
  over: (p, d) => values(p.n * 2, d),
  body: async p => ({ each: (await code()).cuts(p) }),
});

/** y [n, c, oh, ow]: the maxima of the regions; `argmax` [n, c, oh, ow] is where in its plane each stood. */
export const fractionalForward = kernel({
  name: 'fractional_pool_forward',
  bindings: { x: 'read', cuts: 'read u32', y: 'write', argmax: 'write u32' },
  epilogue: 'y',
  over: (p: FractionalPool, d) => values(p.n * p.c * p.oh * p.ow, d),
  body: async p => (await code()).forward(p),
});

/**
 * dx [n, c, h, w]: each input looks into the region that it lies in and, where they overlap and it is the first of one, into the one
 * before.
 */
export const fractionalBackward = kernel({
  name: 'fractional_pool_backward',
  bindings: { dy: 'read', cuts: 'read u32', argmax: 'read u32', dx: 'write' },
  epilogue: 'dx',
  over: (p: FractionalPool, d) => values(p.n * p.c * p.h * p.w, d),
  body: async p => (await code()).backward(p),
});
