/** `surface`: the loss of a trained net along two filter-normalised random directions. */
import { counted } from '../../../engine/counted.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { experiment, imageCount, tasksInTurn } from '../experiment.ts';
import { filterDirection } from './directions.ts';
import { around, fillRow, finiteOf, gridOf, rowsOf, surfacePanel } from './grid.ts';
import { DESCENT, withMinima } from './minimum.ts';
import { planeOf, type Plane } from './plane.ts';

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
    const at = around(reach, points); // the net itself lies in the middle
    const n = at.length;
    const middle = (n - 1) / 2;
    const grid = gridOf(at);
    const { losses } = grid;
    let plane: Plane;
    let own = NaN;
    const given = { ...DESCENT, epochs: String(epochs), seed: String(lab.seed) };
    await withMinima(lab, find =>
      tasksInTurn(lab, [
        {
          name: `training ${model}`,
          async work() {
            const { trainer, weights } = await find(model, given, dataset);
            own = (await trainer.evaluate('train')).loss;
            plane = await planeOf(trainer, weights, [filterDirection(weights, lab.seed, 0), filterDirection(weights, lab.seed, 1)]);
          },
        },
        ...at.map((_, row) => ({ name: `row ${row + 1} of the surface`, work: () => fillRow(lab, 'surface', plane, grid, row) })),
      ]),
    );
    const finite = finiteOf(grid);
    const center = losses[middle * n + middle]!;
    const along = (first: boolean) => at.map((x, i) => [x, losses[first ? middle * n + i : i * n + middle]!] as const);
    return {
      title: `Loss of ${model} around the weights that ${counted(epochs, 'epoch')} on ${images.toLocaleString('en-US')} images of Fashion-MNIST lead to`,
      // of a surface that was stopped before its first row nothing can be said
      rows: finite.length
        ? [
            {
              net: model,
              'its loss': own,
              'in the middle': Number.isNaN(center) ? undefined : center,
              least: Math.min(...finite),
              greatest: Math.max(...finite),
              'share below 1': finite.filter(loss => loss < 1).length / finite.length,
            },
          ]
        : [],
      shares: ['share below 1'],
      panels: [
        surfacePanel('Level lines by equal factors', ['first direction', 'second direction'], grid, [
          { name: 'the net', points: [[0, 0]], pins: true },
        ]),
        {
          kind: 'line',
          title: 'Along each direction',
          x: { label: 'lengths of the filters' },
          y: { label: 'cross-entropy', min: 0 },
          series: [
            { name: 'first direction', points: along(true) },
            { name: 'second direction', points: along(false) },
          ],
        },
      ],
      layout: { width: 420, height: 400 },
      values: { places: at, losses: rowsOf(grid) },
    };
  },
});
