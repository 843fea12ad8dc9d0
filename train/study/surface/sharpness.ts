/** `sharpness`: minima that small and large batches lead to: how steeply the loss rises around them. */
import { first, type Dataset } from '../../../datasets/dataset.ts';
import { check } from '../../../engine/check.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { lenet5 } from '../../../models/lenet.ts';
import { Net } from '../../net/net.ts';
import { experiment, inTurn, trainingImages, type Lab } from '../experiment.ts';
import { imagesOfSplit, type Images } from '../robust/victim.ts';
import { scoresOf, type Scores } from '../with-trainer.ts';
import { filterDirection, moved, places } from './directions.ts';
import { sharpest } from './sharpest.ts';
import { DESCENT, scoreAt, scoresOnLine, withMinima, type Find, type Minimum, type OnLine } from './minimum.ts';

/** Sizes of the box around the weights, as in Keskar et al. */
const EPSILONS = [5e-4, 1e-3];

/** Training images on which that is measured. */
const SEEN = 500;

export const sharpness = experiment({
  about: 'Minima of small and of large batches: the line between them, random directions, and the worst weights nearby.',
  source: 'Keskar et al. 2017; Li et al. 2018',
  options: {
    small: number(16, 'images of a small batch', COUNT),
    large: number(250, 'images of a large batch', COUNT),
    images: trainingImages(1000, 64),
    epochs: number(20, 'passes in small batches', COUNT),
    large_epochs: number(80, 'passes in large batches, which make fewer updates each', COUNT),
    points: number(21, 'places on each line', { ...COUNT, min: 3 }),
  },
  async run(lab, { small, large, images, epochs, large_epochs, points }) {
    const most = Math.max(small, large);
    check(most <= images, `sharpness: a batch of ${most} is more than the ${images} images`, `give 1 to ${images}, or more images`);
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const sizes = [
      { size: small, epochs },
      { size: large, epochs: large_epochs },
    ];
    const { ends, line } = await looked(lab, dataset, sizes, points);
    return {
      title: `Minima of lenet5 in batches of ${small} and ${large}, ${counted(images, 'image')} of Fashion-MNIST`,
      rows: ends.map(({ name, train, test, sharpness }) => ({
        net: name,
        'training loss': train.loss,
        'training accuracy': train.accuracy!,
        'test accuracy': test.accuracy!,
        ...Object.fromEntries(sharpness.map(([epsilon, value]) => [`sharpness, ${epsilon}`, value])),
      })),
      shares: ['training accuracy', 'test accuracy'],
      panels: [
        {
          kind: 'line',
          title: `From batches of ${small} (0) to batches of ${large} (1)`,
          x: { label: 'share of the way', min: -1, max: 2 },
          y: { label: 'cross-entropy', log: true },
          series: (['train', 'test'] as const).map(part => ({
            name: part,
            points: line.map(p => [p.share, p[part].loss] as const),
            dashed: part === 'test',
          })),
        },
        {
          kind: 'line',
          title: 'Along a random direction',
          x: { label: 'lengths of the filters', min: -1, max: 1 },
          y: { label: 'training cross-entropy', log: true },
          series: ends.map(({ name, around }) => ({ name, points: around })),
        },
      ],
      values: { line, around: ends.map(({ name, around }) => ({ name, points: around })) },
    };
  },
});

/** A run by the size of its batches. */
interface Size {
  readonly size: number;
  readonly epochs: number;
}

/** A minimum, and what is around it. */
interface End extends Scores {
  readonly name: string;
  /** By the size of the box. */
  readonly sharpness: readonly (readonly [epsilon: number, sharpness: number])[];
  /** The training loss along a random direction. */
  readonly around: readonly (readonly [at: number, loss: number])[];
}

/** The minima that batches of two sizes lead to, and the line between them, empty where that was stopped before both were known. */
async function looked(lab: Lab, dataset: Dataset, sizes: readonly Size[], points: number): Promise<{ ends: End[]; line: OnLine[] }> {
  const device = await lab.device();
  const { shape, classes } = dataset;
  const seen = first(dataset.train, SEEN);
  const net = await Net.build(device, lenet5({ shape, classes: classes.length }), { shape, batch: seen.n });
  const minima: Minimum[] = [];
  const look = async (find: Find, { size, epochs }: Size): Promise<End> => {
    const given = { ...DESCENT, batchSize: String(size), epochs: String(epochs), seed: String(lab.seed) };
    const minimum = await find('lenet5', given, dataset);
    minima.push(minimum);
    const scores = await scoresOf(minimum.trainer);
    const sharpness = await sharpnessOf(net, minimum, imagesOfSplit(dataset, seen));
    return { name: nameOf(size), ...scores, sharpness, around: await lossesAround(minimum, places(-1, 1, points), lab.seed) };
  };
  try {
    return await withMinima(lab, async find => {
      const ends = await inTurn(
        lab,
        sizes,
        ({ size }) => nameOf(size),
        size => look(find, size),
      );
      const [a, b] = minima;
      return { ends, line: a && b && !lab.stopped ? await scoresOnLine([a, b], places(-1, 2, points)) : [] };
    });
  } finally {
    await device.idle();
    net.destroy();
  }
}

const nameOf = (size: number): string => `batches of ${size}`;

async function sharpnessOf(net: Net, { weights }: Minimum, { x, labels }: Images): Promise<End['sharpness']> {
  const found: [number, number][] = [];
  for (const epsilon of EPSILONS) found.push([epsilon, (await sharpest(net, weights, x, labels, epsilon)).sharpness]);
  return found;
}

async function lossesAround({ trainer, weights }: Minimum, shares: readonly number[], seed: number): Promise<End['around']> {
  const direction = filterDirection(weights, seed, 0);
  const losses: [number, number][] = [];
  for (const at of shares) losses.push([at, (await scoreAt(trainer, moved(weights, [[direction, at]]))).loss]);
  return losses;
}
