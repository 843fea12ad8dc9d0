/** A plane through the space of a net's weights, which are moved on the device: only scores come back, those of many places at once. */
import { Flat } from '../../../optim/flat.ts';
import type { Part } from '../../data/split.ts';
import type { Score } from '../../evaluate/score.ts';
import type { Tensors } from '../../run/safetensors.ts';
import type { Trainer } from '../../step/trainer.ts';
import { filterDirection, inner, mixed, unit } from './directions.ts';

/** Coordinates along both directions. */
export type At = readonly [x: number, y: number];

export interface Plane {
  /** The scores of origin + x first + y second, at each of the places. */
  scores(at: readonly At[], part?: Part): Promise<Score[]>;
}

/**
 * Puts `origin` and two directions, tensors under the names of all its weights, beside those of the trainer. Running statistics are those
 * of `origin` everywhere. The plane lasts as long as the trainer.
 */
export async function planeOf(trainer: Trainer, origin: Tensors, [first, second]: readonly [Tensors, Tensors]): Promise<Plane> {
  const flat = new Flat(trainer.memory);
  const put = async (name: string, weights: Tensors) => {
    await trainer.loadWeights(weights);
    const vector = flat.vector(name);
    await flat.copy(vector, flat.w);
    return vector;
  };
  const [a, b] = [await put('first direction', first), await put('second direction', second)];
  const middle = await put('origin', origin);
  return {
    scores: (at, part = 'train') =>
      trainer.evaluateMoved(part, at.length, async place => {
        const [alpha, beta] = at[place]!;
        await flat.copy(flat.w, middle);
        await flat.map(flat.w, 'y + op.alpha * a + op.beta * b', { a, b, alpha, beta });
      }),
  };
}

/** The plane through `weights` along two random directions with the lengths of their filters. */
export const filterPlane = (trainer: Trainer, weights: Tensors, seed: number): Promise<Plane> =>
  planeOf(trainer, weights, [filterDirection(weights, seed, 0), filterDirection(weights, seed, 1)]);

/** The plane through three weights. */
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
