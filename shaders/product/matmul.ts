/** Matrix products: in lanes for software adapters, by tiles for GPUs (tiled.ts), and one thread per value, the reference. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/define.ts';
import { finish } from '../kernel/epilogue.ts';
import { accumulated, accumulates } from '../kernel/gradient.ts';
import { planes } from '../kernel/loops.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import { lanesProducts } from './lanes.ts';
import { linear } from './operand.ts';
import type { Matmul } from './shape.ts';
import { tiled } from './tiled.ts';

/** WGSL: where the matrix of `size` values begins that belongs to product number `batch`. */
const startOf = (batch: number | undefined, size: number): string => (batch ? `batch * ${size}u + ` : '');

export const matmul = kernel({
  name: 'matmul',
  bindings: { a: 'read', b: 'read', bias: 'read?', y: 'write' },
  epilogue: 'y',
  step: p => accumulates(p.gradient),
  flops: p => 2 * p.m * p.n * p.k * (p.batch ?? 1),
  variants: [
    ...lanesProducts,
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
