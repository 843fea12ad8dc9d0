import type { Kernel, Profile } from '../../shaders/kernel/kernel.ts';
import { reads, writes, type Op } from '../op.ts';

/**
 * Calls of a kernel that need nothing of each other become one, where the kernel has a way for that (see Together): it stands in the place of
 * the last of them, and nothing up to there touches what the others write, or writes what they read.
 */
export function together(ops: readonly Op[], profile: Profile): Op[] {
  const instead = new Map<Op, Op | undefined>();
  const waiting = new Map<Kernel<any>, Op[]>();
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
    for (const [kernel, all] of waiting) {
      if (all.some(other => other.pass !== op.pass || writes(other).some(t => used.has(t)) || reads(other).some(t => written.has(t))))
        end(kernel);
    }
    if (!op.kernel.together || op.pauses) continue;
    const before = waiting.get(op.kernel) ?? [];
    if (!op.kernel.together.fits([...before, op], profile)) {
      if (before.length) end(op.kernel);
      waiting.set(op.kernel, [op]);
    } else waiting.set(op.kernel, [...before, op]);
  }
  for (const kernel of [...waiting.keys()]) end(kernel);
  return ops.flatMap(op => (instead.has(op) ? (instead.get(op) ?? []) : [op]));
}
