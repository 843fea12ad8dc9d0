/** `orders`: the same images class by class, in one order, shuffled anew in each epoch, and from easy to hard. */
import { imagesOf, valuesOf, type Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { experiment, inTurn, trainingImages } from '../experiment.ts';
import { deviationIn, mean, spreadOf } from '../statistics.ts';
import type { Given } from '../with-trainer.ts';
import { together, trained } from './members.ts';
import { curveOf, groupsOf, seedsOf } from './over-seeds.ts';

/** What each order is: of which images, and how they are taken. The file's own order is a shuffled one, the same in all epochs. */
const ORDERS: readonly { name: string; sorted?: boolean; given: Given }[] = [
  { name: 'sorted by class', sorted: true, given: { shuffle: false } },
  { name: 'one order', given: { shuffle: false } },
  { name: 'shuffled', given: {} },
  { name: 'easy to hard', given: { order: 'curriculum' } },
];

export const orders = experiment({
  about: 'Images sorted by class, in one order, shuffled anew, and from easy to hard; bands over seeds.',
  source: 'Bengio et al. 2009; Bengio 2012, section 3.1',
  options: {
    seeds: number(3, 'runs of each order', COUNT),
    images: trainingImages(6000, 128),
    epochs: number(3, 'passes', COUNT),
  },
  async run(lab, { seeds, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const byClass = await sortedByClass(dataset);
    const complete = await inTurn(
      lab,
      ORDERS.flatMap(order => seedsOf(lab, seeds).map(seed => ({ order, seed }))),
      ({ order, seed }) => `${order.name}, seed ${seed}`,
      async ({ order, seed }) => {
        const given = { ...order.given, optimizer: 'momentum', lr: '0.02', epochs: String(epochs), seed: String(seed) };
        const run = await trained(lab, 'lenet5', given, order.sorted ? byClass : dataset);
        return { name: order.name, lines: run.lines, ...together(run.predictions, dataset) };
      },
    );
    const groups = groupsOf(ORDERS, complete);
    const rows = groups.map(({ name, runs }) => {
      const accuracy = spreadOf(runs.map(run => run.accuracy));
      return {
        order: name,
        'test accuracy': accuracy.mean,
        'its deviation': deviationIn(accuracy),
        'test loss': mean(runs.map(run => run.loss)),
        runs: runs.length,
      };
    });
    return {
      title: `Orders of presentation: lenet5 on ${counted(images, 'image')} of Fashion-MNIST, ${counted(seeds, 'seed')}`,
      rows,
      shares: ['test accuracy', 'its deviation'],
      panels: [
        {
          kind: 'line',
          title: 'Loss on the batches',
          x: { label: 'epochs', min: 0, max: epochs },
          y: { label: 'cross-entropy', min: 0 },
          series: groups.map(({ name, runs }) => curveOf(name, runs, line => line.epoch)),
        },
        {
          kind: 'bar',
          title: 'Test accuracy',
          y: { label: 'accuracy', percent: true, min: 0, max: 1 },
          categories: rows.map(row => row.order),
          series: [{ name: 'mean over seeds', values: rows.map(row => row['test accuracy']) }],
        },
      ],
      values: complete,
    };
  },
});

/** The training images class after class, each in the order of the file. */
export async function sortedByClass(dataset: Dataset): Promise<Dataset> {
  const { train, shape, dtype } = dataset;
  const order = Uint32Array.from({ length: train.n }, (_, i) => i).sort((a, b) => train.labels[a]! - train.labels[b]! || a - b);
  const size = shape[0] * shape[1] * shape[2] * (dtype === 'float32' ? 4 : 1);
  const images = valuesOf(await imagesOf(train, size, order), dtype);
  return { ...dataset, train: { images, labels: Uint16Array.from(order, i => train.labels[i]!), n: train.n } };
}
