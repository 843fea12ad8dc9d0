import type { Layer } from '../engine/graph.ts';

/** y = f(x) elementwise; dx = dy * df. Both are WGSL over vec4f; `f` sees `v` = x, `df` sees `v` = dy and `a` = y or x, as `from` says. */
interface Activation { f: string; df: string; from: 'x' | 'y' }

const activation = ({ f, df, from }: Activation): Layer => (g, x) => {
  const y = g.map(f, x);
  return g.record([x], y, dy => [g.map(df, dy, from === 'y' ? y : x)]);
};

/** max(x, 0) (Nair & Hinton 2010). The derivative at 0 is 0, as in PyTorch. */
export const relu = (): Layer => activation({ f: 'max(v, zero)', df: 'select(zero, v, a > zero)', from: 'y' });
/** 1 / (1 + exp(-x)). */
export const sigmoid = (): Layer => activation({ f: 'one / (one + exp(-v))', df: 'v * a * (one - a)', from: 'y' });
export const tanh = (): Layer => activation({ f: 'tanh(v)', df: 'v * (one - a * a)', from: 'y' });
