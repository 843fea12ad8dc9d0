/** The Fisher information of a layer as a Kronecker product of two small matrices, in float64 on the host. */
import { choleskyFactor } from './least-squares.ts';

/** Second moments, symmetric: of what the weights multiply [inputs, inputs], and of the gradients by the outputs [outputs, outputs]. */
export interface Factors {
  readonly inputs: Float64Array;
  readonly outputs: Float64Array;
}

const sizeOf = (square: Float64Array): number => Math.sqrt(square.length);

const meanDiagonal = (square: Float64Array): number => {
  const d = sizeOf(square);
  let sum = 0;
  for (let i = 0; i < d; i++) sum += square[i * d + i]!;
  return sum / d;
};

/** The inverse of a symmetric positive matrix of which the part above the diagonal is not read, by Cholesky; undefined where it is none. */
export function inverse(square: Float64Array): Float64Array | undefined {
  const d = sizeOf(square);
  const l = choleskyFactor(square, d);
  if (!l) return undefined;
  const m = new Float64Array(d * d); // L^-1
  for (let i = 0; i < d; i++) {
    const scale = 1 / l[i * d + i]!;
    for (let k = 0; k < i; k++) {
      const factor = l[i * d + k]! * scale;
      for (let j = 0; j <= k; j++) m[i * d + j]! -= factor * m[k * d + j]!;
    }
    m[i * d + i] = scale;
  }
  const out = new Float64Array(d * d);
  for (let k = 0; k < d; k++) {
    for (let i = 0; i <= k; i++) {
      const factor = m[k * d + i]!;
      for (let j = 0; j <= i; j++) out[i * d + j]! += factor * m[k * d + j]!;
    }
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) out[j * d + i] = out[i * d + j]!;
  return out;
}

function damped(square: Float64Array, damping: number): Float64Array {
  const d = sizeOf(square);
  const out = square.slice();
  for (let i = 0; i < d; i++) out[i * d + i]! += damping;
  return out;
}

/**
 * The inverses of A + pi sqrt(damping) I and G + sqrt(damping) / pi I, pi^2 the ratio of the mean eigenvalues of A and G (Martens & Grosse
 * 2015, section 6.3), 1 where one of them is 0; undefined where one has no inverse, as where it holds NaN.
 */
export function dampedInverses({ inputs, outputs }: Factors, damping: number): Factors | undefined {
  const [a, g] = [meanDiagonal(inputs), meanDiagonal(outputs)];
  const pi = a > 0 && g > 0 ? Math.sqrt(a / g) : 1;
  const inverses = [inverse(damped(inputs, pi * Math.sqrt(damping))), inverse(damped(outputs, Math.sqrt(damping) / pi))] as const;
  return inverses[0] && inverses[1] && { inputs: inverses[0], outputs: inverses[1] };
}

/** `share` of the running mean, the rest of what is new. */
export function blend(running: Float64Array | undefined, fresh: Float64Array, share: number): Float64Array {
  return fresh.map((v, i) => (running ? share * running[i]! + (1 - share) * v : v));
}
