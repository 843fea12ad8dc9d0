/** `shortcuts`: the loss around a deep residual net and around the same net without shortcuts. */
import type { Dataset, Split } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { experiment, imageCount, tasksInTurn, type Lab } from '../experiment.ts';
import { around, aroundPanel, fillRow, gridOf, rowsOf, smoothnessOf, type Grid } from './grid.ts';
import { extremes } from '../statistics.ts';
import { withMinima, type Find } from './minimum.ts';
import { filterPlane, type Plane } from './plane.ts';

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
    const models = [`resnet${depth}`, `plain${depth}`];
    const found = await withMinima(lab, find => surfaces(lab, find, { models, epochs, dataset, at }));
    return {
      title: `Loss around nets of ${depth} layers with and without shortcuts, ${counted(images, 'image')} of Fashion-MNIST`,
      rows: found.map(rowOf),
      shares: ['bent downwards'],
      panels: found.map(({ model, grid }) => aroundPanel(`${model}, level lines by equal factors`, grid)),
      layout: { width: 420, height: 400 },
      values: { places: at, nets: found.map(({ model, own, grid }) => ({ model, own, losses: rowsOf(grid) })) },
    };
  },
});

/** The surface around a trained net, and the loss of the net itself. */
interface Surface {
  readonly model: string;
  readonly own: number;
  readonly grid: Grid;
}

interface Asked {
  readonly models: readonly string[];
  readonly epochs: number;
  readonly dataset: Dataset;
  /** Places along both directions. */
  readonly at: readonly number[];
}

/** The surfaces that are complete: of one that was stopped nothing can be said. */
async function surfaces(lab: Lab, find: Find, { models, epochs, dataset, at }: Asked): Promise<Surface[]> {
  const given = { optimizer: 'momentum', lr: '0.05', batchSize: '32', epochs: String(epochs), seed: String(lab.seed) };
  const found: (Surface & { plane: Plane; rows: number })[] = [];
  const begin = async (model: string) => {
    const { trainer, weights } = await find(model, given, dataset);
    const own = (await trainer.evaluate('train')).loss;
    found.push({ model, own, grid: gridOf(at), plane: await filterPlane(trainer, weights, lab.seed), rows: 0 });
  };
  const fill = async (row: number) => {
    const last = found.at(-1)!;
    await fillRow(lab, last.model, last.plane, last.grid, row);
    last.rows++;
  };
  await tasksInTurn(
    lab,
    models.flatMap(model => [
      { name: `training ${model}`, work: () => begin(model) },
      ...at.map((_, row) => ({ name: `row ${row + 1} around ${model}`, work: () => fill(row) })),
    ]),
  );
  return found.filter(({ rows }) => rows === at.length);
}

function rowOf({ model, own, grid }: Surface) {
  const { factor, concave, down } = smoothnessOf(grid);
  return {
    net: model,
    'its loss': own,
    greatest: extremes(grid.losses)[1],
    'greatest / least': factor,
    'bent downwards': concave,
    '-least / greatest curvature': down,
  };
}

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
