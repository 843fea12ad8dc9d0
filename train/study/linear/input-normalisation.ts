/**
 * `input-normalisation`: what kinds of normalisation make of inputs, and of the steps that plain descent on a linear model needs. In float64
 * on the host: a condition number of a million is beyond what float32 tells.
 */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Axis, Panel, Series } from '../../../plots/panel.ts';
import { eigenSymmetric, symmetric } from '../../data/eigen.ts';
import { accumulate, leastSquares, normalOf, type Normal } from '../../linear/least-squares.ts';
import { experiment, imageCount, inTurn, repeated, type Expected, type Lab } from '../experiment.ts';
import { extremes, mean, spreadOf } from '../statistics.ts';
import { dot, normalsOf, type Problem } from './problems.ts';

/** The error above the least one is to become so much smaller. */
const GOAL = 1e-3;
/** Steps of the panel, and the least error in it. */
const DRAWN = 400;
const FLOOR = GOAL / 10;
/** Points of a cloud that are drawn of all. */
const SHOWN = 10_000;
/** Images are averaged to so many pixels a side, of which the last rows and columns have almost no variance, as in the whole images. */
const SIDE = 7;

type Rows = readonly Float64Array[];

/** What x - shift, multiplied by a matrix, is for each row. */
const affine = (lab: Lab, rows: Rows, shift: ArrayLike<number>, matrix: Rows): Promise<Rows> =>
  repeated(lab, rows.length, n => {
    const centred = rows[n]!.map((v, i) => v - shift[i]!);
    return Float64Array.from(matrix, line => dot(line, centred));
  });

const meanOf = (rows: Rows): Float64Array => rows[0]!.map((_, i) => mean(rows.map(row => row[i]!)));

/** The sums over a problem with `d` features of each row. */
async function normalIn(lab: Lab, { rows, y }: Problem, d: number, features: (row: Float64Array) => Float64Array): Promise<Normal> {
  const normal = normalOf(d, 1);
  await repeated(lab, rows.length, n => accumulate(normal, features(rows[n]!), [y[n]!]));
  return normal;
}

const diagonal = (values: ArrayLike<number>): Float64Array[] =>
  Array.from(values, (v, i) => Float64Array.from({ length: values.length }, (_, j) => (i === j ? v : 0)));

/** The root of the inverse of the covariance, symmetric: of all matrices that whiten the one that changes the inputs least. */
async function whitening(lab: Lab, rows: Rows): Promise<Float64Array[]> {
  const d = rows[0]!.length;
  const centre = meanOf(rows);
  const { gram } = await normalIn(lab, { rows, y: new Float64Array(rows.length) }, d, row => row.map((v, i) => v - centre[i]!));
  const { values, vectors } = eigenSymmetric(
    symmetric(
      d,
      gram.map(v => v / rows.length),
    ),
    d,
  );
  return Array.from({ length: d }, (_, i) =>
    Float64Array.from({ length: d }, (_, j) => {
      let sum = 0;
      for (let r = 0; r < d; r++) sum += (vectors[r * d + i]! * vectors[r * d + j]!) / Math.sqrt(values[r]!);
      return sum;
    }),
  );
}

/**
 * Kinds of normalisation. PCA whitening is ZCA's, turned: it has the same eigenvalues. Each sample is divided by its own root mean square,
 * and keeps its mean: of two numbers nothing but a sign would be left without it.
 */
const KINDS: Readonly<Record<string, (lab: Lab, rows: Rows) => Promise<Rows>>> = {
  'as they are': async (_, rows) => rows,
  centred: (lab, rows) => affine(lab, rows, meanOf(rows), diagonal(rows[0]!.map(() => 1))),
  standardised: (lab, rows) =>
    affine(lab, rows, meanOf(rows), diagonal(rows[0]!.map((_, i) => 1 / (spreadOf(rows.map(row => row[i]!)).deviation || 1)))),
  'whitened (ZCA)': async (lab, rows) => affine(lab, rows, meanOf(rows), await whitening(lab, rows)),
  'each sample by itself': (lab, rows) =>
    repeated(lab, rows.length, n => rows[n]!.map((v, _, row) => (v * Math.sqrt(row.length)) / Math.hypot(...row))),
};

/** The curvatures of half the mean squared error of a linear model, and the parts of its error from weights of 0 on along them. */
export interface Bowl {
  /** Largest first. */
  readonly curvatures: Float64Array;
  readonly parts: Float64Array;
  readonly condition: number;
  /** The rate at which the slowest direction is fastest, 2 / (largest + smallest). */
  readonly rate: number;
}

/** The bowl over weights and a constant, which features have no place for. Throws where the user asks to stop. */
export async function bowlOf(lab: Lab, problem: Problem): Promise<Bowl> {
  const { rows } = problem;
  const d = rows[0]!.length + 1;
  const normal = await normalIn(lab, problem, d, row => Float64Array.of(...row, 1));
  const scaled: Normal = { ...normal, gram: normal.gram.map(v => v / rows.length), moment: normal.moment.map(v => v / rows.length) };
  const w = leastSquares(scaled).x;
  const { values, vectors } = eigenSymmetric(symmetric(d, scaled.gram.slice()), d);
  const parts = values.map((value, r) => (value * dot(vectors.subarray(r * d, (r + 1) * d), w) ** 2) / 2);
  const [most, least] = [values[0]!, values.at(-1)!];
  return { curvatures: values, parts, condition: most / least, rate: 2 / (most + least) };
}

/** The error above the least one after t steps of plain descent from 0, of that before the first. */
export function errorAfter({ curvatures, parts, rate }: Bowl, t: number): number {
  const sum = (of: (i: number) => number) => parts.reduce((all, _, i) => all + of(i), 0);
  return sum(i => parts[i]! * (1 - rate * curvatures[i]!) ** (2 * t)) / sum(i => parts[i]!);
}

/** The first step after which the error is small: it never rises, so that its place can be enclosed. */
function stepsOf(bowl: Bowl): number {
  let [before, after] = [0, 1];
  while (errorAfter(bowl, after) > GOAL) [before, after] = [after, 2 * after];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (errorAfter(bowl, middle) > GOAL) before = middle;
    else after = middle;
  }
  return after;
}

/** Points around a mean far from 0, of two features that differ in their scale and depend on one another. */
async function cloudOf(lab: Lab, points: number): Promise<Problem> {
  const next = normalsOf(lab.seed);
  const rows = await repeated(lab, points, () => {
    const [a, b] = [next(), next()];
    return Float64Array.of(4 + 2 * a, 1.5 + 0.4 * (0.8 * a + 0.6 * b));
  });
  return { rows, y: Float64Array.from(rows, ([u, v]) => u! - 4 * v! + 0.3 * next()) };
}

/** Images as SIDE x SIDE means of their pixels from 0 to 1, and whether each is of the first half of the classes. */
async function pixelsOf(lab: Lab, { train, shape: [c, h, w], classes }: Dataset): Promise<Problem> {
  const rows = await repeated(lab, train.n, n => {
    const row = new Float64Array(SIDE * SIDE);
    const counts = new Float64Array(SIDE * SIDE);
    for (let i = 0; i < c * h * w; i++) {
      const at = Math.floor(((Math.floor(i / w) % h) * SIDE) / h) * SIDE + Math.floor(((i % w) * SIDE) / w);
      row[at]! += train.images[n * c * h * w + i]! / 255;
      counts[at]!++;
    }
    return row.map((v, i) => v / counts[i]!);
  });
  return { rows, y: Float64Array.from(rows, (_, n) => (train.labels[n]! < classes.length / 2 ? 1 : -1)) };
}

export const inputNormalisation = experiment({
  about: 'Inputs as they are, centred, standardised, whitened: clouds, condition numbers, steps of plain descent.',
  source: 'LeCun et al. 1998, section 4.3; Krizhevsky 2009 (ZCA)',
  options: {
    points: number(400, 'of the cloud', { ...COUNT, min: 10 }),
    images: number(2000, 'of Fashion-MNIST', imageCount('fashion-mnist', 200)),
  },
  async run(lab, { points, images }) {
    const cloud = await cloudOf(lab, points);
    const pixels = await pixelsOf(lab, await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 10 }));
    const ways = await inTurn(
      lab,
      Object.entries(KINDS),
      ([name]) => name,
      async ([name, normalised]): Promise<Way> => {
        const rows = await normalised(lab, cloud.rows);
        const images = await normalised(lab, pixels.rows);
        return { name, rows, cloud: await solvedBy(lab, { ...cloud, rows }), images: await solvedBy(lab, { ...pixels, rows: images }) };
      },
    );
    return {
      title: `Inputs of a linear model, normalised in ${counted(ways.length, 'way')}`,
      rows: ways.map(({ name, cloud, images }) => ({
        inputs: name,
        'condition number': cloud.bowl.condition,
        'best rate': cloud.bowl.rate,
        [`steps to ${GOAL}`]: cloud.steps,
        [`of ${SIDE}x${SIDE} pixels`]: images.bowl.condition,
        'steps there': images.steps,
      })),
      expected: ways.filter(({ name }) => name.startsWith('whitened')).flatMap(whitenedExpected),
      panels: [...ways.map(way => cloudPanel(way, cloud.y)), errorPanel(ways)],
      layout: { columns: 3, width: 380, height: 340 },
      values: ways.map(({ name, cloud, images }) => ({ name, cloud: valuesOf(cloud), images: valuesOf(images) })),
    };
  },
});

/** A bowl, and the steps that descent takes in it. */
interface Solved {
  readonly bowl: Bowl;
  readonly steps: number;
}

async function solvedBy(lab: Lab, problem: Problem): Promise<Solved> {
  const bowl = await bowlOf(lab, problem);
  return { bowl, steps: stepsOf(bowl) };
}

/** A kind of normalisation: the points of the cloud after it, and what became of both problems. */
interface Way {
  readonly name: string;
  readonly rows: Rows;
  readonly cloud: Solved;
  readonly images: Solved;
}

const valuesOf = ({ bowl: { condition, curvatures, rate }, steps }: Solved) => ({ condition, curvatures: [...curvatures], rate, steps });

const whitenedExpected = ({ cloud, images }: Way): Expected[] => [
  { what: 'condition number of the cloud, whitened', expected: 1, found: cloud.bowl.condition, source: 'the covariance is 1' },
  { what: 'of images, whitened', expected: 1, found: images.bowl.condition, source: 'the covariance is 1' },
  { what: 'steps, whitened', expected: 1, found: cloud.steps, source: 'a gradient step is Newton\u2019s' },
];

/** The points, of very many the first, by the sides of the mean of `y` on which their own lies. */
function cloudPanel({ name, rows, cloud }: Way, y: Float64Array): Panel {
  const middle = mean(y);
  const some = rows.slice(0, SHOWN);
  const axes = axesOf(some);
  const side = (title: string, above: boolean): Series => ({
    name: title,
    points: some.flatMap((row, i) => (y[i]! > middle === above ? [[row[0]!, row[1]!] as const] : [])),
  });
  return {
    kind: 'scatter',
    title: `${name}: condition number ${cloud.bowl.condition.toPrecision(3)}`,
    x: axes[0]!,
    y: axes[1]!,
    series: [side('y above its mean', true), side('y below', false)],
  };
}

/** One scale for both features, in whole numbers: the shape of the cloud is what is looked at. */
function axesOf(rows: Rows): Axis[] {
  const sides = [0, 1].map(i => extremes(rows.map(row => row[i]!)));
  const centres = sides.map(([low, high]) => Math.round((low + high) / 2));
  const half = Math.ceil(Math.max(...sides.map(([low, high], i) => Math.max(high - centres[i]!, centres[i]! - low))));
  return centres.map((centre, i) => ({ label: `feature ${i + 1}`, min: centre - half, max: centre + half }));
}

const errorPanel = (ways: readonly Way[]): Panel => ({
  kind: 'line',
  title: 'Error above the least, at the best rate',
  x: { label: 'step', min: 0, max: DRAWN },
  y: { label: 'of the first', log: true, min: FLOOR, max: 1 },
  series: ways.map(({ name, cloud: { bowl } }) => {
    const errors = Array.from({ length: DRAWN + 1 }, (_, t) => Math.max(FLOOR, errorAfter(bowl, t)));
    const end = errors.indexOf(FLOOR);
    return { name, points: errors.slice(0, end < 0 ? undefined : end + 1).map((e, t) => [t, e] as const) };
  }),
});
