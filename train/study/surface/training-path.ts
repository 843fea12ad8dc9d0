/** `training-path`: the path of the weights while they are trained, over the loss on the plane that holds most of it. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, imageCount, tasksInTurn, type Lab } from '../experiment.ts';
import type { Given } from '../with-trainer.ts';
import { gridOver, rowsOf, rowTasks, surfacePanel, type Grid } from './grid.ts';
import { DESCENT, scoreAt, withMinima, type Find } from './minimum.ts';
import { pathPlane, type PathPlane } from './path.ts';
import { planeOf, type Plane } from './plane.ts';

/** Principal directions whose shares are drawn. */
const DIRECTIONS = 6;

/** What these hold of a long random walk in a space of many dimensions: 6 / (π k)² each (Antognini & Sohl-Dickstein 2018). */
const WALK = Array.from({ length: DIRECTIONS }, (_, k) => 6 / (Math.PI * (k + 1)) ** 2);

/** The rates of the optimizers. */
const OPTIMIZERS = { sgd: '0.05', momentum: '0.02', adam: DESCENT.lr } as const;

export const trainingPath = experiment({
  about: 'The path of training over the loss, on the plane of its two principal directions.',
  source: 'Li et al. 2018, section 7',
  options: {
    model: choice('lenet5', ['lenet5', 'mlp'], 'the net'),
    optimizer: choice('momentum', ['sgd', 'momentum', 'adam'], 'what moves it'),
    points: number(17, 'places along each direction', { ...COUNT, min: 3 }),
    stops: number(40, 'equal parts of the run after each of which the weights are noted', { ...COUNT, min: 2 }),
    images: number(1000, 'images of Fashion-MNIST on which it is trained and looked at', imageCount('fashion-mnist', 64)),
    epochs: number(10, 'passes', COUNT),
  },
  async run(lab, { model, optimizer, points, stops, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 64 });
    const given = { ...DESCENT, optimizer, lr: OPTIMIZERS[optimizer], epochs: String(epochs), seed: String(lab.seed) };
    const seen = await withMinima(lab, find => pathOver(lab, find, { model, given, dataset, points, stops }));
    if (!seen) return { title: 'Path of training', rows: [], panels: [] };
    const { path, grid, from, to } = seen;
    const [first, second] = path.shares as [number, number];
    return {
      title: `Path of ${model} by ${optimizer}, ${counted(epochs, 'epoch')} on ${counted(images, 'image')} of Fashion-MNIST`,
      rows: [
        {
          net: model,
          optimizer,
          'loss at the start': from,
          'at the end': to,
          'first direction': first,
          second,
          both: first + second,
        },
      ],
      shares: ['first direction', 'second', 'both'],
      panels: [variancePanel(path), pathPanel(path, grid)],
      layout: { width: 480, height: 400 },
      values: { ...path, directions: undefined, x: grid.x, y: grid.y, losses: rowsOf(grid) },
    };
  },
});

interface Asked {
  readonly model: string;
  readonly given: Given;
  readonly dataset: Dataset;
  readonly points: number;
  readonly stops: number;
}

/** The path of a run and the losses on its plane, and the loss at both its ends. */
interface Seen {
  readonly path: PathPlane;
  readonly plane: Plane;
  readonly grid: Grid;
  readonly from: number;
  readonly to: number;
}

/** Trains the net and fills the grid under its path; undefined where that was stopped before the path was known. */
async function pathOver(lab: Lab, find: Find, { model, given, dataset, points, stops }: Asked): Promise<Seen | undefined> {
  let seen: Seen | undefined;
  await tasksInTurn(lab, [
    {
      name: `training ${model}`,
      async work() {
        const { trainer, weights, start, path: noted } = await find(model, given, dataset, stops);
        const path = pathPlane(noted);
        const to = (await trainer.evaluate('train')).loss;
        const from = (await scoreAt(trainer, start)).loss;
        seen = { path, plane: await planeOf(trainer, weights, path.directions), grid: gridOver(path.points, points), from, to };
      },
    },
    ...rowTasks(lab, 'path', points, () => seen!),
  ]);
  return seen;
}

const variancePanel = ({ shares }: PathPlane): Panel => ({
  kind: 'line',
  title: 'Variance of the path in its first directions',
  x: { label: 'directions', min: 1, max: DIRECTIONS },
  y: { label: 'share of the variance', percent: true, min: 0, max: 1 },
  series: [
    { name: 'this path', points: sums(shares.slice(0, DIRECTIONS)), dots: true },
    { name: 'a random walk', points: sums(WALK), dashed: true },
  ],
});

function pathPanel({ points, shares }: PathPlane, grid: Grid): Panel {
  const label = (which: string, k: 0 | 1) => `${which} direction, ${(100 * shares[k]!).toFixed(0)} % of the variance`;
  return surfacePanel('Loss, level lines by equal factors', [label('first', 0), label('second', 1)], grid, [
    { name: 'path of training', points, dots: true },
    { name: 'the end', points: [[0, 0]], pins: true },
  ]);
}

/** The sums of the first values, by how many they are. */
const sums = (values: readonly number[]) =>
  values.map((_, k) => [k + 1, values.slice(0, k + 1).reduce((sum, value) => sum + value, 0)] as const);
