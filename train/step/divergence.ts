/** Losses that are no longer finite, and how they are told from other errors. */
import { DescentError, named, say, type Message } from '../../engine/check.ts';

/** `problem` begins with `the loss is NaN` or the like. */
export class Diverged extends DescentError {
  constructor(problem: string, ...advice: readonly Message[]) {
    super(problem, ...(advice.length ? advice : [say`lower ${named('lr')}`, say`run with ${named('debug')}, which names the layer`]));
  }
}

/** The name of the first of `weights` that holds NaN or an infinity. */
export const notFinite = (weights: Readonly<Record<string, { readonly data: Float32Array }>>): string | undefined =>
  Object.keys(weights).find(name => !weights[name]!.data.every(Number.isFinite));

/** A debugged step gave NaN or infinity, first in `node`. */
export class NonFinite extends Diverged {
  constructor(node: string, step: number, lr: number) {
    super(
      `NaN or infinity at step ${step}, first in ${node} (learning rate ${lr})`,
      say`lower ${named('lr')}`,
      'clip gradients',
      'look at the data',
    );
  }
}
