import { kernel } from './define.ts';
import { values } from './loops.ts';

/** flags[at] = 1 where one of the `n` values of x is NaN or infinite. By bits: a compiler may assume that x == x. */
export const checkFinite = kernel({
  name: 'check_finite',
  bindings: { x: 'read', flags: 'write u32' },
  over: (p: { n: number; at: number }, d) => values(p.n, d),
  body: p => `    if ((bitcast<u32>(x[i]) & 0x7f800000u) == 0x7f800000u) { flags[${p.at}] = 1u; }`,
});
