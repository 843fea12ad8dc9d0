/** What changes while a recipe is trained, as its trainer takes it. */
import { check, named, say } from '../../engine/check.ts';
import type { Recipe } from '../config/recipe.ts';
import type { RunData } from '../data/data.ts';
import type { Phase } from '../step/phases/phase.ts';
import type { Change } from '../step/trainer-options.ts';
import type { Schedule } from '../../optim/schedule.ts';

/** What makes a recipe's changes. */
export interface Making {
  /** What moves the weights that is not the recipe's. */
  readonly own: 'schedule' | 'optimizer' | undefined;
  /** The phases and the rates of a recipe. */
  readonly phasesOf: (recipe: Recipe) => readonly Phase[];
  readonly ratesOf: (recipe: Recipe) => Schedule | undefined;
  /** What the run begins with, and the same images augmented in another way; without that they are features, which are computed once. */
  readonly data: RunData;
  readonly augmented: ((augment: Recipe['augment']) => Promise<RunData>) | undefined;
}

/** In the order of the steps. Throws where what moves the weights would not hear of them, or images cannot be augmented so. */
export async function changesOf(recipe: Recipe, { own, phasesOf, ratesOf, data, augmented }: Making): Promise<Change[]> {
  check(!own || !recipe.changes, say`${named('changes')}: the ${own} is one of your own, which would not hear of them`, 'leave them out');
  const changes: Change[] = [];
  let now = { augment: recipe.augment, data };
  for (const { after, ...others } of recipe.changes ?? []) {
    const changed: Recipe = { ...recipe, ...others };
    if (JSON.stringify(changed.augment) !== JSON.stringify(now.augment)) {
      check(
        augmented,
        say`${named('changes')}: the features of images are computed once, before they could be augmented in another way`,
        say`leave ${named('augment')} as it is`,
      );
      now = { augment: changed.augment, data: await augmented(changed.augment) };
    }
    changes.push({ after, optimizer: phasesOf(changed), schedule: ratesOf(changed), data: now.data });
  }
  return changes;
}
