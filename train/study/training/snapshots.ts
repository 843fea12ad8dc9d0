/** `snapshots`: one run whose rate falls to nothing several times, the nets at the end of each cycle, and the mean of what they say. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { experiment, inTurn, trainingImages } from '../experiment.ts';
import { curvesOf, together, trained } from './members.ts';

const LR = '0.1';

export const snapshots = experiment({
  about: 'A rate that falls to 0 again and again: the nets at each end, their mean, and one long fall beside them.',
  source: 'Huang et al. 2017',
  options: {
    cycles: number(5, 'falls of the rate', { ...COUNT, min: 2 }),
    images: trainingImages(12_000, 64),
    epochs: number(1, 'passes of each cycle', COUNT),
  },
  async run(lab, { cycles, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const common = { optimizer: 'momentum', lr: LR, epochs: String(cycles * epochs), seed: String(lab.seed) };
    const runs = await inTurn(
      lab,
      [
        { name: `${cycles} cycles`, given: { ...common, snapshots: String(cycles) } },
        { name: 'one fall', given: { ...common, schedule: 'cosine' } },
      ],
      ({ name }) => name,
      async ({ name, given }) => ({ name, ...(await trained(lab, 'lenet5', given, dataset, cycles)) }),
    );
    const [cyclic, plain] = runs;
    const ends = snapshotsOf(cyclic?.predictions ?? [], dataset);
    const alone = plain && together(plain.predictions.slice(-1), dataset);
    const marks = ends.map(({ snapshot }) => ({ x: snapshot * epochs, label: `snapshot ${snapshot}` }));
    const x = { label: 'epochs', min: 0, max: cycles * epochs };
    return {
      title: `Snapshots of ${cycles} cycles: lenet5 on ${counted(images, 'image')} of Fashion-MNIST`,
      rows: [...ends, ...(alone ? [{ snapshot: 'one fall', accuracy: alone.accuracy, loss: alone.loss }] : [])],
      shares: ['accuracy', 'mean of that many last'],
      panels: [
        { kind: 'line', title: 'Rate', x, y: { label: 'learning rate', min: 0 }, series: curvesOf(runs, line => line.lr) },
        {
          kind: 'line',
          title: 'Training loss',
          x,
          y: { label: 'cross-entropy', min: 0 },
          series: curvesOf(runs, line => line.loss),
          marks,
        },
        {
          kind: 'line',
          title: 'Test accuracy',
          x: { label: 'snapshot, or members of the mean', min: 1, max: cycles },
          y: { label: 'accuracy', percent: true },
          series: [
            { name: 'snapshot by itself', points: ends.map(end => [end.snapshot, end.accuracy] as const), dots: true },
            { name: 'mean of the last ones', points: ends.map(end => [end.snapshot, end['mean of that many last']] as const), dots: true },
            ...(alone ? [{ name: 'one fall', points: [1, cycles].map(k => [k, alone.accuracy] as const), dashed: true }] : []),
          ],
        },
      ],
      values: { snapshots: ends, plain: alone },
    };
  },
});

/** What each snapshot scores on the test images by itself, and the mean of as many last ones: these are the best. */
const snapshotsOf = (predictions: readonly Float32Array[], dataset: Dataset) =>
  predictions.map((p, k) => {
    const own = together([p], dataset);
    const mean = together(predictions.slice(predictions.length - 1 - k), dataset);
    return { snapshot: k + 1, accuracy: own.accuracy, loss: own.loss, 'mean of that many last': mean.accuracy, 'its loss': mean.loss };
  });
