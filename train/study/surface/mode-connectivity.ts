/** `mode-connectivity`: two minima joined by curves along which the loss stays low, beside the straight line. */
import { first } from '../../../datasets/dataset.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { check } from '../../../engine/check.ts';
import { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { experiment, imageCount, tasksInTurn } from '../experiment.ts';
import { keptWeights } from '../kept.ts';
import { imagesOfSplit } from '../robust/victim.ts';
import type { Scores } from '../with-trainer.ts';
import { bendOf, CURVES } from './curve.ts';
import { mixed, places } from './directions.ts';
import { fillRow, gridOf, rowsOf, spanned, surfacePanel, type Grid } from './grid.ts';
import { barrierOf, scorePanels } from './interpolation.ts';
import { scoresAt, searches, withMinima, type Minimum } from './minimum.ts';
import { planeOf, planeThrough, type At, type Plane } from './plane.ts';

/** Images of a step. */
const BATCH = 32;
/** Points of a drawn curve. */
const DRAWN = 60;

type Name = keyof typeof CURVES;

interface Place extends Scores {
  readonly t: number;
}

export const modeConnectivity = experiment({
  about: 'Two minima joined by a chain and a Bezier curve of one bend, along which the loss stays low.',
  source: 'Garipov et al. 2018; Draxler et al. 2018',
  options: {
    model: choice('lenet5', ['lenet5', 'mlp'], 'the nets'),
    points: number(21, 'places on each curve, made odd', { ...COUNT, min: 3 }),
    surface: number(11, 'places along each direction of the plane through ends and bend', { ...COUNT, min: 2 }),
    steps: number(600, 'steps in which a bend is trained', COUNT),
    lr: number(0.003, 'their first rate, which falls to 0', POSITIVE),
    images: number(1000, 'training images of Fashion-MNIST', imageCount('fashion-mnist', 64)),
    epochs: number(10, 'passes in which each minimum is found', COUNT),
  },
  async run(lab, { model, points, surface, steps, lr, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const { shape } = dataset;
    check(dataset.train.n >= BATCH, `mode-connectivity: ${dataset.train.n} images are fewer than a batch`, `give ${BATCH} or more`);
    const device = await lab.device();
    const samples = imagesOfSplit(dataset, first(dataset.train));
    const minima: Minimum[] = [];
    const found: { name: Name; bend: Tensors; places: Place[] }[] = [];
    let shown: { plane: Plane; grid: Grid; at(weights: Tensors): At } | undefined;

    const along = async (name: Name) => {
      const [{ trainer, weights: a }, { weights: b }] = minima as [Minimum, Minimum];
      const trained = async () => {
        const net = await Net.build(device, trainer.model, { shape, batch: BATCH });
        try {
          return [await bendOf(lab, net, [a, b], CURVES[name], samples, { steps, batch: BATCH, lr, seed: lab.seed })];
        } finally {
          net.destroy();
        }
      };
      const [bend] = name === 'line' ? [a] : await keptWeights(lab, `bend of ${name}`, trained); // the straight line has none
      const placed: Place[] = [];
      for (const t of places(0, 1, points + (1 - (points % 2)))) {
        placed.push({ t, ...(await scoresAt(trainer, mixed([a, bend!, b], CURVES[name](t)))) });
      }
      found.push({ name, bend: bend!, places: placed });
      if (name !== 'Bezier') return;
      const { directions, corners, at } = planeThrough([a, b, bend!]);
      const axis = (k: 0 | 1) =>
        spanned(
          corners.map(corner => corner[k]),
          surface,
        );
      shown = { plane: await planeOf(trainer, a, directions), grid: gridOf(axis(0), axis(1)), at };
    };
    await withMinima(lab, find =>
      tasksInTurn(lab, [
        ...searches(find, minima, { model, epochs, dataset, seeds: [lab.seed, lab.seed + 1] }),
        ...(Object.keys(CURVES) as Name[]).map(name => ({ name: `${name} between them`, work: () => along(name) })),
        ...Array.from({ length: surface }, (_, row) => ({
          name: `row ${row + 1} of the surface`,
          work: () => fillRow(lab, 'surface', shown!.plane, shown!.grid, row),
        })),
      ]),
    );
    const ends = (grid: Grid, at: (weights: Tensors) => At) => {
      const [a, b] = minima.map(minimum => minimum.weights) as [Tensors, Tensors];
      const { bend } = found.at(-1)!;
      const drawn = (name: Name, middle: Tensors) => places(0, 1, DRAWN).map(t => at(mixed([a, middle, b], CURVES[name](t))));
      return surfacePanel('Training loss on the plane of the Bezier curve', ['along the line', 'beside it'], grid, [
        { name: 'line', points: drawn('line', a), dashed: true },
        { name: 'Bezier curve', points: drawn('Bezier', bend) },
        { name: 'minima', points: [at(a), at(b)], pins: true },
      ]);
    };
    return {
      title: `Curves between two minima of ${model}, ${images.toLocaleString('en-US')} images of Fashion-MNIST`,
      rows: found.map(({ name, places }) => {
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
      }),
      shares: ['test accuracy at its ends', 'least between'],
      panels: [
        ...scorePanels(
          { label: 't', min: 0, max: 1 },
          found.map(({ name, places }) => ({ name, places: places.map(p => [p.t, p] as const) })),
        ),
        ...(shown ? [ends(shown.grid, shown.at)] : []),
      ],
      layout: { columns: 3, height: 360 },
      values: {
        curves: found.map(({ name, places }) => ({ name, places })),
        ...(shown && { x: shown.grid.x, y: shown.grid.y, losses: rowsOf(shown.grid) }),
      },
    };
  },
});
