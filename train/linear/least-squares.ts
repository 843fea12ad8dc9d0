/** Systems of a few hundred unknowns, in float64 on the host. */
import { eigenSymmetric, symmetric } from '../data/eigen.ts';

/** Sums over samples of the products of their features and targets: what least squares takes of any number of samples. */
export interface Normal {
  /** Features of a sample, the constant 1 among them. */
  readonly d: number;
  /** Targets of a sample. */
  readonly k: number;
  /** A^T A [d, d], of which the part below and on the diagonal is there. */
  readonly gram: Float64Array;
  /** A^T Y [d, k]. */
  readonly moment: Float64Array;
}

export const normalOf = (d: number, k: number): Normal => ({ d, k, gram: new Float64Array(d * d), moment: new Float64Array(d * k) });

/** Adds a sample. */
export function accumulate({ d, k, gram, moment }: Normal, row: ArrayLike<number>, target: ArrayLike<number>): void {
  for (let i = 0; i < d; i++) {
    const a = row[i]!;
    if (a === 0) continue;
    for (let j = 0; j <= i; j++) gram[i * d + j]! += a * row[j]!;
    for (let c = 0; c < k; c++) moment[i * k + c]! += a * target[c]!;
  }
}

/**
 * Cholesky's factor L [d, d] of G = L L^T, symmetric and positive, of which the part above the diagonal is not read; undefined where a pivot
 * is at most `least` times the largest value of the diagonal.
 */
export function choleskyFactor(g: Float64Array, d: number, least = 1e-14): Float64Array | undefined {
  const l = new Float64Array(d * d);
  let most = 0;
  for (let i = 0; i < d; i++) most = Math.max(most, g[i * d + i]!);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = g[i * d + j]!;
      for (let m = 0; m < j; m++) sum -= l[i * d + m]! * l[j * d + m]!;
      if (i > j) l[i * d + j] = sum / l[j * d + j]!;
      else if (sum > least * most) l[i * d + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return l;
}

/** X [d, k] of G X = B by Cholesky's factor of G, undefined where there is none (see above). */
export function cholesky(g: Float64Array, b: Float64Array, d: number, k: number, least = 1e-14): Float64Array | undefined {
  const l = choleskyFactor(g, d, least);
  if (!l) return undefined;
  const x = b.slice();
  for (let c = 0; c < k; c++) {
    for (let i = 0; i < d; i++) {
      for (let m = 0; m < i; m++) x[i * k + c]! -= l[i * d + m]! * x[m * k + c]!;
      x[i * k + c]! /= l[i * d + i]!;
    }
    for (let i = d - 1; i >= 0; i--) {
      for (let m = i + 1; m < d; m++) x[i * k + c]! -= l[m * d + i]! * x[m * k + c]!;
      x[i * k + c]! /= l[i * d + i]!;
    }
  }
  return x;
}

/** Directions whose singular value is less than this share of the largest are left out: what float32 features tell of them is rounding. */
const CUT = 1e-6;

/** How a system was solved, and of how many independent directions its features are. */
export interface Solution {
  /** [d, k] */
  readonly x: Float64Array;
  readonly rank: number;
}

/**
 * The coefficients [d, k] of least squares with the penalty `ridge` on the square of each: the normal equations by Cholesky, and where they
 * are close to singular the shortest solution, by the axes of the Gram matrix whose singular values are above `cut` of the largest.
 */
export function leastSquares({ d, k, gram, moment }: Normal, ridge = 0, cut = CUT): Solution {
  const g = gram.slice();
  for (let i = 0; i < d; i++) g[i * d + i]! += ridge;
  const x = cholesky(g, moment, d, k, 1e-8);
  if (x) return { x, rank: d };
  const { values, vectors } = eigenSymmetric(symmetric(d, g), d);
  const rank = values.filter(v => v > values[0]! * cut * cut).length;
  const out = new Float64Array(d * k);
  for (let r = 0; r < rank; r++) {
    for (let c = 0; c < k; c++) {
      let along = 0;
      for (let i = 0; i < d; i++) along += vectors[r * d + i]! * moment[i * k + c]!;
      for (let i = 0; i < d; i++) out[i * k + c]! += (along / values[r]!) * vectors[r * d + i]!;
    }
  }
  return { x: out, rank };
}
