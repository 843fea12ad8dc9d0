import { stagesOf, type Profile, type Staged } from '../../shaders/kernel/kernel.ts';
import { halves, made, usesOf, writes, type Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/**
 * The ops, each that is done in stages on this adapter as these (see Staged), which may have stages themselves. `profileFor` is that of a
 * call by its bindings of f16. What the host may read, because it lasts or is kept, is written whole.
 */
export function stage(ops: readonly Op[], kept: ReadonlySet<Tensor>, profileFor: (halves: readonly string[]) => Profile): Op[] {
  const { readers } = usesOf(ops);
  const now = new Map<Op, Op>();
  const nowOf = (op: Op): Op => now.get(op) ?? op;
  const isSeen = (t: Tensor): boolean => t.role !== 'activation' || kept.has(t);
  return ops.flatMap(before => {
    const op = nowOf(before);
    const profile = profileFor(halves(op));
    const way = stagesOf(op.kernel, op.params, profile);
    if (!way) return [op];
    const after = writes(op).some(isSeen) ? [] : writes(op).flatMap(t => readers.get(t) ?? []);
    const lean = after.length ? way.lean?.<Tensor, Op>(op, after.map(nowOf)) : undefined;
    if (lean) after.forEach((reader, i) => now.set(reader, lean.readers[i]!));
    return stage(stagesBy(way, lean?.call ?? op, profile), kept, profileFor);
  });
}

/** The ops in the place of one. */
export const stagesBy = (way: Staged<any>, op: Op, profile: Profile): readonly Op[] =>
  way.gives<Tensor, Op>(op, profile, (name, shape) => made(op, name, shape));
