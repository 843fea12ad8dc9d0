/** Data sets that say themselves which images are for validation. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, named, say } from '../../engine/check.ts';

/** Throws where a share to hold out is asked for of a data set that has images for validation of its own. */
export const checkShare = ({ name, validation }: Dataset, asked: unknown): void =>
  check(
    asked === undefined || !validation,
    say`${named('valSplit')}: ${name} has ${validation ?? 0} images of its own for validation`,
    'leave it out',
    'move them to the training images',
  );
