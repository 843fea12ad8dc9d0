/** A loss that is no longer finite: how it is said, and how it is told from other errors. */
import { DescentError } from '../../engine/check.ts';

/** The error for `what`, which begins with `the loss is NaN` or the like. */
export const divergence = (what: string): DescentError =>
  new DescentError(what, `lower --lr, or run with --debug, which names the layer; ${STAYS}`);

/** The error where a debugged step gave NaN or infinity, first in `node`. */
export const nonFinite = (node: string, step: number, lr: number): DescentError =>
  new DescentError(
    `NaN or infinity at step ${step}, first in ${node} (learning rate ${lr})`,
    `lower --lr, clip gradients, or look at the data; ${STAYS}`,
  );

/** What a message says of checkpoints where it is not known whether there is one. */
export const STAYS = 'the last checkpoint stays';

export const isDivergence = (error: unknown): error is DescentError =>
  error instanceof DescentError && /^the loss is (NaN|-?Infinity)/.test(error.message);
