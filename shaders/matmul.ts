import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from './epilogue.ts';
import { accumulated, accumulates, type Gradient } from './gradient.ts';
import { ceilDiv, unroll, variants, XYZW, type Profile, type Variant } from './kernel.ts';
import { index, tiled, type, type Quads } from './tiled.ts';

/**
 * y[m, n] = A[m, k] B[k, n] (+ bias[n]). `ta`: a is stored [k, m]; `tb`: b is stored [n, k].
 * `gradient`: y is a parameter's gradient, written as that says.
 */
export interface Matmul {
  m: number; n: number; k: number; ta?: boolean; tb?: boolean; bias?: boolean;
  gradient?: Gradient; epilogue?: readonly Epilogue[];
}

/** Rows of A that one subgroup multiplies: as many as the matrix has, 16 at most. */
const rows = (p: Matmul) => Math.min(16, p.m);

/**
 * Software adapters: one subgroup computes `rows` x 4S outputs, held as named vec4f. Lane l holds 4 columns of B and a share
 * of A, whose values are broadcast. Every load serves 16 or more multiplications, there is no barrier and no shared memory.
 */
const lanes: Variant<Matmul> = {
  name: 'lanes',
  fits: (_, d) => d.lanes > 0,
  sizes: p => ({ m: p.m, n: p.n, k: p.k }),
  grid: (p, d) => [ceilDiv(p.n, 4 * d.lanes), ceilDiv(p.m, rows(p)), 1],
  code: (p, d) => {
    const S = d.lanes, M = rows(p), groups = ceilDiv(M, S);
    // A scalar load costs as much as a quarter of a vec4 load, so a misaligned operand only loses its alignment.
    const quad = (buffer: string, start: string, last: string) =>
      `vec4f(${XYZW.map((_, j) => `${buffer}[${start} + min(${j}, ${last})]`).join(', ')})`;
    const tail = p.k % 4 !== 0; // the last vec4 of k hangs over: A reads zeros there
    const lastK = 'K - 1 - k',
      mask = (v: string) => (tail ? `select(vec4f(0.0), ${v}, vec4<bool>(k < K, k + 1 < K, k + 2 < K, k + 3 < K))` : v);
    const loadA = p.ta
      ? unroll(4, kk => unroll(ceilDiv(M, S),
        g => `    let a${g}_${kk} = ${tail ? `select(0.0, a[min(k + ${kk}, K - 1) * M + ma${g}], k + ${kk} < K)` : `a[(k + ${kk}) * M + ma${g}]`};`))
      : unroll(groups, g => `    let a${g} = ${mask(p.k % 4 ? quad('a', `ra${g} + k`, lastK) : `a[(ra${g} + k) / 4]`)};`);
    const broadcast = (row: number, kk: number) => p.ta
      ? `subgroupBroadcast(a${Math.floor(row / S)}_${kk}, ${row % S}u)` : `subgroupBroadcast(a${Math.floor(row / S)}.${XYZW[kk]}, ${row % S}u)`;
    const loadB = p.tb
      ? unroll(4, j => `    let t${j} = ${p.k % 4 ? quad('b', `rb${j} + k`, lastK) : `b[(rb${j} + k) / 4]`};`) + '\n'
        + unroll(4, kk => `    let b${kk} = vec4f(t0.${XYZW[kk]}, t1.${XYZW[kk]}, t2.${XYZW[kk]}, t3.${XYZW[kk]});`)
      : unroll(4, kk => `    let b${kk} = ${p.n % 4 ? quad('b', `${tail ? `min(k + ${kk}, K - 1)` : `(k + ${kk})`} * N + nb`, 'N - 1 - nb') : `b[(${tail ? `min(k + ${kk}, K - 1)` : `(k + ${kk})`} * N + nb) / 4]`};`);
    const store = p.n % 4
      ? (i: number) => unroll(4,
        j => `    if (n + ${j} < N) { let at = u32((m0 + ${i}) * N + n + ${j}); let v = c${i}.${XYZW[j]}${p.bias ? ` + bias[n + ${j}]` : ''}; y[at] = finish(${accumulated(p.gradient, 'y[at]')}, at); }`)
      : (i: number) => `    { let at = u32((m0 + ${i}) * N + n) / 4; let v = c${i}${p.bias ? ' + bias[n / 4]' : ''}; y[at] = finish(${accumulated(p.gradient, 'y[at]')}, at); }`;
    return finish(p.epilogue, p.n % 4 ? 'f32' : 'vec4f') + wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let M = op.m; let N = op.n; let K = op.k;
  let lane = i32(index);
  let m0 = i32(group.y) * ${M};
  let n = (i32(group.x) * ${S} + lane) * 4;      // this lane's four columns of y
  let nb = min(n, (N - 1) / 4 * 4);
  ${unroll(groups, g => p.ta ? `let ma${g} = min(m0 + ${g * S} + lane, M - 1);` : `let ra${g} = min(m0 + ${g * S} + lane, M - 1) * K;`)}
  ${p.tb ? unroll(4, j => `let rb${j} = min(n + ${j}, N - 1) * K;`) : ''}
  ${unroll(M, i => `var c${i} = vec4f(0.0);`, ' ')}
  for (var k = 0; k < K; k += 4) {
${loadA}
${loadB}
${unroll(M, i => unroll(4, kk => `    c${i} += ${broadcast(i, kk)} * b${kk};`, ''))}
  }
  if (n < N) {
${unroll(M, i => `    if (m0 + ${i} < M) {\n${store(i)}\n    }`)}
  }
}`;
  },
};

/** The operands that a lanes call reads as vec4f, by what divides by four. */
const lanesFor = (a4: boolean, b4: boolean, y4: boolean): Variant<Matmul> => ({
  ...lanes,
  name: `lanes${a4 ? ' a4' : ''}${b4 ? ' b4' : ''}${y4 ? ' y4' : ''}`,
  fits: (p, d: Profile) => d.lanes > 0 && a4 === (!p.ta && p.k % 4 === 0) && b4 === (p.tb ? p.k % 4 === 0 : p.n % 4 === 0)
    && y4 === (p.n % 4 === 0),
  vec4: [...(a4 ? ['a'] : []), ...(b4 ? ['b'] : []), ...(y4 ? ['y', 'bias', 'e0', 'e1'] : [])],
});
const truths = [true, false];

/** What a GPU loads and stores four at a time. */
const fours = (p: Matmul): Quads => ({ a: Boolean(p.ta) && p.m % 4 === 0, b: !p.tb && p.n % 4 === 0, y: p.n % 4 === 0 });

export const matmul = variants({
  name: 'matmul',
  bindings: { a: 'read', b: 'read', bias: 'read?', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  step: p => accumulates(p.gradient),
  flops: p => 2 * p.m * p.n * p.k,
  variants: [
    ...truths.flatMap(a4 => truths.flatMap(b4 => truths.map(y4 => lanesFor(a4, b4, y4)))),
    ...tiled<Matmul>({
      shape: p => ({ m: p.m, n: p.n, k: p.k }),
      along: p => ({ a: p.ta ? 'm' : 'k', b: p.tb ? 'k' : 'n' }),
      quads: fours,
      vec4: p => { const { a, b, y } = fours(p); return [...a ? ['a'] : [], ...b ? ['b'] : [], ...y ? ['y', 'bias', 'e0', 'e1'] : []]; },
      code: p => wgsl`
fn loadA(m : u32, k : u32) -> ${type(fours(p).a)} { return a[${p.ta ? `(k * ${p.m}u + m)${index(fours(p).a)}` : `m * ${p.k}u + k`}]; }
fn loadB(k : u32, n : u32) -> ${type(fours(p).b)} { return b[${p.tb ? `n * ${p.k}u + k` : `(k * ${p.n}u + n)${index(fours(p).b)}`}]; }
${finish(p.epilogue, type(fours(p).y))}
fn store(m : u32, n : u32, sum : ${type(fours(p).y)}) {
  let at = (m * ${p.n}u + n)${index(fours(p).y)};
  let v = sum${p.bias ? ` + bias[n${index(fours(p).y)}]` : ''};
  y[at] = finish(${accumulated(p.gradient, 'y[at]')}, at);
}`,
    }),
    {
      name: 'plain',
      grid: p => [ceilDiv(p.n, 64), p.m, 1],
      code: p => finish(p.epilogue, 'f32') + wgsl`
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id : vec3u) { // one thread per output
  let n = id.x; let m = id.y;
  if (n >= ${p.n}u) { return; }
  var v = ${p.bias ? 'bias[n]' : '0.0'};
  for (var k = 0u; k < ${p.k}u; k++) { v += a[${p.ta ? `k * ${p.m}u + m` : `m * ${p.k}u + k`}] * b[${p.tb ? `n * ${p.k}u + k` : `k * ${p.n}u + n`}]; }
  let at = m * ${p.n}u + n;
  y[at] = finish(${accumulated(p.gradient, 'y[at]')}, at);
}`,
    },
  ],
});
