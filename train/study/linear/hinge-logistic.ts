/** `hinge-logistic`: linear classifiers of two clouds, and what some points far on the right side do to each loss. */
import { number } from '../../../engine/parameter.ts';
import { AT_LEAST_0, COUNT } from '../../../engine/range.ts';
import { datasetOf } from '../../../datasets/memory.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, type Lab } from '../experiment.ts';
import { trainTo, withTrainer } from '../with-trainer.ts';
import { normalsOf } from './problems.ts';

const LOSSES = ['hinge', 'logistic', 'mse'] as const;
/** Deviation of a cloud in each coordinate. */
const SPREAD = 0.5;
type Point = readonly [x: number, y: number];

/** A line w . p + b = 0, and how many points of `n` are on their right side. */
interface Boundary {
  readonly loss: (typeof LOSSES)[number];
  /** Which points it was trained on. */
  readonly set: string;
  readonly w: Point;
  readonly b: number;
  readonly right: number;
}

const nameOf = ({ loss, set }: Pick<Boundary, 'loss' | 'set'>): string => `${loss}, ${set}`;

export const hingeLogistic = experiment({
  about: 'Hinge and logistic loss leave well-placed points alone; squared error is pulled by them.',
  source: 'Bishop 2006, section 4.1.3',
  options: {
    points: number(40, 'of each cloud', { ...COUNT, max: 100_000 }),
    far: number(8, 'points of the second class far behind it', { integer: true, min: 0, max: 100_000 }),
    l2: number(1e-3, 'L2 penalty', AT_LEAST_0),
    steps: number(600, 'updates of each run', COUNT),
  },
  async run(lab, { points, far, l2, steps }) {
    const sets = setsOf(points, far, lab.seed);
    const runs = Object.entries(sets).flatMap(([set, classes]) => LOSSES.map(loss => ({ loss, set, classes })));
    const found = await inTurn(lab, runs, nameOf, run => boundaryOf(lab, run, l2, steps));
    return {
      title: `Linear classifiers of ${2 * points} points, without and with ${far} far behind`,
      rows: found.map(({ w, right, ...run }) => ({
        loss: nameOf(run),
        right,
        'direction, degrees': (Math.atan2(w[1], w[0]) * 180) / Math.PI,
        'length of w': Math.hypot(...w),
      })),
      shares: ['right'],
      panels: Object.entries(sets).map(([name, classes]) =>
        setPanel(
          name,
          classes,
          found.filter(({ set }) => set === name),
        ),
      ),
      values: found,
    };
  },
});

/** The points of each class. */
type Classes = readonly (readonly Point[])[];

/** Two clouds, and the same with some points of the second class far on its right side. */
function setsOf(points: number, far: number, seed: number): Readonly<Record<string, Classes>> {
  const next = normalsOf(seed);
  const cloud = (n: number, x: number, y: number): Point[] =>
    Array.from({ length: n }, () => [x + SPREAD * next(), y + SPREAD * next()] as const);
  const [first, second, behind] = [cloud(points, -1.5, 1), cloud(points, 1.5, 1), cloud(far, 7, -6)];
  return { 'two clouds': [first, second], 'and points far behind': [first, [...second, ...behind]] };
}

interface Run extends Pick<Boundary, 'loss' | 'set'> {
  readonly classes: Classes;
}

/** Trains a linear classifier on all points at once. */
async function boundaryOf(lab: Lab, { loss, set, classes }: Run, l2: number, steps: number): Promise<Boundary> {
  const images = classes.flat().map(point => [...point]);
  const labels = classes.flatMap((own, label) => own.map(() => label));
  const dataset = await datasetOf({ images, labels, name: 'clouds' });
  const given = {
    loss,
    optimizer: 'adam',
    lr: '0.05',
    weightDecay: String(l2),
    batchSize: String(labels.length),
    steps: String(steps),
    stratify: 'none',
    normalize: 'none',
  };
  return withTrainer(lab, 'mlp:hidden=none', given, dataset, async (trainer, total) => {
    await trainTo(lab, trainer, total);
    const { accuracy } = await trainer.evaluate('train');
    const weights = await trainer.weights();
    const [w, b] = [weights['fc1.weight']!.data, weights['fc1.bias']!.data];
    return { loss, set, w: [w[2]! - w[0]!, w[3]! - w[1]!], b: b[1]! - b[0]!, right: accuracy! };
  });
}

/** The points of one set, and the lines that were trained on it. */
const setPanel = (title: string, classes: Classes, boundaries: readonly Boundary[]): Panel => ({
  kind: 'line',
  title,
  x: { label: 'x', min: -4, max: 9 },
  y: { label: 'y', min: -8, max: 4 },
  series: [
    ...classes.map((own, label) => ({
      name: ['first', 'second'][label]!,
      dots: true,
      points: own.flatMap(([x, y]) => [[x, y] as const, [x, NaN] as const]),
    })),
    ...boundaries.map(({ loss, w: [x, y], b }) => ({
      name: loss,
      points: [-8, 4].map(at => [-(b + y * at) / x, at] as const),
    })),
  ],
});
