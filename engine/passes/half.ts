import { typeOf } from '../../shaders/kernel/kernel.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/**
 * The ops with activations kept in f16 (Micikevicius et al. 2018): all but those that are wanted after the step and those that a kernel
 * sums up in or asks for in f32. What lasts (parameters, their gradients, states) stays f32, and so does all arithmetic: kernels convert
 * where they load and store.
 */
export function halve(ops: readonly Op[], kept: ReadonlySet<Tensor>): Op[] {
  const whole = new Set<Tensor>(kept);
  const half = new Map<Tensor, Tensor>();
  for (const op of ops) {
    for (const [name, t] of Object.entries(op.tensors)) if (typeOf(op.kernel.bindings[name]!)) whole.add(t);
  }
  const stored = (t: Tensor): Tensor => {
    if (t.role !== 'activation' || whole.has(t)) return t;
    if (!half.has(t)) half.set(t, { ...t, half: true });
    return half.get(t)!;
  };
  return ops.map(op => {
    const tensors = Object.entries(op.tensors).map(([name, t]) => [name, stored(t)] as const);
    return { ...op, tensors: Object.fromEntries(tensors) };
  });
}
