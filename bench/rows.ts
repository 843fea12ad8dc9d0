/** The kernels and shapes that are timed: those of the model zoo at the batch sizes that software adapters and GPUs train with. */
import { conv, convBackwardInput, convBackwardWeight, gradientIsConv, inputGradient, splits } from '../shaders/conv/conv.ts';
import type { Conv } from '../shaders/conv/shape.ts';
import { elementwise } from '../shaders/kernel/elementwise.ts';
import type { Kernel, Profile } from '../shaders/kernel/kernel.ts';
import { crossEntropy } from '../shaders/update/loss.ts';
import { matmul } from '../shaders/product/matmul.ts';
import { dropElements } from '../shaders/move/noise.ts';
import { poolBackward, poolForward } from '../shaders/pool/pool.ts';
import { channelSum } from '../shaders/norm/reduce.ts';

export interface Row {
  readonly kernel: Kernel<any>;
  readonly params: any;
  readonly label: string;
  /** Values of each tensor. */
  readonly tensors: Readonly<Record<string, number>>;
  readonly flops: number;
}

/** The three calls of one convolution layer; the sum of slices is a dispatch of its own and cheap. */
function convolution(p: Conv, label: string, d: Profile): Row[] {
  const flops = ((2 * p.n * p.o * p.oh * p.ow * p.c) / p.groups) * p.k * p.k;
  const x = p.n * p.c * p.h * p.w;
  const y = p.n * p.o * p.oh * p.ow;
  const weight = ((p.o * p.c) / p.groups) * p.k * p.k;
  const split = splits(p, d);
  const [inputKernel, inputParams, inputTensors] = gradientIsConv(p)
    ? [conv, inputGradient(p), { x: y, weight, y: x }]
    : [convBackwardInput, p, { dy: y, weight, dx: x }];
  const forward: Row = { kernel: conv, params: p, label: `${label} forward`, tensors: { x, weight, y }, flops };
  const toInput: Row = {
    kernel: inputKernel,
    params: inputParams,
    label: `${label} input gradient`,
    tensors: inputTensors,
    flops,
  };
  const toWeight: Row = {
    kernel: convBackwardWeight,
    params: { ...p, split },
    label: `${label} weight gradient`,
    tensors: { x, dy: y, dweight: weight * split },
    flops,
  };
  return p.c > 3 ? [forward, toInput, toWeight] : [forward, toWeight]; // an image needs no gradient
}

/** A layer of `o` kernels k x k on `n` images [c, size, size]; padded to keep their size unless `pad` says otherwise. */
const layer = (n: number, c: number, size: number, o: number, k: number, stride = 1, pad = (k - 1) / 2): Conv => {
  const out = Math.floor((size + 2 * pad - k) / stride) + 1;
  return { n, c, h: size, w: size, o, oh: out, ow: out, k, stride, pad, dilation: 1, groups: 1 };
};

const product = (m: number, n: number, k: number, ta = false, tb = false): Row => ({
  kernel: matmul,
  params: { m, n, k, ta, tb },
  label: `matmul ${m}x${n}x${k}${ta ? ' A^T' : ''}${tb ? ' B^T' : ''}`,
  tensors: { a: m * k, b: k * n, y: m * n },
  flops: 2 * m * n * k,
});

/** An op of `n` values, a row of `label`. */
const pointwise = (label: string, n: number, f: string, names: readonly string[]): Row => ({
  kernel: elementwise,
  params: { n, f },
  label,
  tensors: Object.fromEntries(names.map(name => [name, n])),
  flops: n,
});

export function rows(d: Profile): Row[] {
  const n = d.lanes ? 32 : 256;
  const size = n * 16 * 32 * 32;
  const pool = { max: true, planes: n * 16, h: 32, w: 32, oh: 16, ow: 16, k: 2, stride: 2, pad: 0 };
  return [
    ...convolution(layer(n, 3, 32, 16, 3), '3>16 3x3 32x32', d),
    ...convolution(layer(n, 16, 32, 16, 3), '16>16 3x3 32x32', d),
    ...convolution(layer(n, 16, 32, 32, 3, 2), '16>32 3x3/2 32x32', d),
    ...convolution(layer(n, 32, 16, 32, 3), '32>32 3x3 16x16', d),
    ...convolution(layer(n, 32, 16, 64, 3, 2), '32>64 3x3/2 16x16', d),
    ...convolution(layer(n, 64, 8, 64, 3), '64>64 3x3 8x8', d),
    ...convolution(layer(2 * n, 1, 28, 6, 5), '1>6 5x5 28x28 (b64)', d),
    ...convolution(layer(2 * n, 6, 14, 16, 5, 1, 0), '6>16 5x5 14x14 (b64)', d),
    product(512, 512, 512),
    product(512, 512, 512, false, true),
    product(512, 512, 512, true),
    product(64, 120, 400, false, true),
    product(64, 400, 120),
    product(120, 400, 64, true),
    ...(d.lanes ? [] : [product(4096, 4096, 4096)]),
    pointwise('relu', size, 'max(v, zero)', ['v', 'y']),
    pointwise('add', size, 'v + a', ['v', 'a', 'y']),
    {
      kernel: poolForward,
      params: pool,
      label: 'max pool 2x2',
      tensors: { x: size, y: size / 4, argmax: size / 4 },
      flops: size,
    },
    {
      kernel: poolBackward,
      params: pool,
      label: 'max pool 2x2 backward',
      tensors: { dy: size / 4, argmax: size / 4, dx: size },
      flops: size,
    },
    {
      kernel: channelSum,
      params: { n, c: 16, hw: 1024 },
      label: 'channel sum',
      tensors: { x: size, out: 16 },
      flops: size,
    },
    { ...pointwise('dropout', size, '', ['v', 'y']), params: dropElements(size, 0.5, 1, 2) },
    {
      kernel: crossEntropy,
      params: { rows: n * 4, classes: 10, smoothing: 0, soft: false, train: true },
      label: `softmax cross-entropy ${n * 4}x10`,
      tensors: { logits: n * 40, labels: n * 4, row: n * 8, dlogits: n * 40 },
      flops: n * 40 * 8,
    },
  ];
}
