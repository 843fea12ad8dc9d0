/** `interpolation`: loss and accuracy on the line between two minima, and on the one from first weights to a minimum. */
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Score } from '../../evaluate/score.ts';
import { experiment, inTurn } from '../experiment.ts';
import { between, places } from './directions.ts';
import { DESCENT, minimumOf, scoreAt, type Minimum } from './minimum.ts';

/** How far beyond both ends the lines go, in their own lengths. */
const BEYOND = 0.25;

interface Place {
  readonly line: string;
  readonly share: number;
  readonly train: Score;
  readonly test: Score;
}

export const interpolation = experiment({
  about: 'The loss on the line between two minima, and from the first weights to one.',
  source: 'Goodfellow, Vinyals & Saxe 2015; Garipov et al. 2018',
  options: {
    model: choice('lenet5', ['lenet5', 'mlp'], 'the nets'),
    points: number(31, 'places on each line', { ...COUNT, min: 4 }),
    images: number(1000, 'training images of Fashion-MNIST', { ...COUNT, min: 64 }),
    epochs: number(10, 'passes', COUNT),
  },
  async run(lab, { model, points, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const device = await lab.device();
    const seeds = [lab.seed, lab.seed + 1];
    const minima: Minimum[] = [];
    const shares = places(-BEYOND, 1 + BEYOND, points);
    const found: Place[] = [];
    try {
      await inTurn(
        lab,
        seeds,
        seed => `training ${model} with seed ${seed}`,
        async seed => {
          const given = { ...DESCENT, epochs: String(epochs), seed: String(seed) };
          minima.push(await minimumOf(lab, model, given, dataset));
        },
      );
      const [first, second] = minima;
      const lines = first &&
        second && [
          { name: 'two minima', from: first.weights, to: second.weights },
          { name: 'start to end', from: first.start, to: first.weights },
        ];
      const all = (lines ?? []).flatMap(line =>
        [0, 1, ...shares.filter(share => share !== 0 && share !== 1)].map(share => ({ ...line, share })),
      );
      await inTurn(
        lab,
        all,
        ({ name }) => name,
        async ({ name, from, to, share }) => {
          const weights = between(from, to, share);
          const train = await scoreAt(first!.trainer, weights);
          found.push({ line: name, share, train, test: await first!.trainer.evaluate('test') });
        },
      );
    } finally {
      await device.idle();
      for (const { trainer } of minima) trainer.destroy();
    }
    // a line that was stopped before both its ends were known says nothing
    const names = found.filter(p => p.share === 1).map(p => p.line);
    const of = (name: string) => found.filter(p => p.line === name).sort((a, b) => a.share - b.share);
    const curves = (value: (score: Score) => number) =>
      names.flatMap(name =>
        (['train', 'test'] as const).map(part => ({
          name: `${name}, ${part}`,
          points: of(name).map(p => [p.share, value(p[part])] as const),
          dashed: part === 'test',
        })),
      );
    const x = { label: 'share of the way', min: -BEYOND, max: 1 + BEYOND };
    return {
      title: `Straight lines through the weights of ${model}, ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
      rows: names.map(name => {
        const end = (share: number) => of(name).find(p => p.share === share)!;
        return {
          line: name,
          'loss at 0': end(0).train.loss,
          'loss at 1': end(1).train.loss,
          barrier: barrierOf(of(name).map(p => [p.share, p.train.loss])),
          'test accuracy at 0': end(0).test.accuracy!,
          'at 1': end(1).test.accuracy!,
          'least between': Math.min(
            ...of(name)
              .filter(p => p.share >= 0 && p.share <= 1)
              .map(p => p.test.accuracy!),
          ),
        };
      }),
      shares: ['test accuracy at 0', 'at 1', 'least between'],
      panels: [
        { kind: 'line', title: 'Loss', x, y: { label: 'cross-entropy', min: 0 }, series: curves(score => score.loss) },
        {
          kind: 'line',
          title: 'Accuracy',
          x,
          y: { label: 'accuracy', percent: true, min: 0, max: 1 },
          series: curves(score => score.accuracy!),
        },
      ],
      values: found,
    };
  },
});

/** By how much the loss between the ends 0 and 1 of a line exceeds, at most, the straight line between theirs (Frankle et al. 2020). */
export function barrierOf(losses: readonly (readonly [share: number, loss: number])[]): number {
  const at = (end: number) => losses.find(([share]) => share === end)![1];
  const [a, b] = [at(0), at(1)];
  return Math.max(...losses.filter(([s]) => s >= 0 && s <= 1).map(([s, loss]) => loss - (1 - s) * a - s * b));
}
