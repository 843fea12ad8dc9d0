/** The lessons, in the order of the courses. */
import { gradientDescent } from './gradient-descent.ts';
import type { Lesson } from './lesson.ts';
import { lossFunctions } from './loss-functions.ts';
import { momentum } from './momentum.ts';

export const LESSONS: readonly Lesson[] = [lossFunctions, gradientDescent, momentum];
