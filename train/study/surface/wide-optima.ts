/** `wide-optima`: where SGD ends and where the mean of its weights lies: the line between both, and the loss around them. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import type { Axis, Panel, Series } from '../../../plots/panel.ts';
import { experiment, tasksInTurn, trainingImages, type Cell, type Lab } from '../experiment.ts';
import { mean } from '../statistics.ts';
import { scoresOf, type Given, type Scores } from '../with-trainer.ts';
import { drawnDirection, places } from './directions.ts';
import { scoresOnLine, withMinima, type Find, type Minimum, type OnLine } from './minimum.ts';
import { planeOf } from './plane.ts';

/** Images of a step. */
const BATCH = 32;
/** Rays are drawn in pairs, which lie in one plane. */
const PAIRS = 3;
/** By how much the loss has risen at the distance that is told as a width. */
const RISE = 0.1;

export const wideOptima = experiment({
  about: "SGD's end point and the mean of its weights (SWA): the line between them, and which of both is wider.",
  source: 'Izmailov et al. 2018, section 3',
  options: {
    images: trainingImages(2000, 64),
    epochs: number(16, 'passes; from the middle on SGD goes on at smaller rates, and SWA averages at the first one', { ...COUNT, min: 4 }),
    lr: number(0.05, 'the first rate, with momentum', POSITIVE),
    points: number(13, 'places on the line, and on each ray', { ...COUNT, min: 3 }),
    reach: number(20, 'length of the rays', POSITIVE),
  },
  async run(lab, { images, epochs, lr, points, reach }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const ways = waysOf(dataset, { epochs, lr, seed: lab.seed });
    const distances = places(0, reach, points);
    const { ends, line } = await withMinima(lab, find =>
      lookAround(lab, find, { dataset, ways, distances, shares: places(-1, 2, points) }),
    );
    const onLine = (title: string, y: Axis, series: Series): Panel => ({
      kind: 'line',
      title: `${title} on the line`,
      x: { label: 'from SWA (0) to SGD (1)', min: -1, max: 2 },
      y,
      series: [series],
      marks: ways.map(({ name }, x) => ({ x, label: name })),
    });
    return {
      title: `SGD's end point and the mean of its weights: lenet5 on ${counted(images, 'image')} of Fashion-MNIST`,
      rows: ends.map(({ name, train, test, rays }) => ({
        net: name,
        'training loss': train.loss,
        'training error': 1 - train.accuracy!,
        'test loss': test.loss,
        'test error': 1 - test.accuracy!,
        [`width, loss + ${RISE}`]: widthIn(distances, rays),
      })),
      shares: ['training error', 'test error'],
      panels: [
        onLine(
          'Training loss',
          { label: 'cross-entropy', log: true },
          { name: 'train', points: line.map(p => [p.share, p.train.loss] as const) },
        ),
        onLine(
          'Test error',
          { label: 'error', percent: true },
          { name: 'test', points: line.map(p => [p.share, 1 - p.test.accuracy!] as const), dashed: true },
        ),
        raysPanel(ends, distances),
      ],
      layout: { columns: 3 },
      values: { line, ends, distances },
    };
  },
});

interface Way {
  readonly name: string;
  readonly given: Given;
}

/** SWA, and SGD at falling rates; until the middle both are the same run. */
function waysOf(dataset: Dataset, { epochs, lr, seed }: { epochs: number; lr: number; seed: number }): Way[] {
  const steps = epochs * Math.floor(dataset.train.n / BATCH);
  const falls = [0.5, 0.75].map(share => Math.ceil(share * steps)).join('/');
  const common = { optimizer: 'momentum', lr: String(lr), batchSize: String(BATCH), epochs: String(epochs), seed: String(seed) };
  return [
    { name: 'SWA', given: { ...common, swa: '0.5' } },
    { name: 'SGD', given: { ...common, schedule: `multistep:milestones=${falls},gamma=0.1` } },
  ];
}

/** The end of a way: its scores, and the losses along rays from there, each at all distances. */
interface End extends Scores {
  readonly name: string;
  readonly rays: readonly (readonly number[])[];
}

interface Looked {
  readonly dataset: Dataset;
  readonly ways: readonly Way[];
  readonly distances: readonly number[];
  readonly shares: readonly number[];
}

/** Trains by each way and looks along rays from its end, then along the line through both ends. */
async function lookAround(lab: Lab, find: Find, { dataset, ways, distances, shares }: Looked): Promise<{ ends: End[]; line: OnLine[] }> {
  const minima: Minimum[] = [];
  const ends: End[] = [];
  const line: OnLine[] = [];
  await tasksInTurn(lab, [
    ...ways.map(({ name, given }) => ({
      name: `training by ${name}`,
      async work() {
        const minimum = await find('lenet5', given, dataset);
        minima.push(minimum);
        ends.push({ name, ...(await scoresOf(minimum.trainer)), rays: await raysFrom(minimum, distances, lab.seed) });
      },
    })),
    {
      name: 'line between them',
      async work() {
        line.push(...(await scoresOnLine(minima as [Minimum, Minimum], shares)));
      },
    },
  ]);
  return { ends, line };
}

/** The training losses along random rays from a minimum. */
async function raysFrom({ trainer, weights }: Minimum, distances: readonly number[], seed: number): Promise<number[][]> {
  const rays: number[][] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const plane = await planeOf(trainer, weights, [drawnDirection(weights, seed, 2 * pair), drawnDirection(weights, seed, 2 * pair + 1)]);
    for (const along of [0, 1]) {
      const ray = await plane.scores(distances.map(far => (along ? [0, far] : [far, 0])));
      rays.push(ray.map(score => score.loss));
    }
  }
  return rays;
}

const raysPanel = (ends: readonly End[], distances: readonly number[]): Panel => ({
  kind: 'line',
  title: `Rise of the training loss along ${2 * PAIRS} random rays`,
  x: { label: 'distance', min: 0, max: distances.at(-1)! },
  y: { label: 'cross-entropy, mean of the rays' },
  series: ends.map(({ name, rays }) => ({
    name,
    points: distances.map((far, k) => [far, mean(rays.map(ray => ray[k]! - ray[0]!))] as const),
  })),
});

/** The mean width of rays; in words where some do not rise as far as they reach, since it is more than theirs then. */
export function widthIn(distances: readonly number[], rays: readonly (readonly number[])[]): Cell {
  const reach = distances.at(-1)!;
  const widths = rays.map(ray => widthOf(distances, ray));
  const least = mean(widths.map(width => width ?? reach));
  const low = widths.filter(width => width === undefined).length;
  return low ? `> ${least.toPrecision(3)}, ${low} of ${rays.length} rays lower at ${reach}` : least;
}

/** The distance at which the loss of a ray has first risen by RISE, between places in proportion; undefined where it does not. */
export function widthOf(distances: readonly number[], losses: readonly number[]): number | undefined {
  const aim = losses[0]! + RISE;
  const after = losses.findIndex(loss => loss >= aim);
  if (after < 0) return undefined;
  const [low, high] = [losses[after - 1]!, losses[after]!];
  const share = Number.isFinite(high) ? (aim - low) / (high - low) : 0;
  return distances[after - 1]! + share * (distances[after]! - distances[after - 1]!);
}
