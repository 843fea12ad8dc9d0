/** Whether the features of a frozen trunk are computed once, in place of at each step. */
import { check, named, say, type Message } from '../../engine/check.ts';
import type { Recipe } from '../config/recipe.ts';
import type { Exchange } from '../distribute/exchange.ts';
import { goesByData } from '../init/schemes.ts';
import { featuresOf, type FeatureOptions, type Features } from './features.ts';
import type { Tuning } from './tuning.ts';

/** What trains in place of a model whose frozen trunk gives the same features each time, where that saves work. */
export async function featuresFor(
  recipe: Recipe,
  made: Pick<FeatureOptions, 'device' | 'model' | 'data' | 'drawn'>,
  { start, frozen }: Tuning,
  exchange: Exchange | undefined,
): Promise<Features | undefined> {
  const { augment, featureViews: views = 0, batchSize, steps = Infinity, precision, adversarial, seed, fuse } = recipe;
  check(
    !views || (augment && frozen),
    say`${named('featureViews')}: is of images that are augmented before a frozen trunk`,
    say`give ${named('augment')} and ${named('freeze')} too, or leave it out`,
  );
  const isMixed = augment?.mix.length || (augment?.views ?? 1) > 1;
  check(
    !views || !isMixed,
    say`${named('featureViews')}: images that are mixed or shown side by side have no features of their own`,
    'leave it out',
  );
  // Fewer steps would not see each image; with views an epoch is longer, which it must be of a run that may go on with more steps too.
  const once = views > 0 || steps * batchSize >= made.data.parts.train.n;
  // What is asked here is else the same of a run that goes on, whose weights say nothing of how it began.
  if (!frozen || !once || exchange || adversarial !== undefined || precision === 'f16' || goesByData(recipe) || (augment && !views))
    return undefined;
  return featuresOf({ ...made, frozen, weights: start?.weights, seed, fuse, views });
}

/** What became of a frozen trunk. */
export function toldOf({ featureViews }: Recipe, features: Features | undefined): Message[] {
  if (features)
    return [say`${named('freeze')}: the ${features.size} features of each image are computed once, and the rest trains on them`];
  if (!featureViews) return [];
  return [say`${named('featureViews')}: the frozen layers give no features here, so that each image is augmented anew at each step`];
}
