/** `wide-optima`: where SGD ends and where the mean of its weights lies: the line between both, and the loss around them. */
import { number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { experiment, imageCount, tasksInTurn, type Cell } from '../experiment.ts';
import { mean } from '../statistics.ts';
import { scoresOf, type Scores } from '../with-trainer.ts';
import { between, drawnDirection, places } from './directions.ts';
import { scoresAt, withMinima, type Find, type Minimum } from './minimum.ts';
import { planeOf } from './plane.ts';

/** Rays are drawn in pairs, which lie in one plane. */
const PAIRS = 3;
/** By how much the loss has risen at the distance that is told as a width. */
const RISE = 0.1;

export const wideOptima = experiment({
  about: "SGD's end point and the mean of its weights (SWA): the line between them, and which of both is wider.",
  source: 'Izmailov et al. 2018, section 3',
  options: {
    images: number(2000, 'training images of Fashion-MNIST', imageCount('fashion-mnist', 64)),
    epochs: number(16, 'passes; from the middle on SGD goes on at smaller rates, and SWA averages at the first one', { ...COUNT, min: 4 }),
    lr: number(0.05, 'the first rate, with momentum', POSITIVE),
    points: number(13, 'places on the line, and on each ray', { ...COUNT, min: 3 }),
    reach: number(20, 'length of the rays', POSITIVE),
  },
  async run(lab, { images, epochs, lr, points, reach }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const steps = epochs * Math.floor(dataset.train.n / 32);
    const falls = [0.5, 0.75].map(share => Math.ceil(share * steps)).join('/');
    const common = { optimizer: 'momentum', lr: String(lr), batchSize: '32', epochs: String(epochs), seed: String(lab.seed) };
    // until the middle both are the same run
    const ways = [
      { name: 'SWA', given: { ...common, swa: '0.5' } },
      { name: 'SGD', given: { ...common, schedule: `multistep:milestones=${falls},gamma=0.1` } },
    ];
    const minima: Minimum[] = [];
    const line: (Scores & { share: number })[] = [];
    const ends: (Scores & { name: string; rays: number[][] })[] = [];
    const distances = places(0, reach, points);
    const tasks = (find: Find) => [
      ...ways.map(({ name, given }) => ({
        name: `training by ${name}`,
        async work() {
          const minimum = await find('lenet5', given, dataset);
          minima.push(minimum);
          const { trainer, weights } = minimum;
          const scores = await scoresOf(trainer);
          const rays: number[][] = [];
          for (let pair = 0; pair < PAIRS; pair++) {
            const directions = [drawnDirection(weights, lab.seed, 2 * pair), drawnDirection(weights, lab.seed, 2 * pair + 1)] as const;
            const plane = await planeOf(trainer, weights, directions);
            for (const along of [0, 1]) {
              const ray = await plane.scores(distances.map(far => (along ? [0, far] : [far, 0])));
              rays.push(ray.map(score => score.loss));
            }
          }
          ends.push({ name, ...scores, rays });
        },
      })),
      {
        name: 'line between them',
        async work() {
          const [{ trainer, weights: a }, { weights: b }] = minima as [Minimum, Minimum];
          for (const share of places(-1, 2, points)) {
            line.push({ share, ...(await scoresAt(trainer, between(a, b, share))) });
          }
        },
      },
    ];
    await withMinima(lab, find => tasksInTurn(lab, tasks(find)));
    const onLine = (value: (p: (typeof line)[number]) => number) => line.map(p => [p.share, value(p)] as const);
    const x = { label: 'from SWA (0) to SGD (1)', min: -1, max: 2 };
    const marks = [
      { x: 0, label: 'SWA' },
      { x: 1, label: 'SGD' },
    ];
    const rise = (rays: readonly number[][]) => distances.map((far, k) => [far, mean(rays.map(ray => ray[k]! - ray[0]!))] as const);
    return {
      title: `SGD's end point and the mean of its weights: lenet5 on ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
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
        {
          kind: 'line',
          title: 'Training loss on the line',
          x,
          y: { label: 'cross-entropy', log: true },
          series: [{ name: 'train', points: onLine(p => p.train.loss) }],
          marks,
        },
        {
          kind: 'line',
          title: 'Test error on the line',
          x,
          y: { label: 'error', percent: true },
          series: [{ name: 'test', points: onLine(p => 1 - p.test.accuracy!), dashed: true }],
          marks,
        },
        {
          kind: 'line',
          title: `Rise of the training loss along ${2 * PAIRS} random rays`,
          x: { label: 'distance', min: 0, max: reach },
          y: { label: 'cross-entropy, mean of the rays' },
          series: ends.map(({ name, rays }) => ({ name, points: rise(rays) })),
        },
      ],
      layout: { columns: 3 },
      values: { line, ends, distances },
    };
  },
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
