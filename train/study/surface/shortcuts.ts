/** `shortcuts`: the loss around a deep residual net and around the same net without shortcuts. */
import type { Dataset, Split } from '../../../datasets/dataset.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { experiment, imageCount, tasksInTurn } from '../experiment.ts';
import { filterDirection } from './directions.ts';
import { around, fillRow, gridOf, rowsOf, smoothnessOf, surfacePanel, type Grid } from './grid.ts';
import { withMinima } from './minimum.ts';
import { planeOf, type Plane } from './plane.ts';

export const shortcuts = experiment({
  about: 'The loss around a residual net and around the same net without shortcuts.',
  source: 'Li et al. 2018, section 5',
  options: {
    depth: choice('56', ['20', '32', '44', '56'], 'layers of both nets, resnet… and plain…'),
    points: number(9, 'places along each direction, made odd', { ...COUNT, min: 3 }),
    reach: number(1, 'how far to both sides, in lengths of the filters', POSITIVE),
    images: number(128, 'images of Fashion-MNIST at half their size', imageCount('fashion-mnist', 64)),
    epochs: number(16, 'passes', COUNT),
  },
  async run(lab, { depth, points, reach, images, epochs }) {
    const dataset = halved(await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 64 }));
    const at = around(reach, points);
    const given = { optimizer: 'momentum', lr: '0.05', batchSize: '32', epochs: String(epochs), seed: String(lab.seed) };
    const found: { model: string; own: number; grid: Grid; rows: number }[] = [];
    let plane: Plane;
    const fill = async (model: string, row: number) => {
      const last = found.at(-1)!;
      await fillRow(lab, model, plane, last.grid, row);
      last.rows++;
    };
    await withMinima(lab, find =>
      tasksInTurn(
        lab,
        [`resnet${depth}`, `plain${depth}`].flatMap(model => [
          {
            name: `training ${model}`,
            async work() {
              const { trainer, weights } = await find(model, given, dataset);
              const own = (await trainer.evaluate('train')).loss;
              plane = await planeOf(trainer, weights, [filterDirection(weights, lab.seed, 0), filterDirection(weights, lab.seed, 1)]);
              found.push({ model, own, grid: gridOf(at), rows: 0 });
            },
          },
          ...at.map((_, row) => ({ name: `row ${row + 1} around ${model}`, work: () => fill(model, row) })),
        ]),
      ),
    );
    // of a surface that was stopped nothing can be said
    const whole = found.filter(({ rows }) => rows === at.length);
    return {
      title: `Loss around nets of ${depth} layers with and without shortcuts, ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
      rows: whole.map(({ model, own, grid }) => {
        const { factor, concave, down } = smoothnessOf(grid);
        const greatest = Math.max(...grid.losses);
        return {
          net: model,
          'its loss': own,
          greatest,
          'greatest / least': factor,
          'bent downwards': concave,
          '-least / greatest curvature': down,
        };
      }),
      shares: ['bent downwards'],
      panels: whole.map(({ model, grid }) =>
        surfacePanel(`${model}, level lines by equal factors`, ['first direction', 'second direction'], grid, [
          { name: 'the net', points: [[0, 0]], pins: true },
        ]),
      ),
      layout: { width: 420, height: 400 },
      values: { places: at, nets: whole.map(({ model, own, grid }) => ({ model, own, losses: rowsOf(grid) })) },
    };
  },
});

/** Images of half the height and width, each pixel the mean of four. */
export function halved(dataset: Dataset): Dataset {
  const [c, h, w] = dataset.shape;
  const [rows, columns] = [h >> 1, w >> 1];
  const smaller = (split: Split): Split => {
    const { images: of } = split;
    const images = new Uint8Array(split.n * c * rows * columns);
    for (let k = 0; k < images.length; k++) {
      const from = Math.floor(k / (rows * columns)) * h * w + 2 * (Math.floor(k / columns) % rows) * w + 2 * (k % columns);
      images[k] = Math.round((of[from]! + of[from + 1]! + of[from + w]! + of[from + w + 1]!) / 4);
    }
    return { ...split, images };
  };
  return { ...dataset, shape: [c, rows, columns], train: smaller(dataset.train), test: smaller(dataset.test) };
}
