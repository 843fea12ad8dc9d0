/** `ensemble`: several nets that differ in their seed alone, and the mean of what they say. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Axis, Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, trainingImages } from '../experiment.ts';
import { together, trained } from './members.ts';
import { seedsOf } from './over-seeds.ts';

export const ensemble = experiment({
  about: 'Nets of several seeds, and the mean of their probabilities: accuracy and loss by members.',
  source: 'Hansen & Salamon 1990; Lakshminarayanan et al. 2017',
  options: {
    members: number(5, 'nets', { ...COUNT, min: 2 }),
    images: trainingImages(12_000, 64),
    epochs: number(2, 'passes of each', COUNT),
  },
  async run(lab, { members, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const seeds = seedsOf(lab, members);
    const nets = await inTurn(
      lab,
      seeds,
      seed => `seed ${seed}`,
      seed => trained(lab, 'lenet5', { epochs: String(epochs), seed: String(seed) }, dataset),
    );
    const predictions = nets.flatMap(net => net.predictions);
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
    const panel = (title: string, y: Axis, one: 'accuracy' | 'loss', mean: 'of the mean' | 'its loss'): Panel => ({
      kind: 'line',
      title,
      x: { label: 'members', min: 1, max: members },
      y,
      series: [
        { name: 'one net', points: rows.map(row => [row.members, row[one]] as const), dots: true },
        { name: 'mean of all so far', points: rows.map(row => [row.members, row[mean]] as const), dots: true },
      ],
    });
    return {
      title: `Ensemble of ${counted(rows.length, 'net')}: lenet5 on ${counted(images, 'image')} of Fashion-MNIST`,
      rows,
      shares: ['accuracy', 'of the mean'],
      panels: [
        panel('Test accuracy', { label: 'accuracy', percent: true }, 'accuracy', 'of the mean'),
        panel('Test loss', { label: 'cross-entropy' }, 'loss', 'its loss'),
      ],
      values: rows,
    };
  },
});
