/** The products whose GPU code is compiled without a GPU: those of the model zoo at batches of 128, and square matrices. */
import { conv, convBackwardInput, convBackwardWeight, gradientIsConv, inputGradient, splits } from '../../shaders/conv/conv.ts';
import { layer } from '../../shaders/conv/calls.ts';
import type { Conv } from '../../shaders/conv/shape.ts';
import type { Kernel, Profile } from '../../shaders/kernel/kernel.ts';
import { matmul } from '../../shaders/product/matmul.ts';
import type { Matmul } from '../../shaders/product/shape.ts';

export interface Case {
  readonly label: string;
  readonly kernel: Kernel<any>;
  readonly params: any;
  /** The bindings that the call fills. */
  readonly bound: readonly string[];
}

/** Bindings that hold f16 where activations are kept so: weights and their gradients are not. */
export const halvesOf = (bound: readonly string[]): string[] => bound.filter(name => !name.endsWith('weight'));

const BATCH = 128;

/** A layer forward and its two gradients. Images need no gradient. */
function convCases(label: string, p: Conv, d: Profile): Case[] {
  const forward = { kernel: conv, bound: ['x', 'weight', 'y'] };
  const back = gradientIsConv(p)
    ? { ...forward, params: inputGradient(p) }
    : { kernel: convBackwardInput, params: p, bound: ['dy', 'weight', 'dx'] };
  const slices = { ...p, split: splits(p, d) };
  return [
    { label: `${label} forward`, ...forward, params: p },
    ...(p.c > 3 ? [{ label: `${label} input gradient`, ...back }] : []),
    { label: `${label} weight gradient`, kernel: convBackwardWeight, params: slices, bound: ['x', 'dy', 'dweight'] },
  ];
}

const product = (label: string, params: Matmul): Case => ({ label, kernel: matmul, params, bound: ['a', 'b', 'y'] });

export const casesFor = (d: Profile): readonly Case[] => [
  ...convCases('5x5 1>6 28x28', layer(BATCH, 1, 28, 6, 5), d),
  ...convCases('5x5 6>16 14x14', layer(BATCH, 6, 14, 16, 5, { pad: 0 }), d),
  ...convCases('3x3 3>16 32x32', layer(BATCH, 3, 32, 16, 3), d),
  ...convCases('3x3 16>16 32x32', layer(BATCH, 16, 32, 16, 3), d),
  ...convCases('3x3/2 16>32 32x32', layer(BATCH, 16, 32, 32, 3, { stride: 2 }), d),
  ...convCases('3x3 32>32 16x16', layer(BATCH, 32, 16, 32, 3), d),
  ...convCases('3x3 64>64 8x8', layer(BATCH, 64, 8, 64, 3), d),
  ...convCases('3x3 64>64 32x32', layer(BATCH, 64, 32, 64, 3), d),
  ...convCases('3x3/2 64>128 32x32', layer(BATCH, 64, 32, 128, 3, { stride: 2 }), d),
  ...convCases('3x3 128>128 16x16', layer(BATCH, 128, 16, 128, 3), d),
  ...convCases('3x3 512>512 4x4', layer(BATCH, 512, 4, 512, 3), d),
  ...convCases('1x1 256>256 16x16', layer(BATCH, 256, 16, 256, 1), d),
  product('matrices of 1024', { m: 1024, n: 1024, k: 1024 }),
  product('matrices of 1024, B transposed', { m: 1024, n: 1024, k: 1024, tb: true }),
  product('matrices of 1024, A transposed', { m: 1024, n: 1024, k: 1024, ta: true }),
];
