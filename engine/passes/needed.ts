import { writes, type Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/**
 * The ops without those whose results nobody needs: all that they write are activations that no needed op reads later. Of a graph with frozen
 * parameters these are the gradients of such, and what comes before the first layer that is trained.
 */
export function needed(ops: readonly Op[], kept: ReadonlySet<Tensor>): Op[] {
  const wanted = new Set<Tensor>(kept);
  const out: Op[] = [];
  for (const op of ops.toReversed()) {
    if (!writes(op).some(t => t.role !== 'activation' || wanted.has(t))) continue;
    for (const t of Object.values(op.tensors)) wanted.add(t);
    out.push(op);
  }
  return out.reverse();
}
