/** The plane that holds most of the path which weights take while they are trained. */
import { eigenSymmetric } from '../../data/eigen.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { zeroed } from '../with-trainer.ts';
import { inner, isMoved, mixed, unit } from './directions.ts';
import type { At } from './plane.ts';

export interface PathPlane {
  /** Of length 1, and at right angles; biases and norms are 0 in both. */
  readonly directions: readonly [Tensors, Tensors];
  /** What part of the variance of the path each principal direction holds, these two first. */
  readonly shares: readonly number[];
  /** The weights of the path as this plane shows them, the last ones at 0, 0. */
  readonly points: readonly At[];
}

/**
 * The two principal directions of three weights or more of one net, of the differences to the last ones (Li et al. 2018, section 7.2). As in
 * their code biases and parameters of norms have no part in it.
 */
export function pathPlane(path: readonly Tensors[]): PathPlane {
  const m = path.length;
  const rows = path.map(weights => zeroed(mixed([weights, path.at(-1)!], [1, -1]), (_, tensor) => !isMoved(tensor)));
  const mean = mixed(rows, Array(m).fill(1 / m));
  const centred = rows.map(row => mixed([row, mean], [1, -1]));
  // the principal directions are combinations of the rows, by the eigenvectors of their inner products
  const gram = Float64Array.from({ length: m * m }, (_, at) => inner(centred[Math.floor(at / m)]!, centred[at % m]!));
  const { values, vectors } = eigenSymmetric(gram, m);
  const all = values.reduce((sum, v) => sum + Math.max(0, v), 0);
  const axis = (k: number) => {
    const found = unit(mixed(centred, [...vectors.subarray(k * m, (k + 1) * m)]));
    return inner(found, rows[0]!) < 0 ? mixed([found], [-1]) : found; // the path begins on the side of the positive numbers
  };
  const [first, second] = [axis(0), axis(1)];
  return {
    directions: [first, second],
    shares: Array.from(values, value => Math.max(0, value) / all),
    points: rows.map(row => [inner(row, first), inner(row, second)] as const),
  };
}
