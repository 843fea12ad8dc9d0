/** Weights of classes in the loss, once the classes and their images are known. */
import { UNLABELLED } from '../../datasets/dataset.ts';
import { check, lookUp, named, say } from '../../engine/check.ts';

/** By the number of images, one for each class in their order, or by name; classes that are not named weigh 1. */
export type ClassWeights = 'balanced' | readonly number[] | Readonly<Record<string, number>>;

/**
 * The weight of each class. `balanced` is images / (classes * images of the class), as scikit-learn has it, of the `labels` that are trained
 * on; a class without any weighs nothing.
 */
export function weightsOf(given: ClassWeights, classes: readonly string[], labels: ArrayLike<number>): number[] {
  const weights = given === 'balanced' ? balanced(classes.length, labels) : given;
  if (Array.isArray(weights)) {
    check(
      weights.length === classes.length,
      say`${named('classWeights')}: ${weights.length} for ${classes.length} classes`,
      'give one for each, or some by name, as cat=2',
    );
    check(
      weights.some(weight => weight > 0),
      say`${named('classWeights')}: all are 0`,
      'give one above 0',
    );
    return weights;
  }
  const known = Object.fromEntries(classes.map(name => [name, name]));
  for (const name of Object.keys(weights)) lookUp(say`class in ${named('classWeights')}`, name, known);
  return classes.map(name => (weights as Readonly<Record<string, number>>)[name] ?? 1);
}

function balanced(classes: number, labels: ArrayLike<number>): number[] {
  const counts = Array<number>(classes).fill(0);
  let n = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === UNLABELLED) continue;
    counts[labels[i]!]!++;
    n++;
  }
  return counts.map(count => (count ? n / (classes * count) : 0));
}
