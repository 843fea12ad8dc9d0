/** What a trainer is made from, and what of it an evaluation needs. */
import type { Device } from '../../engine/device.ts';
import type { Init, Layer } from '../../engine/graph.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { QuasiNewton } from '../../optim/quasi-newton.ts';
import type { Schedule } from '../../optim/schedule.ts';
import type { RunData } from '../data/data.ts';
import type { Phase } from './phases.ts';

export interface EvaluationOptions {
  readonly device: Device;
  readonly model: Layer;
  readonly data: RunData;
  /** Images of one run of a program, or where that is computed in micro-batches (see TrainerOptions) of one step. */
  readonly batchSize: number;
  readonly seed?: number;
  /** A name of layers/loss.ts; cross-entropy without it. Where a batch holds several views cross-entropy is jensen-shannon. */
  readonly loss?: string;
  readonly fuse?: boolean;
  /** Whether an evaluation takes the batch-norm statistics of all training images in place of the running ones. */
  readonly population?: boolean;
}

export interface TrainerOptions extends EvaluationOptions {
  /** Micro-batches, all of one size, in which a step's batch is computed. */
  readonly accumulate?: number;
  /** lbfgs and bfgs take the first batch of the first epoch at every step. */
  readonly optimizer: Optimizer | QuasiNewton | readonly Phase[];
  /** Of the first phase; without it the optimizer's own rate. */
  readonly schedule?: Schedule;
  readonly shuffle?: boolean;
  /** Images from easy to hard: by their loss under the weights that the run starts from. */
  readonly curriculum?: boolean;
  readonly smoothing?: number;
  /** First values of the weights of convolutions and dense layers (layers/init.ts), in place of PyTorch's default. */
  readonly weights?: Init;
  readonly debug?: boolean;
  /** Whether activations inside segments of the net are computed a second time in place of being kept. */
  readonly checkpoint?: boolean;
  /** Whether activations are kept in f16 and the loss is scaled. Evaluations stay f32. */
  readonly half?: boolean;
}
