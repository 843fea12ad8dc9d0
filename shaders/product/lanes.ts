/** Products in lanes, for software adapters. The WGSL is in lanes-code.ts. */
import { RUN, type Matmul } from './shape.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

/** As few products take some microseconds in any way. */
const FEW = 2 ** 18;

/**
 * Few products, as those of a classifier. A subgroup of S lanes computes S x S outputs, for each value of k from one load of a column of A and
 * one of a row of B. Strides are read at run time, so that one pipeline serves all shapes and both ways in which operands are stored; it
 * compiles in a third of the time of those for large products.
 */
const small: Variant<Matmul> = {
  name: 'lanes small',
  needs: ['subgroups'],
  fits: ({ m, n, k, batch }, d) => isSoftware(d) && !batch && k <= 2 * RUN && m * n * k < FEW,
  sizes: ({ m, n, k, ta, tb }) => ({
    m,
    n,
    k,
    ...(ta ? { am: 1, ak: m } : { am: k, ak: 1 }),
    ...(tb ? { bn: k, bk: 1 } : { bn: 1, bk: n }),
  }),
  grid: ({ m, n }, { lanes }) => [ceilDiv(m, lanes), ceilDiv(n, lanes), 1],
  code: async (p, d) => (await import('./lanes-code.ts')).smallCode(p, d),
};

/**
 * Rows of A that one subgroup multiplies: all of a few, else 16, or 32 of large products with a long k, which take a tenth less time (a fifth
 * with B transposed) and twice as long to compile.
 */
function rows({ m, n, k, batch = 1 }: Matmul): number {
  const products = batch * m * n * k;
  if (m <= 24) return m;
  return k >= 128 && products >= 2 ** 26 && (m % 32 === 0 || m > 256) ? 32 : 16;
}

/**
 * Software adapters: one subgroup of S lanes computes `rows` x 4S outputs, vec4f in an array. Lane l holds 4 columns of B and a share of
 * A, whose values are broadcast. Every load serves 16 or more multiplications, there is no barrier and no shared memory. A scalar load
 * costs as much as a quarter of a vec4f's, so a misaligned operand only loses its alignment.
 *
 * A variant for each choice of operands that are read as vec4f: `a4`, `b4`, `y4`, by what divides by four.
 */
const lanes = (a4: boolean, b4: boolean, y4: boolean): Variant<Matmul> => ({
  name: `lanes${a4 ? ' a4' : ''}${b4 ? ' b4' : ''}${y4 ? ' y4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) => isSoftware(d) && a4 === (!p.ta && fitsVec4(p.k)) && b4 === fitsVec4(p.tb ? p.k : p.n) && y4 === fitsVec4(p.n),
  vec4: [...(a4 ? ['a'] : []), ...(b4 ? ['b'] : []), ...(y4 ? ['y', 'bias'] : [])],
  sizes: p => ({ m: p.m, n: p.n, k: p.k }),
  // All rows of A are multiplied by a few columns of B, which stay in the cache.
  grid: (p, d) => [ceilDiv(p.m, rows(p)), ceilDiv(p.n, 4 * d.lanes), p.batch ?? 1],
  code: async (p, d) => (await import('./lanes-code.ts')).lanesCode(p, d, rows(p)),
});
const truths = [true, false];
const choices = truths.flatMap(a4 => truths.flatMap(b4 => truths.map(y4 => [a4, b4, y4] as const)));

export const lanesProducts = [
  small,
  ...choices.filter(([a4, b4, y4]) => b4 || !a4 || !y4).map(choice => lanes(...choice)), // b divides where a and y do
];
