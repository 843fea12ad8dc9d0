/** Linear problems that are drawn from a seed, and their solutions in float64. */
import { Matrix, SVD } from 'ml-matrix';
import { datasetOf } from '../../../datasets/memory.ts';
import { normals, STREAMS, type Draw } from '../../../shaders/kernel/random.ts';
import { accumulate, normalOf, type Normal } from '../../linear/least-squares.ts';
import type { Trainer } from '../../step/trainer.ts';
import { repeated, type Lab } from '../experiment.ts';
import { withTrainer, type Given } from '../with-trainer.ts';

/** Samples with features X [n, d], the constant 1 among them where a model has one, and targets y [n]. */
export interface Problem {
  readonly rows: readonly Float64Array[];
  readonly y: Float64Array;
}

export interface Linear {
  readonly train: Problem;
  readonly test: Problem;
  /** The weights that targets were made of, the constant last. */
  readonly weights: Float64Array;
}

/** Standard normal numbers that a seed decides. */
export const normalsOf = (seed: number): Draw => normals(seed, STREAMS.sample);

/**
 * Features drawn by `feature`, and targets of them by `weights`, whose last one is the constant, with noise. As many samples to test on as
 * to train on. Throws where the user asks to stop.
 */
export async function drawn(
  lab: Lab,
  n: number,
  weights: readonly number[],
  noise: number,
  feature: (next: Draw) => number[],
): Promise<Linear> {
  const next = normalsOf(lab.seed);
  const samples = async (): Promise<Problem> => {
    const rows = await repeated(lab, n, () => Float64Array.of(...feature(next).map(Math.fround), 1));
    return { rows, y: Float64Array.from(rows, row => Math.fround(dot(row, weights) + noise * next())) };
  };
  return { train: await samples(), test: await samples(), weights: Float64Array.from(weights) };
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** The root of the mean squared error of weights on a problem. */
export const rmse = ({ rows, y }: Problem, w: ArrayLike<number>): number =>
  Math.sqrt(rows.reduce((sum, row, i) => sum + (dot(row, w) - y[i]!) ** 2, 0) / rows.length);

export function normalOfProblem({ rows, y }: Problem): Normal {
  const normal = normalOf(rows[0]!.length, 1);
  for (const [i, row] of rows.entries()) accumulate(normal, row, [y[i]!]);
  return normal;
}

/** The shortest weights of least error by the singular values of X above `cut` of the largest, and how many these are. */
export function bySvd({ rows, y }: Problem, cut = 1e-10): { w: Float64Array; rank: number; singular: readonly number[] } {
  const {
    leftSingularVectors: u,
    rightSingularVectors: v,
    diagonal,
  } = new SVD(new Matrix(rows.map(row => [...row])), { autoTranspose: true });
  const d = rows[0]!.length;
  const w = new Float64Array(d);
  let rank = 0;
  for (const [r, s] of diagonal.entries()) {
    if (s <= cut * diagonal[0]!) continue;
    rank++;
    let along = 0;
    for (let i = 0; i < rows.length; i++) along += u.get(i, r) * y[i]!;
    for (let i = 0; i < d; i++) w[i]! += (along / s) * v.get(i, r);
  }
  return { w, rank, singular: diagonal };
}

/** The problem as a data set of features without the constant, which is a bias there. */
const asDataset = ({ train, test }: Linear) => {
  const part = ({ rows, y }: Problem) => ({ images: rows.map(row => [...row.slice(0, -1)]), targets: [...y] });
  return datasetOf({ ...part(train), test: part(test), name: 'linear' });
};

/** What `work` makes of a linear model of a problem, all of whose samples are one batch; `given` are further options of the run. */
export async function withLinear<T>(
  lab: Lab,
  problem: Linear,
  given: Given,
  work: (trainer: Trainer, total: number) => Promise<T>,
): Promise<T> {
  const batch = { batchSize: String(problem.train.rows.length), normalize: 'none' };
  return withTrainer(lab, 'mlp:hidden=none', { ...batch, ...given }, await asDataset(problem), work);
}

/** The weights of such a model as they are now, the constant last. */
export async function linearWeights(trainer: Trainer): Promise<Float64Array> {
  const { 'fc1.weight': w, 'fc1.bias': b } = await trainer.weights();
  return Float64Array.of(...w!.data, b!.data[0]!);
}
