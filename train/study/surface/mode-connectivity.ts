/** `mode-connectivity`: two minima joined by curves along which the loss stays low, beside the straight line. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { check } from '../../../engine/check.ts';
import type { Panel } from '../../../plots/panel.ts';
import { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { experiment, tasksInTurn, trainingImages, type Lab } from '../experiment.ts';
import { keptWeights } from '../kept.ts';
import { imagesOfSplit } from '../robust/victim.ts';
import type { Scores } from '../with-trainer.ts';
import { bendOf, CURVES } from './curve.ts';
import { mixed, places } from './directions.ts';
import { gridOver, rowsOf, rowTasks, surfacePanel, type Grid } from './grid.ts';
import { barrierOf, scorePanels } from './interpolation.ts';
import { scoresAt, searches, withMinima, type Find, type Minimum } from './minimum.ts';
import { planeOf, planeThrough, type At, type Plane } from './plane.ts';

/** Images of a step. */
const BATCH = 32;
/** Points of a drawn curve. */
const DRAWN = 60;

type Name = keyof typeof CURVES;

export const modeConnectivity = experiment({
  about: 'Two minima joined by a chain and a Bezier curve of one bend, along which the loss stays low.',
  source: 'Garipov et al. 2018; Draxler et al. 2018',
  options: {
    model: choice('lenet5', ['lenet5', 'mlp'], 'the nets'),
    points: number(21, 'places on each curve, made odd', { ...COUNT, min: 3 }),
    surface: number(11, 'places along each direction of the plane through ends and bend', { ...COUNT, min: 2 }),
    steps: number(600, 'steps in which a bend is trained', COUNT),
    lr: number(0.003, 'their first rate, which falls to 0', POSITIVE),
    images: trainingImages(1000, 64),
    epochs: number(10, 'passes in which each minimum is found', COUNT),
  },
  async run(lab, { model, points, surface, steps, lr, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    check(dataset.train.n >= BATCH, `mode-connectivity: ${dataset.train.n} images are fewer than a batch`, `give ${BATCH} or more`);
    const asked = { model, dataset, epochs, points: points + (1 - (points % 2)), surface, steps, lr };
    const { joints, under } = await withMinima(lab, find => joined(lab, find, asked));
    return {
      title: `Curves between two minima of ${model}, ${counted(images, 'image')} of Fashion-MNIST`,
      rows: joints.map(rowOf),
      shares: ['test accuracy at its ends', 'least between'],
      panels: [
        ...scorePanels(
          { label: 't', min: 0, max: 1 },
          joints.map(({ name, places }) => ({ name, places: places.map(p => [p.t, p] as const) })),
        ),
        ...(under ? [planePanel(under)] : []),
      ],
      layout: { columns: 3, height: 360 },
      values: {
        curves: joints.map(({ name, places }) => ({ name, places })),
        ...(under && { x: under.grid.x, y: under.grid.y, losses: rowsOf(under.grid) }),
      },
    };
  },
});

type Ends = readonly [Minimum, Minimum];

interface Place extends Scores {
  readonly t: number;
}

/** A curve from one minimum to the other, and the scores along it. */
interface Joint {
  readonly name: Name;
  readonly bend: Tensors;
  readonly places: readonly Place[];
}

/** The plane through both minima and the bend of the Bezier curve, and the losses there. */
interface Under {
  readonly corners: readonly [a: Tensors, b: Tensors, bend: Tensors];
  readonly plane: Plane;
  readonly grid: Grid;
  /** Where weights lie as the plane shows them. */
  at(weights: Tensors): At;
}

interface Asked {
  readonly model: string;
  readonly dataset: Dataset;
  readonly epochs: number;
  /** Places on each curve, and along each direction of the plane. */
  readonly points: number;
  readonly surface: number;
  /** Of the training of a bend. */
  readonly steps: number;
  readonly lr: number;
}

/** Finds two minima, joins them by each of the curves, and computes the losses on the plane of the last one. */
async function joined(lab: Lab, find: Find, asked: Asked): Promise<{ joints: Joint[]; under: Under | undefined }> {
  const { model, epochs, dataset, points, surface } = asked;
  const minima: Minimum[] = [];
  const joints: Joint[] = [];
  let under: Under | undefined;
  const join = async (name: Name) => {
    const ends = minima as [Minimum, Minimum];
    const bend = name === 'line' ? ends[0].weights : await bendBetween(lab, ends, name, asked); // the straight line has none
    joints.push({ name, bend, places: await scoresAlong(ends, name, bend, points) });
    if (name === 'Bezier') under = await planeUnder(ends, bend, surface);
  };
  await tasksInTurn(lab, [
    ...searches(find, minima, { model, epochs, dataset, seeds: [lab.seed, lab.seed + 1] }),
    ...(Object.keys(CURVES) as Name[]).map(name => ({ name: `${name} between them`, work: () => join(name) })),
    ...rowTasks(lab, 'surface', surface, () => under!),
  ]);
  return { joints, under };
}

/** The trained bend of a curve, or what is kept of it. */
async function bendBetween(lab: Lab, [{ trainer, weights: a }, { weights: b }]: Ends, name: Name, { dataset, steps, lr }: Asked) {
  const device = await lab.device();
  const samples = imagesOfSplit(dataset, dataset.train);
  const [bend] = await keptWeights(lab, `bend of ${name}`, async () => {
    const net = await Net.build(device, trainer.model, { shape: dataset.shape, batch: BATCH });
    try {
      return [await bendOf(lab, net, [a, b], CURVES[name], samples, { steps, batch: BATCH, lr, seed: lab.seed })];
    } finally {
      net.destroy();
    }
  });
  return bend!;
}

async function scoresAlong([{ trainer, weights: a }, { weights: b }]: Ends, name: Name, bend: Tensors, points: number): Promise<Place[]> {
  const along: Place[] = [];
  for (const t of places(0, 1, points)) along.push({ t, ...(await scoresAt(trainer, mixed([a, bend, b], CURVES[name](t)))) });
  return along;
}

async function planeUnder([{ trainer, weights: a }, { weights: b }]: Ends, bend: Tensors, points: number): Promise<Under> {
  const { directions, corners, at } = planeThrough([a, b, bend]);
  return { corners: [a, b, bend], plane: await planeOf(trainer, a, directions), grid: gridOver(corners, points), at };
}

function rowOf({ name, places }: Joint) {
  const losses = places.map(p => p.train.loss);
  const accuracies = places.map(p => p.test.accuracy!);
  return {
    curve: name,
    'loss at its ends': Math.max(losses[0]!, losses.at(-1)!),
    'greatest between': Math.max(...losses),
    barrier: barrierOf(places.map(p => [p.t, p.train.loss])),
    'test accuracy at its ends': Math.min(accuracies[0]!, accuracies.at(-1)!),
    'least between': Math.min(...accuracies),
  };
}

/** The losses on the plane, with the line and the curve over them. */
function planePanel({ corners: [a, b, bend], grid, at }: Under): Panel {
  const drawn = (name: Name, middle: Tensors) => places(0, 1, DRAWN).map(t => at(mixed([a, middle, b], CURVES[name](t))));
  return surfacePanel('Training loss on the plane of the Bezier curve', ['along the line', 'beside it'], grid, [
    { name: 'line', points: drawn('line', a), dashed: true },
    { name: 'Bezier curve', points: drawn('Bezier', bend) },
    { name: 'minima', points: [at(a), at(b)], pins: true },
  ]);
}
