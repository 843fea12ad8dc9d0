/** The lessons, in the order of the courses. */
import type { Lesson } from './lesson.ts';
import { lossFunctions } from './loss-functions.ts';
import { gradientDescent } from './gradient-descent.ts';
import { momentum } from './momentum.ts';
import { adaptiveRates } from './adaptive-rates.ts';
import { schedules } from './schedules.ts';
import { secondOrder } from './second-order.ts';
import { initialisation } from './initialisation.ts';
import { normalisation } from './normalisation.ts';
import { regularisation } from './regularisation.ts';
import { augmentation } from './augmentation.ts';
import { depthAndShortcuts } from './depth-and-shortcuts.ts';
import { averaging } from './averaging.ts';
import { robustness } from './robustness.ts';
import { uncertainty } from './uncertainty.ts';
import { parallelTraining } from './parallel-training.ts';

export const LESSONS: readonly Lesson[] = [
  lossFunctions,
  gradientDescent,
  momentum,
  adaptiveRates,
  schedules,
  secondOrder,
  initialisation,
  normalisation,
  regularisation,
  augmentation,
  depthAndShortcuts,
  averaging,
  robustness,
  uncertainty,
  parallelTraining,
];
