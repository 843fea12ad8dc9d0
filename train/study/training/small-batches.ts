/** `small-batches`: batch norm, group norm, and group norm over standardised weights, by the size of the batch. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { experiment, imageCount, inTurn } from '../experiment.ts';
import { deviationIn, spreadOf } from '../statistics.ts';
import { scored } from './members.ts';
import '../comparison/nets.ts'; // has norm-net among the models

const SIZES = [1, 2, 4, 16];
/** The rate for one image; it grows in proportion to the batch (Goyal et al. 2017). */
const RATE = 0.002;
const WAYS = [
  { name: 'batch norm', options: 'norm=batch' },
  { name: 'group norm', options: 'norm=group' },
  { name: 'group norm, weights standardised', options: 'norm=group,standardise=true' },
];

export const smallBatches = experiment({
  about: 'Batch norm, group norm, and group norm with weight standardisation, in batches of 1 to 16.',
  source: 'Wu & He 2018; Qiao et al. 2019',
  options: {
    seeds: number(1, 'runs of each', COUNT),
    images: number(600, 'training images of Fashion-MNIST', imageCount('fashion-mnist', 16)),
    epochs: number(2, 'passes', COUNT),
  },
  async run(lab, { seeds, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const runs = SIZES.flatMap(size => WAYS.flatMap(way => Array.from({ length: seeds }, (_, k) => ({ size, way, seed: lab.seed + k }))));
    const complete = await inTurn(
      lab,
      runs,
      ({ size, way, seed }) => `${way.name}, batches of ${size}, seed ${seed}`,
      async ({ size, way: { name, options }, seed }) => {
        const common = { optimizer: 'momentum', schedule: 'cosine', initScheme: 'he-normal', epochs: String(epochs), seed: String(seed) };
        const given = { ...common, batchSize: String(size), lr: String(RATE * size) };
        const { train, test } = await scored(lab, `norm-net:${options}`, given, dataset);
        return { name, size, train: train.accuracy!, test: test.accuracy!, loss: test.loss };
      },
    );
    const groups = SIZES.flatMap(size =>
      WAYS.flatMap(({ name }) => {
        const own = complete.filter(run => run.name === name && run.size === size);
        return own.length ? [{ name, size, test: spreadOf(own.map(run => run.test)), train: spreadOf(own.map(run => run.train)) }] : [];
      }),
    );
    return {
      title: `Norms in small batches: six convolutions, ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
      rows: groups.map(({ name, size, test, train }) => ({
        batch: size,
        norm: name,
        rate: RATE * size,
        'test accuracy': test.mean,
        'its deviation': deviationIn(test),
        'training accuracy': train.mean,
      })),
      shares: ['test accuracy', 'its deviation', 'training accuracy'],
      panels: (['test', 'train'] as const).map(part => ({
        kind: 'line',
        title: `Accuracy on ${part === 'test' ? 'test' : 'training'} images`,
        x: { label: 'images of a batch', log: 2, min: 1, max: SIZES.at(-1)! },
        y: { label: 'accuracy', percent: true, min: 0 },
        series: WAYS.map(({ name }) => {
          const own = groups.filter(group => group.name === name);
          return {
            name,
            dots: true,
            points: own.map(group => [group.size, group[part].mean] as const),
            band: own.map(({ size, [part]: { mean, deviation } }) => [size, mean - deviation, mean + deviation] as const),
          };
        }),
      })),
      values: complete,
    };
  },
});
