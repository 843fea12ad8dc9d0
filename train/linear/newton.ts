/** Newton's method for the last layer of a classifier: softmax cross-entropy of linear features, in float64 on the host. */
import { cholesky } from './least-squares.ts';

/** Rows of `d` features, and the class number of each of `k`. */
export interface Labelled {
  readonly rows: Float64Array;
  readonly labels: ArrayLike<number>;
  readonly n: number;
  readonly d: number;
  readonly k: number;
}

/** Softmax probabilities of logits X [n, d] W [d, k], and the mean cross-entropy with the penalty ridge / 2 ||W||^2. */
function evaluate({ rows, labels, n, d, k }: Labelled, w: Float64Array, ridge: number): { p: Float64Array; loss: number } {
  const p = new Float64Array(n * k);
  let loss = 0;
  for (let s = 0; s < n; s++) {
    const own = p.subarray(s * k, (s + 1) * k);
    for (let i = 0; i < d; i++) {
      const a = rows[s * d + i]!;
      for (let c = 0; c < k; c++) own[c]! += a * w[i * k + c]!;
    }
    const most = own.reduce((a, b) => Math.max(a, b), -Infinity);
    const logit = own[labels[s]!]!;
    let sum = 0;
    for (let c = 0; c < k; c++) sum += own[c] = Math.exp(own[c]! - most);
    for (let c = 0; c < k; c++) own[c]! /= sum;
    loss += Math.log(sum) + most - logit;
  }
  return { p, loss: loss / n + (ridge / 2) * w.reduce((sum, v) => sum + v * v, 0) };
}

/** Added to the diagonal of the Hessian, which is singular along weights that are added to all classes alike. */
const DAMPING = 1e-8;
/** Halvings of a step that does not lower the loss. */
const HALVINGS = 12;

/**
 * `steps` Newton steps from the weights `w` [d, k], each halved until the loss falls; ends early where none does. Returns the weights.
 */
export function newton(data: Labelled, w: Float64Array, steps: number, ridge = 0): Float64Array {
  const size = data.d * data.k;
  let { p, loss } = evaluate(data, w, ridge);
  for (let step = 0; step < steps; step++) {
    const gradient = w.map(v => ridge * v);
    const hessian = new Float64Array(size * size);
    addDerivatives(data, p, gradient, hessian);
    for (let i = 0; i < size; i++) hessian[i * size + i]! += ridge + DAMPING;
    const move = cholesky(hessian, gradient, size, 1, 1e-15);
    if (!move) return w;
    let next: { w: Float64Array; p: Float64Array; loss: number } | undefined;
    for (let half = 0; half < HALVINGS && !next; half++) {
      const tried = w.map((v, i) => v - move[i]! / 2 ** half);
      const found = evaluate(data, tried, ridge);
      if (found.loss < loss) next = { w: tried, ...found };
    }
    if (!next) return w;
    ({ w, p, loss } = next);
  }
  return w;
}

/**
 * Adds the gradient of the mean cross-entropy, 1/n sum (p - y) a, and the lower triangle of its Hessian, 1/n sum (diag p - p p^T) x a a^T, at
 * the probabilities `p`.
 */
function addDerivatives({ rows, labels, n, d, k }: Labelled, p: Float64Array, gradient: Float64Array, hessian: Float64Array): void {
  const size = d * k;
  for (let s = 0; s < n; s++) {
    const a = rows.subarray(s * d, (s + 1) * d);
    for (let c = 0; c < k; c++) {
      const pc = p[s * k + c]!;
      const slope = (pc - Number(labels[s] === c)) / n;
      for (let i = 0; i < d; i++) gradient[i * k + c]! += slope * a[i]!;
      for (let e = 0; e < k; e++) {
        const curve = (pc * (Number(c === e) - p[s * k + e]!)) / n;
        for (let i = 0; i < d; i++) {
          const row = (i * k + c) * size;
          for (let j = 0; j <= i; j++) hessian[row + j * k + e]! += curve * a[i]! * a[j]!;
        }
      }
    }
  }
}
