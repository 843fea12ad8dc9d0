/** The batch of a run on few images. */
import { OPTIONS } from '../../train/config/options.ts';

/** Steps that an epoch of few images has at least. */
const STEPS = 4;

/** What is asked for, or where that is the usual batch and there are fewer than its images to train on, one of which an epoch has several. */
export function batchFor(asked: number, images: number): number {
  const usual = OPTIONS.batchSize.default;
  return asked !== usual || images >= usual ? asked : 2 ** Math.max(0, Math.floor(Math.log2(images / STEPS)));
}
