/** Eigenvalues of large symmetric matrices that are known by their products alone. */
import { eigenSymmetric } from '../data/eigen.ts';

/** What a Krylov space knows of a symmetric matrix. */
export interface Krylov {
  /** Ritz values, largest first: those at both ends are eigenvalues soon. */
  readonly values: Float64Array;
  /** The share of the start in each; they add up to 1, and weigh the values as a quadrature of the spectrum. */
  readonly weights: Float64Array;
}

/**
 * At most `steps` steps of Lanczos from `start` [n], each new direction made orthogonal to all others twice, so that no eigenvalue comes a
 * second time (Golub & Van Loan, section 10.3). Ends early where a space is complete.
 */
export async function lanczos(product: (v: Float64Array) => Promise<Float64Array>, start: Float64Array, steps: number): Promise<Krylov> {
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const off: number[] = [];
  let next = start;
  let length = Math.sqrt(dot(start, start));
  let most = 0;
  while (basis.length < Math.min(steps, start.length) && length > 1e-10 * most) {
    if (basis.length) off.push(length);
    const v = next.map(x => x / length);
    basis.push(v);
    const w = Float64Array.from(await product(v));
    diagonal.push(dot(w, v));
    for (let pass = 0; pass < 2; pass++) {
      for (const b of basis) {
        const along = dot(w, b);
        for (let i = 0; i < w.length; i++) w[i]! -= along * b[i]!;
      }
    }
    next = w;
    length = Math.sqrt(dot(w, w));
    most = Math.max(most, Math.abs(diagonal.at(-1)!), length);
  }
  const k = basis.length;
  const matrix = new Float64Array(k * k);
  diagonal.forEach((a, i) => (matrix[i * k + i] = a));
  off.forEach((b, i) => (matrix[i * k + i + 1] = matrix[(i + 1) * k + i] = b));
  const { values, vectors } = eigenSymmetric(matrix, k);
  return { values, weights: values.map((_, r) => vectors[r * k]! ** 2) };
}

/** The density of eigenvalues at a place, each as wide as a normal distribution of this deviation: the mean over starts (Lin et al. 2016). */
export function densityAt(spaces: readonly Krylov[], x: number, deviation: number): number {
  let sum = 0;
  for (const { values, weights } of spaces) {
    values.forEach((value, r) => (sum += weights[r]! * Math.exp(-(((x - value) / deviation) ** 2) / 2)));
  }
  return sum / (spaces.length * deviation * Math.sqrt(2 * Math.PI));
}

/** The share of all eigenvalues that are as `is` says. */
export function shareWhere(spaces: readonly Krylov[], is: (value: number) => boolean): number {
  let sum = 0;
  for (const { values, weights } of spaces) values.forEach((value, r) => (sum += is(value) ? weights[r]! : 0));
  return sum / spaces.length;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
