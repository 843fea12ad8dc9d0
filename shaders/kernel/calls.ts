import { dropElements } from '../move/noise.ts';
import { elementwise, type Elementwise } from './elementwise.ts';
import type { CallRow } from './row.ts';

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
];
