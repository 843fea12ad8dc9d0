import type { Kernel, Profile } from '../../shaders/kernel/kernel.ts';
import { reads, writes, type Op } from '../op.ts';
import { aliveAtOnce, bytesOf } from '../plan.ts';
import type { Tensor } from '../tensor.ts';

/** Calls that wait for each other keep so many bytes of activations at most, or this share of the most that are alive at once. */
const BYTES = 2 ** 23;
const SHARE = 1 / 32;

/**
 * Calls of a kernel that need nothing of each other become one, where the kernel has a way for that (see Together): it stands in the place of
 * the last of them, and nothing up to there touches what the others write, or writes what they read.
 */
export function together(ops: readonly Op[], kept: ReadonlySet<Tensor>, profile: Profile): Op[] {
  const instead = new Map<Op, Op | undefined>();
  const waiting = new Map<Kernel<any>, Op[]>();
  const budget = Math.max(BYTES, SHARE * aliveAtOnce(ops, kept));
  const fits = (all: readonly Op[], kernel: Kernel<any>): boolean => {
    const held = all.flatMap(reads).filter(t => t.role === 'activation');
    return kernel.together!.fits(all, profile) && held.reduce((sum, t) => sum + bytesOf(t), 0) <= budget;
  };
  const end = (kernel: Kernel<any>): void => {
    const all = waiting.get(kernel)!;
    waiting.delete(kernel);
    if (all.length < 2) return;
    for (const op of all) instead.set(op, undefined);
    instead.set(all.at(-1)!, { ...all.at(-1)!, ...kernel.together!.of(all) });
  };
  for (const op of ops) {
    const used = new Set(Object.values(op.tensors));
    const written = new Set(writes(op));
    const touches = (other: Op) => other.pass !== op.pass || writes(other).some(t => used.has(t)) || reads(other).some(t => written.has(t));
    for (const [kernel, all] of waiting) if (all.some(touches)) end(kernel);
    if (!op.kernel.together || op.pauses) continue;
    const before = waiting.get(op.kernel) ?? [];
    if (before.length && !fits([...before, op], op.kernel)) {
      end(op.kernel);
      waiting.set(op.kernel, [op]);
    } else waiting.set(op.kernel, [...before, op]);
  }
  for (const kernel of [...waiting.keys()]) end(kernel);
  return ops.flatMap(op => (instead.has(op) ? (instead.get(op) ?? []) : [op]));
}
