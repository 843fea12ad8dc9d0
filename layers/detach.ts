import type { Layer } from '../engine/graph.ts';

/**
 * The values of a tensor as a constant, through which no gradient passes on, as torch's `detach` and `stop_gradient` of JAX and TensorFlow:
 * `add(g, x, detach(g, multiply(g, x, r)))`, and as a layer of its own `sequential({ trunk, stop: detach, fc: dense(10) })`. Parameters of
 * which all ways to the loss lead through one are to be frozen, else they are refused. [n, …] -> [n, …].
 */
export const detach: Layer = (g, x) => g.detach(x);
