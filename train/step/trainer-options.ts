/** What a trainer is made from. */
import { check, kindOf, type Known } from '../../engine/check.ts';
import type { Frozen } from '../../engine/graph.ts';
import type { Init } from '../../engine/tensor.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { QuasiNewton } from '../../optim/quasi-newton.ts';
import type { Schedule } from '../../optim/schedule.ts';
import type { Share } from '../data/share.ts';
import type { Tensors } from '../run/safetensors.ts';
import type { EvaluationOptions } from '../evaluate/evaluation-options.ts';
import type { Phase } from './phases/phase.ts';

/** Projected gradient descent in the largest norm, of pixels from 0 to 1. */
export interface Adversarial {
  readonly epsilon: number;
  /** Gradients of an attack. */
  readonly steps: number;
  /** How far each moves every pixel. */
  readonly size: number;
}

/** What is otherwise from the step after `after` on; the data are the same images, augmented in another way. */
export interface Change extends Pick<TrainerOptions, 'data' | 'optimizer' | 'schedule'> {
  readonly after: number;
}

/** What `Trainer.create` takes: what is trained, on which images, and how. */
export interface TrainerOptions extends EvaluationOptions {
  /** Micro-batches, all of one size, in which a step's batch is computed. */
  readonly accumulate?: number;
  /** lbfgs and bfgs take the first batch of the first epoch at every step. */
  readonly optimizer: Optimizer | QuasiNewton | readonly Phase[];
  /** The rates of the first phase; without it the optimizer's own rate. */
  readonly schedule?: Schedule;
  /** In the order of the steps. */
  readonly changes?: readonly Change[];
  readonly shuffle?: boolean;
  /** Images from easy to hard: by their loss under the weights that the run starts from. */
  readonly curriculum?: boolean;
  readonly smoothing?: number;
  /** Each batch is attacked so before it is learnt from; metrics of training steps are of the attacked images. */
  readonly adversarial?: Adversarial | undefined;
  /** Weights of the classes in the training loss, as PyTorch has them (see layers/loss.ts); evaluations go without. */
  readonly classWeights?: readonly number[] | undefined;
  /** Whether images are drawn with replacement, so that each class comes as often as any other. */
  readonly balanced?: boolean;
  /** First values of the weights of convolutions and dense layers (layers/init.ts), in place of PyTorch's default. */
  readonly weights?: Init;
  /** Those of their biases, by the inputs of each unit. */
  readonly biases?: (fanIn: number) => Init;
  /**
   * Parameters and running statistics that keep their values: such have no gradient and no state, and a batch norm goes by its statistics
   * where these are frozen.
   */
  readonly frozen?: Frozen | undefined;
  /** Weights that are kept with those of the model: of a frozen trunk, whose features the data are. */
  readonly beside?: Tensors | undefined;
  readonly debug?: boolean;
  /**
   * Whether activations are computed a second time in place of being kept; a number is how many times as long a step may take by estimate, 1
   * or more, true whatever memory asks for.
   */
  readonly checkpoint?: boolean | number;
  /** Whether activations are kept in f16 and the loss is scaled. Evaluations stay f32. */
  readonly half?: boolean;
  /** Whether the ranks of `exchange` compute a share of each batch; without it each has whole batches of its own. */
  readonly sharesBatches?: boolean;
  /** Whether the gradients of a step are the mean over ranks. */
  readonly sharesGradients?: boolean;
  /** Whether batch norm goes by the statistics of all ranks' images. */
  readonly syncBatchNorm?: boolean;
  /** Whether a step ends with its gradients: what moves the weights is elsewhere. */
  readonly withoutUpdate?: boolean;
}

/** Throws where what was given is no list of changes, as a program without types may. */
export function checkChanges(changes: readonly Change[]): void {
  const isChange = (each: Partial<Change> | undefined) => Number.isInteger(each?.after) && each!.optimizer && each!.data;
  const isList = Array.isArray(changes);
  check(
    isList && changes.every(isChange),
    `changes: ${kindOf(isList ? changes.find(each => !isChange(each)) : changes)} is none`,
    'give a list of { after, data, optimizer, schedule }',
  );
}

/** This rank among those that share a batch. */
export const shareOf = ({ exchange, sharesBatches }: TrainerOptions): Share => (sharesBatches && exchange) || { rank: 0, size: 1 };

/** All of them, for programs without types. */
export const TRAINER_OPTIONS: Known<TrainerOptions> = {
  device: true,
  model: true,
  data: true,
  batchSize: true,
  optimizer: true,
  schedule: true,
  changes: true,
  accumulate: true,
  loss: true,
  smoothing: true,
  adversarial: true,
  classWeights: true,
  balanced: 'boolean',
  seed: true,
  shuffle: 'boolean',
  curriculum: 'boolean',
  weights: true,
  biases: true,
  frozen: true,
  beside: true,
  population: 'boolean',
  debug: 'boolean',
  fuse: 'boolean',
  checkpoint: true,
  half: 'boolean',
  exchange: true,
  evaluatesAlone: 'boolean',
  sharesBatches: 'boolean',
  sharesGradients: 'boolean',
  syncBatchNorm: 'boolean',
  withoutUpdate: 'boolean',
};
