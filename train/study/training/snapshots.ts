/** `snapshots`: one run whose rate falls to nothing several times, the nets at the end of each cycle, and the mean of what they say. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { experiment, imageCount, inTurn } from '../experiment.ts';
import { together, trained } from './members.ts';

const LR = '0.1';

export const snapshots = experiment({
  about: 'A rate that falls to 0 again and again: the nets at each end, their mean, and one long fall beside them.',
  source: 'Huang et al. 2017',
  options: {
    cycles: number(5, 'falls of the rate', { ...COUNT, min: 2 }),
    images: number(12_000, 'training images of Fashion-MNIST', imageCount('fashion-mnist', 64)),
    epochs: number(1, 'passes of each cycle', COUNT),
  },
  async run(lab, { cycles, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const common = { optimizer: 'momentum', lr: LR, epochs: String(cycles * epochs), seed: String(lab.seed) };
    const ways = [
      { name: `${cycles} cycles`, given: { ...common, snapshots: String(cycles) } },
      { name: 'one fall', given: { ...common, schedule: 'cosine' } },
    ];
    const done = await inTurn(
      lab,
      ways,
      ({ name }) => name,
      ({ given }) => trained(lab, 'lenet5', given, dataset, cycles),
    );
    const [cyclic, plain] = done;
    const runs = done.map((run, i) => ({ ...ways[i]!, ...run }));
    const ends = cyclic?.predictions ?? [];
    const alone = plain && together(plain.predictions.slice(-1), dataset);
    const rows = ends.map((p, k) => {
      const own = together([p], dataset);
      const mean = together(ends.slice(ends.length - 1 - k), dataset); // the last ones are the best
      return { snapshot: k + 1, accuracy: own.accuracy, loss: own.loss, 'mean of that many last': mean.accuracy, 'its loss': mean.loss };
    });
    const marks = ends.map((_, k) => ({ x: (k + 1) * epochs, label: `snapshot ${k + 1}` }));
    const x = { label: 'epochs', min: 0, max: cycles * epochs };
    return {
      title: `Snapshots of ${cycles} cycles: lenet5 on ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
      rows: [...rows, ...(alone ? [{ snapshot: 'one fall', accuracy: alone.accuracy, loss: alone.loss }] : [])],
      shares: ['accuracy', 'mean of that many last'],
      panels: [
        {
          kind: 'line',
          title: 'Rate',
          x,
          y: { label: 'learning rate', min: 0 },
          series: runs.map(({ name, lines }) => ({ name, points: lines.map(line => [line.epoch, line.lr] as const) })),
        },
        {
          kind: 'line',
          title: 'Training loss',
          x,
          y: { label: 'cross-entropy', min: 0 },
          series: runs.map(({ name, lines }) => ({ name, points: lines.map(line => [line.epoch, line.loss] as const) })),
          marks,
        },
        {
          kind: 'line',
          title: 'Test accuracy',
          x: { label: 'snapshot, or members of the mean', min: 1, max: cycles },
          y: { label: 'accuracy', percent: true },
          series: [
            { name: 'snapshot by itself', points: rows.map(row => [row.snapshot, row.accuracy] as const), dots: true },
            { name: 'mean of the last ones', points: rows.map(row => [row.snapshot, row['mean of that many last']] as const), dots: true },
            ...(alone ? [{ name: 'one fall', points: [1, cycles].map(k => [k, alone.accuracy] as const), dashed: true }] : []),
          ],
        },
      ],
      values: { snapshots: rows, plain: alone },
    };
  },
});
