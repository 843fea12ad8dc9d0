/** `small-batches`: batch norm, group norm, and group norm over standardised weights, by the size of the batch. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, trainingImages } from '../experiment.ts';
import { deviationIn, spreadOf, type Spread } from '../statistics.ts';
import { scored } from './members.ts';
import { bandAt, seedsOf } from './over-seeds.ts';
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
    images: trainingImages(600, 16),
    epochs: number(2, 'passes', COUNT),
  },
  async run(lab, { seeds, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const kinds = SIZES.flatMap(size => WAYS.map(way => ({ size, way })));
    const complete = await inTurn(
      lab,
      kinds.flatMap(kind => seedsOf(lab, seeds).map(seed => ({ ...kind, seed }))),
      ({ size, way, seed }) => `${way.name}, batches of ${size}, seed ${seed}`,
      async ({ size, way: { name, options }, seed }) => {
        const common = { optimizer: 'momentum', schedule: 'cosine', initScheme: 'he-normal', epochs: String(epochs), seed: String(seed) };
        const given = { ...common, batchSize: String(size), lr: String(RATE * size) };
        const { train, test } = await scored(lab, `norm-net:${options}`, given, dataset);
        return { name, size, train: train.accuracy!, test: test.accuracy!, loss: test.loss };
      },
    );
    const groups = kinds.flatMap(({ size, way: { name } }): Group[] => {
      const own = complete.filter(run => run.name === name && run.size === size);
      return own.length ? [{ name, size, test: spreadOf(own.map(run => run.test)), train: spreadOf(own.map(run => run.train)) }] : [];
    });
    return {
      title: `Norms in small batches: six convolutions, ${counted(images, 'image')} of Fashion-MNIST`,
      rows: groups.map(({ name, size, test, train }) => ({
        batch: size,
        norm: name,
        rate: RATE * size,
        'test accuracy': test.mean,
        'its deviation': deviationIn(test),
        'training accuracy': train.mean,
      })),
      shares: ['test accuracy', 'its deviation', 'training accuracy'],
      panels: [accuracyPanel('test', groups), accuracyPanel('train', groups)],
      values: complete,
    };
  },
});

/** The accuracies of a norm in batches of one size, over seeds. */
interface Group {
  readonly name: string;
  readonly size: number;
  readonly test: Spread;
  readonly train: Spread;
}

const accuracyPanel = (part: 'test' | 'train', groups: readonly Group[]): Panel => ({
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
      band: own.map(group => bandAt(group.size, group[part])),
    };
  }),
});
