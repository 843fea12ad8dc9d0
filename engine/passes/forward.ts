import { writes, type Op } from '../op.ts';
import { bytesAlong, bytesOf } from '../plan.ts';
import type { Tensor } from '../tensor.ts';

/** What checkpointing goes by in the forward pass. */
export interface Forward {
  /** Number of its ops. */
  readonly count: number;
  /** What is done in place of each where it is done again. */
  readonly again: readonly Op[];
  /** First and last forward op that touches an activation, and the ops that write it. */
  readonly first: ReadonlyMap<Tensor, number>;
  readonly last: ReadonlyMap<Tensor, number>;
  readonly writers: ReadonlyMap<Tensor, number[]>;
  /** Activations that the backward pass reads. */
  readonly saved: ReadonlySet<Tensor>;
  /** Activations that are kept in any case: the program keeps them, or they come from ops that write persistent tensors. */
  readonly once: ReadonlySet<Tensor>;
  /** Bytes of all saved activations, and those of each op that are first touched there. */
  readonly bytes: number;
  readonly savedAt: Float64Array;
  /** Bytes of activations that are touched both before each op and from it on. */
  readonly crossing: Float64Array;
}

const activations = (tensors: readonly Tensor[]) => tensors.filter(t => t.role === 'activation');

export function forwardOf(ops: readonly Op[], kept: ReadonlySet<Tensor>): Forward {
  const end = ops.findIndex(op => op.pass !== 'forward');
  const count = end < 0 ? ops.length : end;
  const forward = ops.slice(0, count);
  const backward = ops.slice(count);
  const first = new Map<Tensor, number>();
  const last = new Map<Tensor, number>();
  const writers = new Map<Tensor, number[]>();
  const once = new Set(kept);
  const again = forward.map(op => op.kernel.repeated?.<Tensor, Op>(op) ?? op);
  const persistent = new Set(forward.flatMap(writes).filter(t => t.role !== 'activation'));
  forward.forEach((op, i) => {
    const written = activations(writes(op));
    for (const t of activations(Object.values(op.tensors))) {
      if (!first.has(t)) first.set(t, i);
      last.set(t, i);
    }
    for (const t of written) writers.set(t, [...(writers.get(t) ?? []), i]);
    const repeats = Object.values(again[i]!.tensors).some(t => persistent.has(t)) ? [] : writes(again[i]!);
    for (const t of written) if (!repeats.includes(t)) once.add(t);
  });
  const saved = new Set(backward.flatMap(op => activations(Object.values(op.tensors))).filter(t => first.has(t)));
  const savedAt = new Float64Array(count);
  for (const t of saved) savedAt[first.get(t)!]! += bytesOf(t);
  const behind = new Map(Array.from(first, ([t, i]) => [t, i + 1] as const));
  const crossing = bytesAlong(count + 1, behind, last);
  return { count, again, first, last, writers, saved, once, bytes: savedAt.reduce((a, b) => a + b, 0), savedAt, crossing };
}
