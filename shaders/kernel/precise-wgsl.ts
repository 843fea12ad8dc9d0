/** WGSL functions that keep their digits where WGSL's own give differences of numbers near 1: loaded where a kernel calls one. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/** WGSL: the polynomial of `coefficients`, by Horner. */
const polynomial = (x: string, coefficients: readonly (number | string)[]): string =>
  coefficients.reduceRight<string>((sum, c) => (sum ? `(${c} + ${x} * ${sum})` : `${c}`), '');

/** 1/2 erfc(z) / (t exp(-z^2)) at t = 1 / (1 + 0.43 z), to 1e-7 of itself: a minimax fit. */
const TAIL = [0.12125731, 0.12218762, 0.102476177, 0.12342018, -0.0428590708, 0.191848765, -0.155184342, 0.0368534032];

/**
 * exp(x) - 1, near 0 by the series of x / (exp(x) - 1); log(1 + q) for q in [0, 1], as 2 artanh(q / (2 + q)); the share of the normal
 * distribution beyond |x|.
 */
export const preciseWgsl = (type: 'f32' | 'vec4f'): string => wgsl`
fn expm1(x : ${type}) -> ${type} {
  return select(exp(x) - 1.0, x / (1.0 - x * (0.5 - x * (1.0 / 12.0 - x * x / 720.0))), abs(x) < ${type}(0.35));
}
fn log1p(q : ${type}) -> ${type} {
  let s = q / (2.0 + q); let t = s * s;
  return 2.0 * s * ${polynomial(
    't',
    [1, 3, 5, 7, 9, 11, 13].map(n => `1.0 / ${n}.0`),
  )};
}
fn tail(x : ${type}) -> ${type} {
  let t = 1.0 / (1.0 + abs(x) * ${0.43 * Math.SQRT1_2});
  return t * ${polynomial('t', TAIL)} * exp(-0.5 * x * x);
}`;
