/** What an evaluation is made from. */
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Loss } from '../../layers/loss.ts';
import type { RunData } from '../data/data.ts';
import type { Exchange } from '../distribute/exchange.ts';

/** What is to be evaluated, on which images. */
export interface EvaluationOptions {
  readonly device: Device;
  readonly model: Layer;
  readonly data: RunData;
  /** Images of one run of a program; of a trainer those of one step, which may be computed in micro-batches. */
  readonly batchSize: number;
  readonly seed?: number;
  /**
   * A name of layers/loss.ts, or a loss of one's own; cross-entropy without it, of a regression mse. Where a batch holds several views
   * cross-entropy is jensen-shannon.
   */
  readonly loss?: string | Loss;
  readonly fuse?: boolean;
  /** Whether an evaluation takes the batch-norm statistics of all training images in place of the running ones. */
  readonly population?: boolean;
  /** The ranks of a job, which share the images of an evaluation out. */
  readonly exchange?: Exchange | undefined;
  /** Whether each rank evaluates on all images by itself, since another may be lost meanwhile. */
  readonly evaluatesAlone?: boolean;
}
