import { dropElements } from '../move/noise.ts';
import { elementwise, type Elementwise } from './elementwise.ts';
import type { CallRow } from './row.ts';
import { sumSlices, type SumSlices } from './sum-slices.ts';

/** Values of the first activation of ResNet-20 on `n` images. */
const resnet = (n: number) => n * 16 * 32 * 32;

const one = (why: string, label: string, of: (n: number) => Elementwise): CallRow<Elementwise> => ({
  why,
  kernel: elementwise,
  params: of(1030), // no whole vec4 at the end
  tensors: ({ n }) => ({ v: n, y: n }),
  bench: n => [{ label, params: of(resnet(n)) }],
});
const two: typeof one = (why, label, of) => ({ ...one(why, label, of), tensors: ({ n }) => ({ v: n, a: n, y: n }) });

export const calls: readonly CallRow[] = [
  one('one operand', 'relu', n => ({ n, f: 'max(v, zero)' })),
  two('two operands', 'add', n => ({ n, f: 'v + a' })),
  one('random words', 'dropout', n => dropElements(n, 0.5, 1, 2)),
  {
    why: 'three at once, the first and the last of several workgroups',
    kernel: sumSlices,
    params: {
      size: 1030,
      count: 3,
      more: [
        { size: 7, count: 1 },
        { size: 2060, count: 2, gradient: 'more' },
      ],
    },
    tensors: () => ({ slices: 3090, out: 1030, slices1: 7, out1: 7, slices2: 4120, out2: 2060 }),
  } satisfies CallRow<SumSlices>,
];
