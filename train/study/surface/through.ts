/** The plane through three points in the space of weights. */
import type { Tensors } from '../../run/safetensors.ts';
import { inner, mixed, unit } from './directions.ts';
import type { At } from './plane.ts';

export interface Through {
  /** From the first point to the second, and at a right angle to it towards the third; both of length 1 over all weights. */
  readonly directions: readonly [Tensors, Tensors];
  /** Where the points lie; the first at 0, 0. */
  readonly corners: readonly At[];
  /** Where weights lie as the plane shows them. */
  at(weights: Tensors): At;
}

/** As in Garipov et al. 2018: u = b - a, v = c - a less its part along u, both divided by their lengths. */
export function planeThrough([a, b, c]: readonly [Tensors, Tensors, Tensors]): Through {
  const u = unit(mixed([b, a], [1, -1]));
  const towards = mixed([c, a], [1, -1]);
  const v = unit(mixed([towards, u], [1, -inner(towards, u)]));
  const at = (weights: Tensors): At => {
    const from = mixed([weights, a], [1, -1]);
    return [inner(from, u), inner(from, v)];
  };
  return { directions: [u, v], corners: [a, b, c].map(at), at };
}
