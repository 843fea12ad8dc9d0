/** WGSL of lanes.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { RUN, type Matmul } from './shape.ts';
import { finish } from '../kernel/epilogue.ts';
import { accumulated } from '../kernel/gradient.ts';
import type { Profile } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { addTo, declareSums } from '../kernel/sums.ts';
import { fitsVec4, range, unroll, widthOf, XYZW } from '../kernel/wgsl.ts';

/** WGSL: `body` for each four values of k, whose products it adds to `count` sums; of a long k run by run. */
function sumAlongK(p: Matmul, count: number, body: string): string {
  const declare = declareSums(count, { type: 'vec4f' });
  if (p.k <= 2 * RUN)
    return `${declare}
  for (var k = 0; k < K; k += 4) {
${body}
  }`;
  return `${declare}
  var k = 0;
  while (k < K) {
    let end = min(k + ${RUN}, K);
    ${unroll(count, i => `let before${i} = sums[${i}]; sums[${i}] = vec4f(0.0);`, ' ')}
    for (; k < end; k += 4) {
${body}
    }
    ${unroll(count, i => `sums[${i}] += before${i};`, ' ')}
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

/** WGSL: a lane stores its four columns of `row` of y, one of the `rows` that it holds from m0 on. */
function storeRow(p: Matmul, rows: number): string {
  const start = `${p.batch ? 'yp + ' : ''}row * N`;
  const result = `finish(${accumulated(p.gradient, 'y[at]')}, at)`;
  const stored = fitsVec4(p.n)
    ? `let at = u32(${start} + n) / 4;
      let v = sums[row - m0]${p.bias ? ' + bias[n / 4]' : ''};
      y[at] = ${result};`
    : `for (var column = n; column < min(n + 4, N); column++) {
        let at = u32(${start} + column);
        let v = sums[row - m0][column - n]${p.bias ? ' + bias[column]' : ''};
        y[at] = ${result};
      }`;
  return `    for (var row = m0; row < min(m0 + ${rows}, M); row++) {
      ${stored}
    }`;
}

/**
 * In the WGSL of large products `sums[i]` are the lane's four sums of row i of the tile, `a{g}` is what it holds of A's row g S + lane, and
 * `b{j}` its four columns of B for value j of four of k. `m0` is the tile's first row, `n` the lane's first column, `nb` that, or the last
 * four where B ends before.
 * Places: `ra{g}` and `rb{j}` are where rows of a and of a transposed b begin, `ma{g}` is the column of a transposed a, `pa{g}` and `pb` are
 * pointers that move along k, and `ap`, `bp`, `yp` are where the product's own matrices begin in a batch. All as vec4f, four rows:
 *
 * ```wgsl
 * var pa0 = ra0 / 4; var pb = (nb) / 4;
 * var sums : array<vec4f, 4>;
 * for (var k = 0; k < K; k += 4) {
 *   let a0 = a[pa0];
 *   let b0 = b[pb + 0 * (N / 4)];
 *   …
 *   sums[0] = sums[0] + subgroupBroadcast(a0.x, 0u) * b0 + subgroupBroadcast(a0.y, 0u) * b1 + …
 *   sums[1] = sums[1] + subgroupBroadcast(a0.x, 1u) * b0 + subgroupBroadcast(a0.y, 1u) * b1 + …
 *   …
 *   pa0 += 1; pb += N;
 * }
 * ```
 */
export function lanesCode(p: Matmul, d: Profile, M: number): string {
  const S = d.lanes;
  const groups = ceilDiv(M, S);
  const { start, move } = pointers(p, groups);
  const ap = p.batch ? 'ap + ' : '';
  const rowOfA = (g: number) => `min(m0 + ${g * S} + lane, M - 1)`;
  const broadcast = (row: number, kk: number) =>
    `subgroupBroadcast(a${Math.floor(row / S)}${p.ta ? `_${kk}` : `.${XYZW[kk]}`}, ${row % S}u)`;
  return (
    finish(p.epilogue, widthOf(fitsVec4(p.n)).type) +
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
${unroll(
  M,
  i =>
    `    ${addTo(
      i,
      range(4).map(kk => `${broadcast(i, kk)} * b${kk}`),
    )}`,
)}
    ${move}`,
)}
  if (n < N) {
${storeRow(p, M)}
  }
}`
  );
}

/** WGSL of few products: a lane has the column `n`, and holds row `m` of A. */
export const smallCode = (p: Matmul, { lanes: S }: Profile): string =>
  finish(p.epilogue, 'f32') +
  wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let m0 = i32(group.x) * ${S}; let m = m0 + i32(index); // the row of A, and the column of B and y, of this lane
  let n = i32(group.y) * ${S} + i32(index);
  var pa = min(m, op.m - 1) * op.am; var pb = min(n, op.n - 1) * op.bn;
${declareSums(S)}
  for (var k = 0; k < op.k; k++) {
    let held = a[pa]; let v = b[pb];
    ${unroll(S, i => addTo(i, [`subgroupBroadcast(held, ${i}u) * v`]), ' ')}
    pa += op.ak; pb += op.bk;
  }
  if (n < op.n) {
    for (var row = m0; row < min(m0 + ${S}, op.m); row++) {
      let at = u32(row * op.n + n);
      let v = sums[row - m0]${p.bias ? ' + bias[n]' : ''};
      y[at] = finish(${accumulated(p.gradient, 'y[at]')}, at);
    }
  }
}`;
