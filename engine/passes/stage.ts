import { stagesOf, type Profile, type Staged } from '../../shaders/kernel/kernel.ts';
import { halves, made, type Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/**
 * The ops, each that is done in stages on this adapter as these (see Staged), which may have stages themselves. `profileFor` is that of a
 * call by its bindings of f16.
 */
export const stage = (ops: readonly Op[], profileFor: (halves: readonly string[]) => Profile): Op[] =>
  ops.flatMap(op => {
    const profile = profileFor(halves(op));
    const way = stagesOf(op.kernel, op.params, profile);
    return way ? stage(stagesBy(way, op, profile), profileFor) : [op];
  });

/** The ops in the place of one. */
export const stagesBy = (way: Staged<any>, op: Op, profile: Profile): readonly Op[] =>
  way.gives<Tensor, Op>(op, profile, (name, shape) => made(op, name, shape));
