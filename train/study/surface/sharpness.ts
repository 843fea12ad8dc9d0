/** `sharpness`: minima that small and large batches lead to: how steeply the loss rises around them. */
import { first } from '../../../datasets/dataset.ts';
import { check } from '../../../engine/check.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { lenet5 } from '../../../models/lenet.ts';
import { Net } from '../../net/net.ts';
import { experiment, imageCount, inTurn } from '../experiment.ts';
import { imagesOfSplit } from '../robust/victim.ts';
import { scoresOf, type Scores } from '../with-trainer.ts';
import { between, filterDirection, moved, places } from './directions.ts';
import { sharpest } from './sharpest.ts';
import { DESCENT, scoreAt, scoresAt, withMinima, type Find, type Minimum } from './minimum.ts';

/** Sizes of the box around the weights, as in Keskar et al. */
const EPSILONS = [5e-4, 1e-3];

export const sharpness = experiment({
  about: 'Minima of small and of large batches: the line between them, random directions, and the worst weights nearby.',
  source: 'Keskar et al. 2017; Li et al. 2018',
  options: {
    small: number(16, 'images of a small batch', COUNT),
    large: number(250, 'images of a large batch', COUNT),
    images: number(1000, 'training images of Fashion-MNIST', imageCount('fashion-mnist', 64)),
    epochs: number(20, 'passes in small batches', COUNT),
    large_epochs: number(80, 'passes in large batches, which make fewer updates each', COUNT),
    points: number(21, 'places on each line', { ...COUNT, min: 3 }),
  },
  async run(lab, { small, large, images, epochs, large_epochs, points }) {
    const most = Math.max(small, large);
    check(most <= images, `sharpness: a batch of ${most} is more than the ${images} images`, `give 1 to ${images}, or more images`);
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const device = await lab.device();
    const kinds = [
      { name: `batches of ${small}`, size: small, epochs },
      { name: `batches of ${large}`, size: large, epochs: large_epochs },
    ];
    const { shape, classes } = dataset;
    const seen = first(dataset.train, 500);
    const { x, labels } = imagesOfSplit(dataset, seen);
    const minima: Minimum[] = [];
    const rows: Record<string, string | number>[] = [];
    const around: { name: string; points: (readonly [number, number])[] }[] = [];
    const line: (Scores & { share: number })[] = [];
    const net = await Net.build(device, lenet5({ shape, classes: classes.length }), { shape, batch: seen.n });
    const look = async (find: Find) => {
      await inTurn(
        lab,
        kinds,
        ({ name }) => name,
        async ({ name, size, epochs }) => {
          const given = { ...DESCENT, batchSize: String(size), epochs: String(epochs), seed: String(lab.seed) };
          const minimum = await find('lenet5', given, dataset);
          minima.push(minimum);
          const { trainer, weights } = minimum;
          const { train, test } = await scoresOf(trainer);
          const worst: Record<string, number> = {};
          for (const epsilon of EPSILONS) {
            worst[`sharpness, ${epsilon}`] = (await sharpest(net, weights, x, labels, epsilon)).sharpness;
          }
          rows.push({
            net: name,
            'training loss': train.loss,
            'training accuracy': train.accuracy!,
            'test accuracy': test.accuracy!,
            ...worst,
          });
          const direction = filterDirection(weights, lab.seed, 0);
          const losses: (readonly [number, number])[] = [];
          for (const at of places(-1, 1, points)) losses.push([at, (await scoreAt(trainer, moved(weights, [[direction, at]]))).loss]);
          around.push({ name, points: losses });
        },
      );
      const [a, b] = minima;
      for (const share of a && b && !lab.stopped ? places(-1, 2, points) : []) {
        line.push({ share, ...(await scoresAt(a!.trainer, between(a!.weights, b!.weights, share))) });
      }
    };
    try {
      await withMinima(lab, look);
    } finally {
      await device.idle();
      net.destroy();
    }
    return {
      title: `Minima of lenet5 in batches of ${small} and ${large}, ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
      rows,
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
          series: around,
        },
      ],
      values: { line, around },
    };
  },
});
