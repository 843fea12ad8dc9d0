import { isSoftware } from '../kernel/kernel.ts';
import type { CallRow } from '../kernel/row.ts';
import { matmul } from './matmul.ts';
import type { Matmul } from './shape.ts';

const added = [{ f: 'max(v + a, zero)', operand: 'e0' }] as const;

const product = (why: string, params: Matmul): CallRow<Matmul> => ({
  why,
  kernel: matmul,
  params,
  tensors: ({ m, n, k, bias, epilogue }) => ({ a: m * k, b: k * n, ...(bias && { bias: n }), y: m * n, ...(epilogue && { e0: m * n }) }),
});

const square = { m: 512, n: 512, k: 512 };
/** Products that fill a device, and a dense layer of LeNet-5 on 64 images with its gradients. */
const timed: readonly Matmul[] = [
  square,
  { ...square, tb: true },
  { ...square, ta: true },
  { m: 64, n: 120, k: 400, tb: true },
  { m: 64, n: 400, k: 120 },
  { m: 120, n: 400, k: 64, ta: true },
];
const large = { m: 4096, n: 4096, k: 4096 };
const label = ({ m, n, k, ta, tb }: Matmul) => `matmul ${m}x${n}x${k}${ta ? ' A^T' : ''}${tb ? ' B^T' : ''}`;

export const calls: readonly CallRow[] = [
  {
    ...product('all four at a time, bias and residual', { m: 132, n: 136, k: 70, ta: true, bias: true, epilogue: added }),
    bench: (_, d) => [...timed, ...(isSoftware(d) ? [] : [large])].map(params => ({ label: label(params), params })),
  },
  product('nothing divides', { m: 131, n: 129, k: 67, tb: true, bias: true, epilogue: added }),
  product('rows of A and columns of B, a gradient', { m: 66, n: 70, k: 33, gradient: 'first' }),
  product('32 rows a subgroup', { m: 1000, n: 260, k: 260 }),
  product('24 rows a subgroup', { m: 24, n: 260, k: 68 }),
  product('few rows, a long k', { m: 13, n: 301, k: 203, tb: true }),
  product('few rows, all as vec4', { m: 16, n: 516, k: 128 }),
  product('a classifier', { m: 64, n: 10, k: 512, tb: true, bias: true }),
  product('a small classifier', { m: 30, n: 10, k: 65, tb: true, bias: true, epilogue: added }),
  product('A alone as vec4', { m: 20, n: 30, k: 36 }),
  product('B alone as vec4', { m: 18, n: 30, k: 36, ta: true, tb: true }),
  product('Y alone as vec4', { m: 18, n: 36, k: 30, tb: true }),
];
