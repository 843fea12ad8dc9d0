/** Matrix products: in lanes for software adapters, by tiles for GPUs (tiled.ts), and one thread per value, the reference. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/define.ts';
import { finish, type Epilogue } from '../kernel/epilogue.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, planes } from '../kernel/loops.ts';
import { storeInTurns } from '../kernel/turns.ts';
import { fitsVec4, unroll, widthOf, XYZW } from '../kernel/wgsl.ts';
import { linear } from './operand.ts';
import { tiled } from './tiled.ts';

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

/** WGSL: where the matrix of `size` values begins that belongs to product number `batch`. */
const startOf = (batch: number | undefined, size: number): string => (batch ? `batch * ${size}u + ` : '');

/**
 * Rows of A that one subgroup multiplies: all of a few, else 16, or 32 of large products with a long k, which take a tenth less time (a fifth
 * with B transposed) and twice as long to compile. Small products, as those of a classifier, take some microseconds either way, and sixteen
 * rows compile for a tenth of a second longer than four.
 */
function rows({ m, n, k, batch = 1 }: Matmul): number {
  const products = batch * m * n * k;
  if (products < 2 ** 18) return Math.min(m, 4);
  if (m <= 24) return m;
  return k >= 128 && products >= 2 ** 26 && (m % 32 === 0 || m > 256) ? 32 : 16;
}

/**
 * Values of k whose products a lane adds up by themselves: a sum of a million, as of the gradient of a dense layer on so many rows, would lose
 * four of its seven digits one by one.
 */
const RUN = 4096;

/** WGSL: `body` for each four values of k, whose products it adds to `c{i}`, of which there are `count`; of a long k run by run. */
function sumAlongK(p: Matmul, count: number, body: string): string {
  const declare = unroll(count, i => `var c${i} = vec4f(0.0);`, ' ');
  if (p.k <= 2 * RUN)
    return `  ${declare}
  for (var k = 0; k < K; k += 4) {
${body}
  }`;
  return `  ${declare}
  var k = 0;
  while (k < K) {
    let end = min(k + ${RUN}, K);
    ${unroll(count, i => `let before${i} = c${i}; c${i} = vec4f(0.0);`, ' ')}
    for (; k < end; k += 4) {
${body}
    }
    ${unroll(count, i => `c${i} += before${i};`, ' ')}
  }`;
}

/** WGSL: four scalars from `start` on, none of them behind `start + last`, in place of a vec4f that would be misaligned. */
const fourScalars = (buffer: string, start: string, last: string): string =>
  `vec4f(${XYZW.map((_, j) => `${buffer}[${start} + min(${j}, ${last})]`).join(', ')})`;

/**
 * Whether lanes move pointers along k in place of computing their addresses anew: a fifth faster (measured on lavapipe), but slower where B is
 * stored [n, k]. Where k does not divide by four its end must be watched.
 */
const moves = (p: Matmul) => fitsVec4(p.k) && !p.tb;

/** WGSL: the pointers into A and B, and what moves them on by four values of k. */
function pointers(p: Matmul, groups: number) {
  if (!moves(p)) return { start: '', move: '' };
  const intoB = fitsVec4(p.n);
  return {
    start: `${unroll(groups, g => `var pa${g} = ${p.ta ? `ma${g}` : `ra${g} / 4`};`, ' ')}${intoB ? ` var pb = (${p.batch ? 'bp + ' : ''}nb) / 4;` : ''}`,
    move: `${unroll(groups, g => `pa${g} += ${p.ta ? '4 * M' : '1'};`, ' ')}${intoB ? ' pb += N;' : ''}`,
  };
}

/** WGSL: whether there are the last four of k, which may hang over: beyond K both A and B are 0, as 0 times infinity is NaN. */
const INSIDE = 'vec4<bool>(k < K, k + 1 < K, k + 2 < K, k + 3 < K)';

/** WGSL: lane l loads row m0 + l of A (and l + S, …) for the four values of k from `k` on: as `a0`, or one by one as `a0_0` … `a0_3`. */
function loadA(p: Matmul, groups: number): string {
  if (p.ta) {
    const value = (g: number, kk: number): string => {
      if (moves(p)) return `a[pa${g} + ${kk} * M]`;
      if (fitsVec4(p.k)) return `a[(k + ${kk}) * M + ma${g}]`;
      return `select(0.0, a[min(k + ${kk}, K - 1) * M + ma${g}], k + ${kk} < K)`;
    };
    return unroll(4, kk => unroll(groups, g => `    let a${g}_${kk} = ${value(g, kk)};`));
  }
  if (fitsVec4(p.k)) return unroll(groups, g => `    let a${g} = a[${moves(p) ? `pa${g}` : `(ra${g} + k) / 4`}];`);
  return unroll(groups, g => `    let a${g} = select(vec4f(0.0), ${fourScalars('a', `ra${g} + k`, 'K - 1 - k')}, ${INSIDE});`);
}

/** WGSL: a lane loads its four columns of B for the four values of k, as `b0` … `b3`. */
function loadB(p: Matmul): string {
  if (p.tb) {
    const row = (j: number) =>
      fitsVec4(p.k) ? `b[(rb${j} + k) / 4]` : `select(vec4f(0.0), ${fourScalars('b', `rb${j} + k`, 'K - 1 - k')}, ${INSIDE})`;
    return `${unroll(4, j => `    let t${j} = ${row(j)};`)}
${XYZW.map((part, kk) => `    let b${kk} = vec4f(t0.${part}, t1.${part}, t2.${part}, t3.${part});`).join('\n')}`;
  }
  const at = (kk: number) => `${fitsVec4(p.k) ? `(k + ${kk})` : `min(k + ${kk}, K - 1)`} * N + ${p.batch ? 'bp + ' : ''}nb`;
  const value = (kk: number) => {
    if (!fitsVec4(p.n)) return fourScalars('b', at(kk), 'N - 1 - nb');
    return moves(p) ? `b[pb + ${kk} * (N / 4)]` : `b[(${at(kk)}) / 4]`;
  };
  const inside = (kk: number) => (fitsVec4(p.k) ? value(kk) : `select(vec4f(0.0), ${value(kk)}, k + ${kk} < K)`);
  return unroll(4, kk => `    let b${kk} = ${inside(kk)};`);
}

/** WGSL: a lane stores its four columns of the i-th row that it holds, the `row`-th of y. */
function storeRow(p: Matmul, i: number, row: string): string {
  const result = `finish(${accumulated(p.gradient, 'y[at]')}, at)`;
  if (fitsVec4(p.n))
    return `
      let at = u32(${p.batch ? 'yp + ' : ''}(${row}) * N + n) / 4;
      let v = c${i}${p.bias ? ' + bias[n / 4]' : ''};
      y[at] = ${result};`;
  return unroll(
    4,
    j => `
      if (n + ${j} < N) {
        let at = u32(${p.batch ? 'yp + ' : ''}(${row}) * N + n + ${j});
        let v = c${i}.${XYZW[j]}${p.bias ? ` + bias[n + ${j}]` : ''};
        y[at] = ${result};
      }`,
  );
}

/**
 * Software adapters: one subgroup of S lanes computes `rows` x 4S outputs, held as named vec4f. Lane l holds 4 columns of B and a share of
 * A, whose values are broadcast. Every load serves 16 or more multiplications, there is no barrier and no shared memory. A scalar load
 * costs as much as a quarter of a vec4f's, so a misaligned operand only loses its alignment.
 *
 * A variant for each choice of operands that are read as vec4f: `a4`, `b4`, `y4`, by what divides by four.
 *
 * In its WGSL `c{i}` are the lane's four sums of row i of the tile, `a{g}` is what it holds of A's row g S + lane, and `b{j}` its four columns
 * of B for value j of four of k. `m0` is the tile's first row, `n` the lane's first column, `nb` that, or the last four where B ends before.
 * Places: `ra{g}` and `rb{j}` are where rows of a and of a transposed b begin, `ma{g}` is the column of a transposed a, `pa{g}` and `pb` are
 * pointers that move along k, and `ap`, `bp`, `yp` are where the product's own matrices begin in a batch. All as vec4f, four rows:
 *
 * ```wgsl
 * var pa0 = ra0 / 4; var pb = (nb) / 4;
 * var c0 = vec4f(0.0); var c1 = vec4f(0.0); var c2 = vec4f(0.0); var c3 = vec4f(0.0);
 * for (var k = 0; k < K; k += 4) {
 *   let a0 = a[pa0];
 *   let b0 = b[pb + 0 * (N / 4)];
 *   …
 *   c0 += subgroupBroadcast(a0.x, 0u) * b0;
 *   c0 += subgroupBroadcast(a0.y, 0u) * b1;
 *   …
 *   c1 += subgroupBroadcast(a0.x, 1u) * b0;
 *   …
 *   pa0 += 1; pb += N;
 * }
 * ```
 */
const lanes = (a4: boolean, b4: boolean, y4: boolean): Variant<Matmul> => ({
  name: `lanes${a4 ? ' a4' : ''}${b4 ? ' b4' : ''}${y4 ? ' y4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) => isSoftware(d) && a4 === (!p.ta && fitsVec4(p.k)) && b4 === fitsVec4(p.tb ? p.k : p.n) && y4 === fitsVec4(p.n),
  vec4: [...(a4 ? ['a'] : []), ...(b4 ? ['b'] : []), ...(y4 ? ['y', 'bias'] : [])],
  sizes: p => ({ m: p.m, n: p.n, k: p.k }),
  // All rows of A are multiplied by a few columns of B, which stay in the cache.
  grid: (p, d) => [ceilDiv(p.m, rows(p)), ceilDiv(p.n, 4 * d.lanes), p.batch ?? 1],
  code: (p, d) => {
    const S = d.lanes;
    const M = rows(p);
    const groups = ceilDiv(M, S);
    const { start, move } = pointers(p, groups);
    const ap = p.batch ? 'ap + ' : '';
    const rowOfA = (g: number) => `min(m0 + ${g * S} + lane, M - 1)`;
    const broadcast = (row: number, kk: number) =>
      `subgroupBroadcast(a${Math.floor(row / S)}${p.ta ? `_${kk}` : `.${XYZW[kk]}`}, ${row % S}u)`;
    return (
      finish(p.epilogue, widthOf(y4).type) +
      wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let M = op.m; let N = op.n; let K = op.k;
  let lane = i32(index);
  let m0 = i32(group.x) * ${M};
  let n = (i32(group.y) * ${S} + lane) * 4; // this lane's four columns of y
  let nb = min(n, (N - 1) / 4 * 4);
  ${p.batch ? 'let product = i32(group.z); let ap = product * M * K; let bp = product * K * N; let yp = product * M * N;' : ''}
  ${unroll(groups, g => (p.ta ? `let ma${g} = ${ap}${rowOfA(g)};` : `let ra${g} = ${ap}${rowOfA(g)} * K;`))}
  ${p.tb ? unroll(4, j => `let rb${j} = ${p.batch ? 'bp + ' : ''}min(n + ${j}, N - 1) * K;`) : ''}
  ${start}
${sumAlongK(
  p,
  M,
  `${loadA(p, groups)}
${loadB(p)}
${unroll(M, i => unroll(4, kk => `    c${i} += ${broadcast(i, kk)} * b${kk};`))}
    ${move}`,
)}
  if (n < N) {
${storeInTurns({
  items: M,
  turns: p.epilogue?.length || p.gradient || !y4 ? 8 : 4,
  first: 'm0',
  end: 'M',
  sums: i => [`c${i}`],
  store: (i, row) => storeRow(p, i, row),
})}
  }
}`
    );
  },
});
const truths = [true, false];
const choices = truths.flatMap(a4 => truths.flatMap(b4 => truths.map(y4 => [a4, b4, y4] as const)));

export const matmul = kernel({
  name: 'matmul',
  bindings: { a: 'read', b: 'read', bias: 'read?', y: 'write' },
  epilogue: 'y',
  step: p => accumulates(p.gradient),
  flops: p => 2 * p.m * p.n * p.k * (p.batch ?? 1),
  variants: [
    ...choices.filter(([a4, b4, y4]) => b4 || !a4 || !y4).map(choice => lanes(...choice)), // b divides where a and y do
    ...tiled<Matmul>({
      shape: p => ({ m: p.m, n: p.n, k: p.k, batch: p.batch }),
      a: ({ m, k, ta, batch }) => {
        const start = startOf(batch, m * k);
        return ta
          ? linear({ source: 'a', base: `${start}at`, offset: `k * ${m}u`, step: 1, alongK: false, vec4: fitsVec4(m) })
          : linear({ source: 'a', base: `${start}at * ${k}u`, offset: 'k', step: k, alongK: true });
      },
      b: ({ n, k, tb, batch }) => {
        const start = startOf(batch, n * k);
        return tb
          ? linear({ source: 'b', base: `${start}at * ${k}u`, offset: 'k', step: k, alongK: true })
          : linear({ source: 'b', base: `${start}at`, offset: `k * ${n}u`, step: 1, alongK: false, vec4: fitsVec4(n) });
      },
      vec4: p => fitsVec4(p.n),
      stored: ['y', 'bias'],
      code: (p, y) => wgsl`
${finish(p.epilogue, y.type)}
fn store(m : u32, n : u32, sum : ${y.type}) {
  let at = (${startOf(p.batch, p.m * p.n)}m * ${p.n}u + n)${y.index};
  let v = sum${p.bias ? ` + bias[n${y.index}]` : ''};
  y[at] = finish(${accumulated(p.gradient, 'y[at]')}, at);
}`,
    }),
    {
      over: (p: Matmul) => planes({ count: p.m * (p.batch ?? 1), size: p.n, threads: 64, perThread: 1 }),
      body: p => `
  ${p.batch ? `let batch = plane / ${p.m}u; ` : ''}let m = plane${p.batch ? ` % ${p.m}u` : ''}; let n = at;
  var v = ${p.bias ? 'bias[n]' : '0.0'};
  for (var k = 0u; k < ${p.k}u; k++) {
    v += a[${startOf(p.batch, p.m * p.k)}${p.ta ? `k * ${p.m}u + m` : `m * ${p.k}u + k`}] * b[${startOf(p.batch, p.n * p.k)}${p.tb ? `n * ${p.k}u + k` : `k * ${p.n}u + n`}];
  }
  let out = plane * ${p.n}u + n;
  y[out] = finish(${accumulated(p.gradient, 'y[out]')}, out);`,
    },
  ],
});
