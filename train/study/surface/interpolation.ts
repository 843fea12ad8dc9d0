/** `interpolation`: loss and accuracy on the line between two minima, and on the one from first weights to a minimum. */
import { counted } from '../../../engine/counted.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Axis, Panel } from '../../../plots/panel.ts';
import type { Score } from '../../evaluate/score.ts';
import { experiment, tasksInTurn, trainingImages, type Lab } from '../experiment.ts';
import { between, places } from './directions.ts';
import type { Scores } from '../with-trainer.ts';
import { scoresAt, searches, withMinima, type Minimum, type Searched } from './minimum.ts';

/** How far beyond both ends the lines go, in their own lengths. */
const BEYOND = 0.25;

/** The lines, and the weights at their ends 0 and 1. */
const LINES = [
  { line: 'two minima', ends: ([first, second]: readonly [Minimum, Minimum]) => [first.weights, second.weights] as const },
  { line: 'start to end', ends: ([first]: readonly [Minimum, Minimum]) => [first.start, first.weights] as const },
] as const;

interface Place extends Scores {
  readonly line: string;
  readonly share: number;
}

export const interpolation = experiment({
  about: 'The loss on the line between two minima, and from the first weights to one.',
  source: 'Goodfellow, Vinyals & Saxe 2015; Garipov et al. 2018',
  options: {
    model: choice('lenet5', ['lenet5', 'mlp'], 'the nets'),
    points: number(31, 'places on each line', { ...COUNT, min: 4 }),
    images: trainingImages(1000, 64),
    epochs: number(10, 'passes', COUNT),
  },
  async run(lab, { model, points, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const found = await alongLines(lab, { model, epochs, dataset }, places(-BEYOND, 1 + BEYOND, points));
    // a line that was stopped before both its ends were known says nothing
    const names = found.filter(p => p.share === 1).map(p => p.line);
    const lines = names.map(name => ({ name, places: found.filter(p => p.line === name).sort((a, b) => a.share - b.share) }));
    return {
      title: `Straight lines through the weights of ${model}, ${counted(images, 'image')} of Fashion-MNIST`,
      rows: lines.map(({ name, places }) => rowOf(name, places)),
      shares: ['test accuracy at 0', 'at 1', 'least between'],
      panels: scorePanels(
        { label: 'share of the way', min: -BEYOND, max: 1 + BEYOND },
        lines.map(({ name, places }) => ({ name, places: places.map(p => [p.share, p] as const) })),
      ),
      values: found,
    };
  },
});

/** Finds two minima, then the scores on each line, at its ends first. */
async function alongLines(lab: Lab, of: Omit<Searched, 'seeds'>, shares: readonly number[]): Promise<Place[]> {
  const minima: Minimum[] = [];
  const found: Place[] = [];
  const score = async ({ line, ends }: (typeof LINES)[number], share: number) => {
    const [from, to] = ends(minima as [Minimum, Minimum]);
    found.push({ line, share, ...(await scoresAt(minima[0]!.trainer, between(from, to, share))) });
  };
  const order = [0, 1, ...shares.filter(share => share !== 0 && share !== 1)];
  await withMinima(lab, find =>
    tasksInTurn(lab, [
      ...searches(find, minima, { ...of, seeds: [lab.seed, lab.seed + 1] }),
      ...LINES.flatMap(line => order.map(share => ({ name: line.line, work: () => score(line, share) }))),
    ]),
  );
  return found;
}

/** What the places of one line say, its ends among them. */
function rowOf(line: string, places: readonly Place[]) {
  const end = (share: number) => places.find(p => p.share === share)!;
  const inner = places.filter(p => p.share >= 0 && p.share <= 1);
  return {
    line,
    'loss at 0': end(0).train.loss,
    'loss at 1': end(1).train.loss,
    barrier: barrierOf(places.map(p => [p.share, p.train.loss])),
    'test accuracy at 0': end(0).test.accuracy!,
    'at 1': end(1).test.accuracy!,
    'least between': Math.min(...inner.map(p => p.test.accuracy!)),
  };
}

/** Losses and accuracies over the places of lines, those of test images dashed. */
export function scorePanels(
  x: Axis,
  lines: readonly { readonly name: string; readonly places: readonly (readonly [at: number, scores: Scores])[] }[],
): Panel[] {
  const series = (value: (score: Score) => number) =>
    lines.flatMap(({ name, places }) =>
      (['train', 'test'] as const).map(part => ({
        name: `${name}, ${part}`,
        points: places.map(([at, scores]) => [at, value(scores[part])] as const),
        dashed: part === 'test',
      })),
    );
  return [
    { kind: 'line', title: 'Loss', x, y: { label: 'cross-entropy', min: 0 }, series: series(score => score.loss) },
    {
      kind: 'line',
      title: 'Accuracy',
      x,
      y: { label: 'accuracy', percent: true, min: 0, max: 1 },
      series: series(score => score.accuracy!),
    },
  ];
}

/**
 * By how much the loss between the ends 0 and 1 of a line exceeds, at most, the straight line between theirs (Entezari et al. 2022; Frankle et
 * al. 2020 measure from the mean of both).
 */
export function barrierOf(losses: readonly (readonly [share: number, loss: number])[]): number {
  const at = (end: number) => losses.find(([share]) => share === end)![1];
  const [a, b] = [at(0), at(1)];
  return Math.max(...losses.filter(([s]) => s >= 0 && s <= 1).map(([s, loss]) => loss - (1 - s) * a - s * b));
}
