import { check } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { dropout as kernel } from '../shaders/random.ts';
import { hash } from './init.ts';

/** Inverted dropout (Srivastava 2014), as torch.nn.Dropout: zeroes values with probability p and scales the rest by 1 / (1 - p); nothing when evaluating. */
export const dropout = (p: number): Layer => (g, x) => {
  check(p >= 0 && p < 1, `dropout: p is ${p}, expected 0 <= p < 1`);
  if (!g.training || p === 0) return x;
  const layer = hash(g.path);
  const drop = (t: typeof x) => { const y = g.tensor(t.shape); g.run(kernel, { n: t.size, p, layer }, { x: t, y }); return y; };
  return g.record([x], drop(x), dy => [drop(dy)]);
};
