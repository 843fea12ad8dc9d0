/** Where SGD at a constant rate comes to rest on a quadratic: the covariance of its weights, in float64. */
import { Matrix, solve } from 'ml-matrix';

/**
 * The covariance Σ of θ ← θ − η (A θ + noise), whose noise has the covariance `noise`, after many updates. Of the updates themselves
 * AΣ + ΣAᵀ − η AΣAᵀ = η noise; with `continuous` of the process that Mandt, Hoffman & Blei (2017) take in their place, without the third
 * term. Solved as a linear system in the n² entries; matrices are [n, n].
 */
export function stationary(a: Matrix, noise: Matrix, rate: number, { continuous = false } = {}): Matrix {
  const n = a.rows;
  const one = Matrix.eye(n);
  const system = Matrix.add(one.kroneckerProduct(a), a.kroneckerProduct(one));
  if (!continuous) system.sub(Matrix.mul(a.kroneckerProduct(a), rate));
  const right = Matrix.columnVector(Matrix.mul(noise, rate).to1DArray());
  return Matrix.from1DArray(n, n, solve(system, right).to1DArray());
}

/** The covariance of points [n, 2] about `centre`. */
export function covarianceOf(points: readonly (readonly [number, number])[], [c1, c2]: readonly [number, number]): Matrix {
  const sums = [0, 0, 0];
  for (const [x, y] of points) {
    sums[0]! += (x - c1) ** 2;
    sums[1]! += (x - c1) * (y - c2);
    sums[2]! += (y - c2) ** 2;
  }
  const [xx, xy, yy] = sums.map(sum => sum / points.length) as [number, number, number];
  return new Matrix([
    [xx, xy],
    [xy, yy],
  ]);
}

/** The squared length of a point by the inverse of a covariance (Mahalanobis). */
export function squaredDistance(sigma: Matrix, [x, y]: readonly [number, number]): number {
  const [xx, xy, yy] = [sigma.get(0, 0), sigma.get(0, 1), sigma.get(1, 1)];
  return (yy * x * x - 2 * xy * x * y + xx * y * y) / (xx * yy - xy * xy);
}

/** The ellipse about 0 whose points have the squared distance `squared`, closed. */
export function ellipse(sigma: Matrix, squared: number, corners = 120): [x: number, y: number][] {
  // the Cholesky factor takes the circle to it
  const l11 = Math.sqrt(sigma.get(0, 0));
  const l21 = sigma.get(1, 0) / l11;
  const l22 = Math.sqrt(sigma.get(1, 1) - l21 * l21);
  const radius = Math.sqrt(squared);
  return Array.from({ length: corners + 1 }, (_, k) => {
    const [c, s] = [radius * Math.cos((2 * Math.PI * k) / corners), radius * Math.sin((2 * Math.PI * k) / corners)];
    return [l11 * c, l21 * c + l22 * s];
  });
}
