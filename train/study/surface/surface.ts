/** `surface`: the loss of a trained net along two filter-normalised random directions. */
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { contour } from '../../../plots/contour.ts';
import type { Panel } from '../../../plots/panel.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { experiment, inTurn, Stopped } from '../experiment.ts';
import { filterDirection, moved, places } from './directions.ts';
import { DESCENT, minimumOf, scoreAt, type Minimum } from './minimum.ts';

/** Models that train in moments; `resnet20` and `plain20` differ in shortcuts alone. */
const MODELS = ['lenet5', 'mlp', 'resnet20', 'plain20'] as const;
/** Level lines between the least and the greatest loss, by equal factors. */
const LEVELS = 8;

export const surface = experiment({
  about: 'The loss around a trained net, along two random directions with the lengths of its filters.',
  source: 'Li et al. 2018, section 4',
  options: {
    model: choice('lenet5', MODELS, 'the net'),
    points: number(17, 'places along each direction, made odd', { ...COUNT, min: 2 }),
    reach: number(1, 'how far to both sides, in lengths of the filters', POSITIVE),
    images: number(1000, 'images of Fashion-MNIST on which it is trained and looked at', { ...COUNT, min: 64 }),
    epochs: number(10, 'passes', COUNT),
  },
  async run(lab, { model, points, reach, images, epochs }) {
    const n = points + (1 - (points % 2)); // the net itself lies in the middle
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 64 });
    const device = await lab.device();
    const at = places(-reach, reach, n);
    const middle = (n - 1) / 2;
    at[middle] = 0;
    let minimum: Minimum | undefined;
    const losses = new Float64Array(n * n).fill(NaN);
    let own = NaN;
    let directions: readonly [Tensors, Tensors];
    try {
      const given = { ...DESCENT, epochs: String(epochs), seed: String(lab.seed) };
      // the training is a part of the work, and so is each row of the surface
      await inTurn(
        lab,
        [-1, ...at.keys()],
        j => (j < 0 ? `training ${model}` : `row ${j + 1} of the surface`),
        async j => {
          if (j < 0) {
            minimum = await minimumOf(lab, model, given, dataset);
            const { weights } = minimum;
            directions = [filterDirection(weights, lab.seed, 0), filterDirection(weights, lab.seed, 1)];
            own = (await minimum.trainer.evaluate('train')).loss;
            return;
          }
          const { trainer, weights } = minimum!;
          const [a, b] = directions;
          for (let i = 0; i < n; i++) {
            if (lab.stopped) throw new Stopped();
            const place = moved(weights, [
              [a, at[i]!],
              [b, at[j]!],
            ]);
            losses[j * n + i] = (await scoreAt(trainer, place)).loss;
          }
        },
      );
    } finally {
      await device.idle();
      minimum?.trainer.destroy();
    }
    const finite = [...losses].filter(Number.isFinite);
    const along = (first: boolean) => at.map((x, i) => [x, losses[first ? middle * n + i : i * n + middle]!] as const);
    return {
      title: `Loss of ${model} around the weights that ${epochs} epochs on ${images.toLocaleString('en-US')} images of Fashion-MNIST lead to`,
      rows: [
        {
          net: model,
          'its loss': own,
          'in the middle': losses[middle * n + middle]!,
          least: Math.min(...finite),
          greatest: Math.max(...finite),
          'share below 1': finite.filter(loss => loss < 1).length / finite.length,
        },
      ],
      shares: ['share below 1'],
      panels: [
        surfacePanel(at, losses),
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
      values: { places: at, losses: Array.from({ length: n }, (_, j) => [...losses.subarray(j * n, (j + 1) * n)]) },
    };
  },
});

/** Losses [n, n] at the places along both directions, as colours by their logarithms, with level lines. */
function surfacePanel(at: readonly number[], losses: Float64Array): Panel {
  const n = at.length;
  const logs = losses.map(Math.log);
  const finite = [...logs].filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const half = (at[1]! - at[0]!) / 2;
  const [from, to] = [at[0]! - half, at.at(-1)! + half];
  const span = [at[0]!, at.at(-1)!] as const;
  const levels = places(low, high, LEVELS + 2).slice(1, -1);
  const value = bilinear(at, logs);
  return {
    kind: 'line',
    title: 'Level lines by equal factors',
    x: { label: 'first direction', min: from, max: to },
    y: { label: 'second direction', min: from, max: to },
    ground: { columns: n, rows: n, values: logs, colours: 'rising' },
    series: [
      ...levels.map(level => ({
        name: `loss ${Math.exp(level).toPrecision(2)}`,
        points: contour(value, { x: span, y: span, level }),
        muted: true,
      })),
      { name: 'the net', points: [[0, 0]], pins: true },
    ],
  };
}

/** Bilinear between values [n, n] at equally spaced places. */
const bilinear =
  (at: readonly number[], values: Float64Array) =>
  (x: number, y: number): number => {
    const n = at.length;
    const place = (v: number) => Math.min(n - 1, Math.max(0, ((v - at[0]!) / (at.at(-1)! - at[0]!)) * (n - 1)));
    const [px, py] = [place(x), place(y)];
    const [i, j] = [Math.min(n - 2, Math.floor(px)), Math.min(n - 2, Math.floor(py))];
    const [s, t] = [px - i, py - j];
    const v = (k: number, l: number) => values[(j + l) * n + i + k]!;
    return (1 - t) * ((1 - s) * v(0, 0) + s * v(1, 0)) + t * ((1 - s) * v(0, 1) + s * v(1, 1));
  };
