/** Quasi-Newton pieces in float64 (Nocedal & Wright, chapters 3, 6, 7). */
import { matmul, type Numbers } from './linear.ts';

const dot = (a: Numbers, b: Numbers): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** BFGS: the inverse Hessian H [n, n] after a step s with gradient change y: (I - s y'/y's) H (I - y s'/y's) + s s'/y's. */
export function bfgsUpdate(h: Numbers, s: Numbers, y: Numbers): Float64Array {
  const n = s.length;
  const ys = dot(y, s);
  const row = (i: number) => Math.floor(i / n);
  const left = Float64Array.from({ length: n * n }, (_, i) => (row(i) === i % n ? 1 : 0) - (s[row(i)]! * y[i % n]!) / ys);
  const middle = matmul(matmul(left, h, { m: n, k: n, n }), left, { m: n, k: n, n, tb: true });
  return middle.map((v, i) => v + (s[row(i)]! * s[i % n]!) / ys);
}

/** L-BFGS by its definition: -H g, H the BFGS updates (oldest pair first) of gamma I, gamma = y's / y'y of the newest pair. */
export function lbfgsDirection(g: Numbers, pairs: readonly { s: Numbers; y: Numbers }[]): Float64Array {
  const n = g.length;
  const last = pairs.at(-1);
  const gamma = last ? dot(last.y, last.s) / dot(last.y, last.y) : 1;
  let h = Float64Array.from({ length: n * n }, (_, i) => (Math.floor(i / n) === i % n ? gamma : 0));
  for (const { s, y } of pairs) h = Float64Array.from(bfgsUpdate(h, s, y));
  return matmul(h, g, { m: n, k: n, n: 1 }).map(v => -v);
}

/** Whether step t from (f0, slope d0 < 0) to (f1, slope d1) meets the strong Wolfe conditions (PyTorch: c1 1e-4, c2 0.9). */
export const strongWolfe = (t: number, f0: number, d0: number, f1: number, d1: number, c1 = 1e-4, c2 = 0.9): boolean =>
  f1 <= f0 + c1 * t * d0 && Math.abs(d1) <= c2 * Math.abs(d0);

/** Rosenbrock's function sum 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 and its gradient; the minimum 0 lies at all ones. */
export function rosenbrock(x: Numbers): { f: number; g: Float64Array } {
  const g = new Float64Array(x.length);
  let f = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const rise = x[i + 1]! - x[i]! ** 2;
    const rest = 1 - x[i]!;
    f += 100 * rise ** 2 + rest ** 2;
    g[i]! += -400 * x[i]! * rise - 2 * rest;
    g[i + 1]! += 200 * rise;
  }
  return { f, g };
}
