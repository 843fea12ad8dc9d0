import { stagesOf, type Profile } from '../../shaders/kernel/kernel.ts';
import { halves, made, type Op } from '../op.ts';

/** The ops, each that is done in stages on this adapter as these (see Staged). `profileFor` is that of a call by its bindings of f16. */
export const stage = (ops: readonly Op[], profileFor: (halves: readonly string[]) => Profile): Op[] =>
  ops.flatMap(op => {
    const profile = profileFor(halves(op));
    return stagesOf(op.kernel, op.params, profile)?.gives(op, profile, (name, shape) => made(op, name, shape)) ?? [op];
  });
