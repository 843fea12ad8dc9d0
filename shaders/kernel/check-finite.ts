import { kernel } from './kernel.ts';
import { each } from './loops.ts';

/** flags[at] = 1 where one of the `n` values of x is NaN or infinite. By bits: a compiler may assume that x == x. */
export const checkFinite = kernel({
  name: 'check_finite',
  bindings: { x: 'read', flags: 'write u32' },
  grid: (p: { n: number; at: number }, d) => each(p.n, d).grid,
  code: (p, d) => each(p.n, d).main(`    if ((bitcast<u32>(x[i]) & 0x7f800000u) == 0x7f800000u) { flags[${p.at}] = 1u; }`),
});
