import { checkFinite } from '../../shaders/kernel/check-finite.ts';
import { typeOf } from '../../shaders/kernel/kernel.ts';
import type { Graph } from '../graph.ts';
import { writes, type Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/**
 * The ops, with a check of what it wrote after each of them; the flags of all lie in one buffer. Gradients of a scaled loss may overflow:
 * the update checks those.
 */
export function withChecks(graph: Graph, ops: readonly Op[]): { ops: Op[]; checked: readonly Op[]; flags: Tensor } {
  const flags = graph.persistent('state', 'non-finite flags', [ops.length]);
  const holdsFloats = (op: Op, t: Tensor) =>
    Object.entries(op.tensors).every(([name, other]) => other !== t || typeOf(op.kernel.bindings[name]!) !== 'u32');
  const checks = (op: Op, at: number): Op[] => {
    if (op.scaled) return [];
    const floats = writes(op).filter(t => holdsFloats(op, t));
    return floats.map(t => ({ ...op, kernel: checkFinite, params: { n: t.size, at }, tensors: { x: t, flags } }));
  };
  return { ops: ops.flatMap((op, at) => [op, ...checks(op, at)]), checked: ops, flags };
}
