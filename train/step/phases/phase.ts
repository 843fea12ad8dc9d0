import type { Optimizer } from '../../../optim/optimizer.ts';
import type { QuasiNewton } from '../../../optim/quasi-newton.ts';

/** An optimizer and the steps that it does; the last one does what is left. */
export interface Phase {
  readonly optimizer: Optimizer | QuasiNewton;
  readonly steps?: number;
}
