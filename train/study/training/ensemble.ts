/** `ensemble`: several nets that differ in their seed alone, and the mean of what they say. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { experiment, imageCount, inTurn } from '../experiment.ts';
import { together, trained } from './members.ts';

export const ensemble = experiment({
  about: 'Nets of several seeds, and the mean of their probabilities: accuracy and loss by members.',
  source: 'Hansen & Salamon 1990; Lakshminarayanan et al. 2017',
  options: {
    members: number(5, 'nets', { ...COUNT, min: 2 }),
    images: number(12_000, 'training images of Fashion-MNIST', imageCount('fashion-mnist', 64)),
    epochs: number(2, 'passes of each', COUNT),
  },
  async run(lab, { members, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const seeds = Array.from({ length: members }, (_, i) => lab.seed + i);
    const all = await inTurn(
      lab,
      seeds,
      seed => `seed ${seed}`,
      seed => trained(lab, 'lenet5', { epochs: String(epochs), seed: String(seed) }, dataset),
    );
    const predictions = all.flatMap(member => member.predictions);
    const rows = predictions.map((p, k) => {
      const own = together([p], dataset);
      const mean = together(predictions.slice(0, k + 1), dataset);
      return {
        members: k + 1,
        seed: seeds[k]!,
        accuracy: own.accuracy,
        loss: own.loss,
        'of the mean': mean.accuracy,
        'its loss': mean.loss,
      };
    });
    const panel = (
      title: string,
      y: { label: string; percent?: boolean },
      one: (row: (typeof rows)[number]) => number,
      mean: typeof one,
    ) => ({
      kind: 'line' as const,
      title,
      x: { label: 'members', min: 1, max: members },
      y,
      series: [
        { name: 'one net', points: rows.map(row => [row.members, one(row)] as const), dots: true },
        { name: 'mean of all so far', points: rows.map(row => [row.members, mean(row)] as const), dots: true },
      ],
    });
    return {
      title: `Ensemble of ${counted(rows.length, 'net')}: lenet5 on ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
      rows,
      shares: ['accuracy', 'of the mean'],
      panels: [
        panel(
          'Test accuracy',
          { label: 'accuracy', percent: true },
          row => row.accuracy,
          row => row['of the mean'],
        ),
        panel(
          'Test loss',
          { label: 'cross-entropy' },
          row => row.loss,
          row => row['its loss'],
        ),
      ],
      values: rows,
    };
  },
});
