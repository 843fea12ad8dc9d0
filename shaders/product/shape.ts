/** What products are given. */
import type { Epilogue } from '../kernel/epilogue.ts';
import type { Gradient } from '../kernel/gradient.ts';

/**
 * y[m, n] = A[m, k] B[k, n] (+ bias[n]). `ta`: a is stored [k, m]; `tb`: b is stored [n, k].
 * `gradient`: y is a parameter's gradient, written as that says.
 */
export interface Matmul {
  m: number;
  n: number;
  k: number;
  /** So many products, one after another in a, b and y. */
  batch?: number;
  ta?: boolean;
  tb?: boolean;
  bias?: boolean;
  gradient?: Gradient;
  epilogue?: readonly Epilogue[];
}

/**
 * Values of k whose products a lane adds up by themselves: a sum of a million, as of the gradient of a dense layer on so many rows, would lose
 * four of its seven digits one by one.
 */
export const RUN = 4096;
