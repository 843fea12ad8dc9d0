/** What private training cannot have, and what it has spent. */
import { UNLABELLED } from '../../datasets/dataset.ts';
import { check, named, say, type Message } from '../../engine/check.ts';
import type { Graph } from '../../engine/graph.ts';
import { epsilonOf, type Privacy, type Spent } from '../../optim/accountant.ts';
import type { TrainerOptions } from './trainer-options.ts';

/** Throws where a run cannot clip the gradient of each image by itself, or its images do not come by chance. */
export function checkPrivate(o: TrainerOptions, graph: Graph, { delta }: Privacy): void {
  const { batchSize, accumulate = 1, data, classWeights, balanced, shuffle = true, curriculum, half, exchange, schedule } = o;
  const who = named('dp');
  const norm = graph.layers.find(layer => layer.running);
  check(
    !norm,
    say`${who}: batch norm${norm?.path ? ` (${norm.path})` : ''} joins the images of a batch, and the gradient of one alone does not exist`,
    'take a model without it, as lenet5',
    say`leave it as it is with ${named('freeze')}`,
  );
  const { n, labels } = data.parts.train;
  const refused: readonly [boolean | undefined, Message][] = [
    [Boolean(data.augment?.mix.length), named('augment', data.augment?.mix[0]?.name)],
    [Boolean(classWeights) || labels.includes(UNLABELLED), named(classWeights ? 'classWeights' : 'ignoreLabel')],
    [balanced, named('sample', 'balanced')],
    [!shuffle, named('shuffle')],
    [curriculum, named('order', 'curriculum')],
    [half, named('precision', 'f16')],
    [exchange !== undefined, named('distribute')],
    [schedule?.grows, named('schedule', 'batch-growth')],
    [accumulate !== batchSize, named('accumulate', accumulate)],
  ];
  const wrong = refused.find(([is]) => is);
  check(
    !wrong,
    say`${who}: takes each image by itself, drawn by chance, which ${wrong?.[1] ?? ''} does not go with`,
    'leave one of the two out',
  );
  check(delta * n < 1, say`${who}: delta ${delta} is no less than one in ${n} images`, `give less than ${Number((1 / n).toPrecision(2))}`);
}

/** How private so many steps are: batches count as drawn by chance from the training images. */
export function spending({ batchSize, data }: TrainerOptions, { noise, delta }: Privacy): (steps: number) => Spent {
  const rate = batchSize / data.parts.train.n;
  return steps => ({ epsilon: epsilonOf({ rate, noise }, steps, delta), delta });
}
