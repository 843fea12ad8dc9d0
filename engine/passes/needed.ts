import type { Graph } from '../graph.ts';
import { writes, type Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/**
 * The ops without those whose results nobody needs: all that they write are activations, or unwanted, and no needed op reads it later. Of a
 * graph with frozen parameters these are the gradients of such, and what comes before the first layer that is trained.
 */
export function needed({ ops, kept, unwanted }: Pick<Graph, 'ops' | 'kept' | 'unwanted'>): readonly Op[] {
  const wanted = new Set<Tensor>(kept);
  const out: Op[] = [];
  for (const op of ops.toReversed()) {
    if (!writes(op).some(t => (t.role !== 'activation' && !unwanted.has(t)) || wanted.has(t))) continue;
    for (const t of Object.values(op.tensors)) wanted.add(t);
    out.push(op);
  }
  return out.reverse();
}
