/** What of a recipe depends on whether a data set has classes or numbers to predict. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, named, say, type Message } from '../../engine/check.ts';
import { NUMERIC } from '../../layers/loss.ts';
import type { Recipe } from '../config/recipe.ts';

/** The loss that a data set is trained with where nobody says another. */
export const usualLoss = ({ outputs }: Pick<Dataset, 'outputs'>): string => (outputs ? NUMERIC[0]! : 'cross-entropy');

/** The recipe on a data set, with what it leaves to that. Throws where it asks of a regression for what only classes have. */
export function onDataset(recipe: Recipe, dataset: Dataset): Recipe {
  const { loss = usualLoss(dataset), earlyStop } = recipe;
  if (dataset.outputs) checkRegression(recipe, dataset.name, loss);
  const stratify = dataset.outputs && recipe.stratify ? ('none' as const) : recipe.stratify; // own data have it without being asked
  const decided = { loss, ...(stratify && { stratify }) };
  return {
    ...recipe,
    ...decided,
    config: { ...recipe.config, ...decided },
    ...(earlyStop && { earlyStop: { watched: dataset.outputs ? 'loss' : 'accuracy', ...earlyStop } }),
  };
}

function checkRegression({ ofClasses, augment, earlyStop, changes = [] }: Recipe, name: string, loss: string): void {
  const refuse = (is: boolean, what: Message, ...advice: readonly Message[]) =>
    check(!is, say`${what}: is of classes, and ${name} has numbers to predict`, ...(advice.length ? advice : ['leave it out']));
  refuse(!NUMERIC.includes(loss), say`${named('loss', loss)}`, say`give ${named('loss')} as one of ${NUMERIC.join(', ')}`);
  for (const option of ofClasses) refuse(true, option);
  refuse(
    [{ augment }, ...changes].some(({ augment }) => (augment?.views ?? 1) > 1),
    named('augment', 'augmix:consistency=true'),
  );
  refuse(earlyStop?.watched === 'accuracy', named('earlyStop', 'accuracy'), say`give ${named('earlyStop')} a number of epochs`);
}
