import { writes, type Op } from '../op.ts';
import { bytesOf } from '../plan.ts';
import type { Tensor } from '../tensor.ts';

/**
 * FLOPs that take as long as moving one byte. Of processors and GPUs, where kernels come near their peaks, these are 5 to 40; a small number
 * makes convolutions dear, so that a step is seldom slower than it was said to be.
 */
const BALANCE = 10;

const bytes = (tensors: readonly Tensor[]): number => tensors.reduce((n, t) => n + bytesOf(t), 0);
const computing = ({ kernel, params }: Op): number => (kernel.flops?.(params) ?? 0) / BALANCE;

function moving(op: Op): number {
  const tensors = Object.values(op.tensors);
  const inputs = tensors.filter(t => t.role === 'input');
  // Of a page of images a batch reads about as much as it gives.
  return bytes(tensors.filter(t => t.role !== 'input')) + Math.min(bytes(inputs), bytes(writes(op)));
}

/** How long an op takes by the roofline model (Williams et al. 2009), in times of one byte: for its bytes or its FLOPs, what takes longer. */
export const durationOf = (op: Op): number => Math.max(moving(op), computing(op));

/** Whether an op takes as long as it does because of its FLOPs. */
export const isHeavy = (op: Op): boolean => computing(op) > moving(op);

/** How many times as long a step takes, as estimated, as it would without the ops that are done again. */
export function slowdownOf(ops: readonly Op[]): number {
  let [all, again] = [0, 0];
  for (const op of ops) {
    const duration = durationOf(op);
    all += duration;
    if (op.pass === 'again') again += duration;
  }
  return all / (all - again);
}
