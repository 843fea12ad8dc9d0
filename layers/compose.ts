import type { Layer } from '../engine/graph.ts';
import { product } from '../engine/graph.ts';

/** Layers one after another; the keys name their parameters as in a PyTorch state dict (`conv1.weight`). An array gives PyTorch's numeric names. */
export const sequential = (layers: Readonly<Record<string, Layer>> | readonly Layer[]): Layer => (g, x) =>
  Object.entries(layers).reduce((t, [name, layer]) => g.scope(name, () => layer(g, t)), x);

/** [n, c, h, w] -> [n, c h w]: the same values under another shape, at no cost (dense layers flatten by themselves). */
export const flatten = (): Layer => (_, x) => ({ ...x, shape: [x.shape[0]!, product(x.shape.slice(1))] });
