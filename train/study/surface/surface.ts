/** `surface`: the loss of a trained net along two filter-normalised random directions. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, imageCount, tasksInTurn, type Lab, type Outcome } from '../experiment.ts';
import { around, aroundPanel, finiteOf, gridOf, rowsOf, rowTasks, type Grid } from './grid.ts';
import { extremes } from '../statistics.ts';
import { DESCENT, withMinima, type Find } from './minimum.ts';
import { filterPlane, type Plane } from './plane.ts';

/** Models that train in moments; `resnet20` and `plain20` differ in shortcuts alone. */
const MODELS = ['lenet5', 'mlp', 'resnet20', 'plain20'] as const;

export const surface = experiment({
  about: 'The loss around a trained net, along two random directions with the lengths of its filters.',
  source: 'Li et al. 2018, section 4',
  options: {
    model: choice('lenet5', MODELS, 'the net'),
    points: number(17, 'places along each direction, made odd', { ...COUNT, min: 2 }),
    reach: number(1, 'how far to both sides, in lengths of the filters', POSITIVE),
    images: number(1000, 'images of Fashion-MNIST on which it is trained and looked at', imageCount('fashion-mnist', 64)),
    epochs: number(10, 'passes', COUNT),
  },
  async run(lab, { model, points, reach, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 64 });
    const grid = gridOf(around(reach, points));
    const own = await withMinima(lab, find => filled(lab, find, { model, epochs, dataset, grid }));
    return {
      title: `Loss of ${model} around the weights that ${counted(epochs, 'epoch')} on ${counted(images, 'image')} of Fashion-MNIST lead to`,
      rows: rowsOfNet(model, own, grid),
      shares: ['share below 1'],
      panels: [aroundPanel('Level lines by equal factors', grid), alongPanel(grid)],
      layout: { width: 420, height: 400 },
      values: { places: grid.x, losses: rowsOf(grid) },
    };
  },
});

interface Filling {
  readonly model: string;
  readonly epochs: number;
  readonly dataset: Dataset;
  readonly grid: Grid;
}

/** Trains the net and fills the grid around it; returns the loss of the net itself, NaN where there is none by then. */
async function filled(lab: Lab, find: Find, { model, epochs, dataset, grid }: Filling): Promise<number> {
  let plane: Plane;
  let own = NaN;
  await tasksInTurn(lab, [
    {
      name: `training ${model}`,
      async work() {
        const { trainer, weights } = await find(model, { ...DESCENT, epochs: String(epochs), seed: String(lab.seed) }, dataset);
        own = (await trainer.evaluate('train')).loss;
        plane = await filterPlane(trainer, weights, lab.seed);
      },
    },
    ...rowTasks(lab, 'surface', grid.y.length, () => ({ plane, grid })),
  ]);
  return own;
}

/** Of a surface that was stopped before its first row nothing can be said. */
function rowsOfNet(net: string, own: number, grid: Grid): Outcome['rows'] {
  const finite = finiteOf(grid);
  if (!finite.length) return [];
  const [least, greatest] = extremes(finite);
  const center = grid.losses[(grid.losses.length - 1) / 2]!; // the net itself lies in the middle
  return [
    {
      net,
      'its loss': own,
      'in the middle': Number.isNaN(center) ? undefined : center,
      least,
      greatest,
      'share below 1': finite.filter(loss => loss < 1).length / finite.length,
    },
  ];
}

/** The losses on both lines through the net. */
function alongPanel({ x, losses }: Grid): Panel {
  const n = x.length;
  const middle = (n - 1) / 2;
  return {
    kind: 'line',
    title: 'Along each direction',
    x: { label: 'lengths of the filters' },
    y: { label: 'cross-entropy', min: 0 },
    series: [
      { name: 'first direction', points: x.map((at, i) => [at, losses[middle * n + i]!] as const) },
      { name: 'second direction', points: x.map((at, i) => [at, losses[i * n + middle]!] as const) },
    ],
  };
}
