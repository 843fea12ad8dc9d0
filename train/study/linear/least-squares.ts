/** `least-squares`: a linear model solved for in closed form, and trained, on features of which one is the sum of two others. */
import { number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { cholesky, leastSquares } from '../../linear/least-squares.ts';
import { NOISE, experiment, inTurn, type Lab } from '../experiment.ts';
import { trainTo, zeroed } from '../with-trainer.ts';
import { bySvd, dot, drawn, linearWeights, normalOfProblem, rmse, withLinear, type Linear } from './problems.ts';

/** Steps between looks at the weights. */
const EVERY = 5;

/** The optimizers, and what they are called. */
const WAYS = { sgd: 'gradient descent', momentum: 'with momentum 0.9' } as const;

/** How far the weights are from those given, every few steps of a first-order method from weights of 0. */
const distances = (lab: Lab, problem: Linear, optimizer: string, lr: number, steps: number, to: Float64Array) =>
  withLinear(lab, problem, { optimizer, lr: String(lr), steps: String(steps) }, async (trainer, total) => {
    await trainer.loadWeights(zeroed(await trainer.weights()));
    const points: [step: number, distance: number][] = [];
    for (;;) {
      const w = await linearWeights(trainer);
      points.push([trainer.steps, Math.hypot(...w.map((v, i) => v - to[i]!))]);
      if (trainer.steps === total) return { points, w };
      await trainTo(lab, trainer, Math.min(total, trainer.steps + EVERY));
    }
  });

export const leastSquaresExperiment = experiment({
  about: 'Least squares in closed form, by Cholesky and by singular values, beside gradient descent, on dependent features.',
  source: 'Golub & Van Loan 2013, chapter 5',
  options: {
    samples: number(60, 'to train on', { ...COUNT, min: 12, max: 100_000 }),
    noise: number(0.3, 'standard deviation of the noise', NOISE),
    ridge: number(0.1, 'L2 penalty, of the mean squared error', POSITIVE),
    steps: number(600, 'updates of gradient descent', COUNT),
  },
  async run(lab, { samples, noise, ridge, steps }) {
    const problem = await dependent(lab, samples, noise);
    const { train, test } = problem;
    const normal = normalOfProblem(train);
    const svd = bySvd(train);
    const ridged = leastSquares(normal, ridge * samples).x;
    const { lr, factor } = rateFor(svd, samples);
    const runs = await inTurn(
      lab,
      Object.entries(WAYS),
      ([optimizer]) => optimizer,
      async ([optimizer, name]) => ({ name, ...(await distances(lab, problem, optimizer, lr, steps, svd.w)) }),
    );
    const row = (method: string, w: Float64Array | undefined, rank?: number) => ({
      method,
      rank: rank ?? '-',
      'length of w': w ? Math.hypot(...w) : 'singular',
      'training RMSE': w && rmse(train, w),
      'test RMSE': w && rmse(test, w),
    });
    const rate = runs[0] && rateOf(runs[0].points);
    const source = '1 \u2212 \u03b7 \u03bb, \u03bb the least curvature';
    return {
      title: `Least squares of ${samples} samples of ${normal.d - 1} features, one the sum of two others`,
      rows: [
        row('normal equations, Cholesky', cholesky(normal.gram, normal.moment, normal.d, 1)),
        row('singular values', svd.w, svd.rank),
        row(`ridge ${ridge}, Cholesky`, ridged),
        ...runs.map(({ name, w }) => row(name, w)),
      ],
      ...(rate !== undefined && { expected: [{ what: 'factor of the distance by step', expected: factor, found: rate, source }] }),
      panels: [distancePanel(runs), weightsPanel({ 'singular values': svd.w, [`ridge ${ridge}`]: ridged })],
      values: {
        svd: [...svd.w],
        singular: svd.singular,
        ridge: [...ridged],
        runs: runs.map(({ points, w }) => ({ points, w: [...w] })),
        kept: nullPart(svd.w),
      },
    };
  },
});

const distancePanel = (runs: readonly Pick<Series, 'name' | 'points'>[]): Panel => ({
  kind: 'line',
  title: 'Distance from the shortest solution',
  x: { label: 'step' },
  y: { label: '\u2016w \u2212 w*\u2016', log: true },
  series: runs.map(({ name, points }) => ({ name, points })),
});

const weightsPanel = (solutions: Readonly<Record<string, Float64Array>>): Panel => ({
  kind: 'bar',
  title: 'Weights',
  y: { label: 'value' },
  categories: ['a', 'b', 'c', 'd', 'a + b', 'constant'],
  series: Object.entries(solutions).map(([name, w]) => ({ name, values: [...w] })),
});

/** Features a, b, c, d and a + b, in 256ths, so that this sum is exact. */
const dependent = (lab: Lab, samples: number, noise: number): Promise<Linear> =>
  drawn(lab, samples, [2, -1, 0.5, 0, 1, 0.7], noise, next => {
    const [a, b, c, d] = [next(), next(), 0.3 * next(), next()].map(v => Math.round(256 * v) / 256) as [number, number, number, number];
    return [a, b, c, d, a + b];
  });

/**
 * The rate of which the steepest direction is solved in one step, and the factor by which a step shrinks the distance along the flattest: the
 * mean squared error has the curvature 2 s^2 / n along each singular vector.
 */
function rateFor({ singular, rank }: ReturnType<typeof bySvd>, samples: number): { lr: number; factor: number } {
  const curvatures = singular.slice(0, rank).map(s => (2 * s * s) / samples);
  const lr = 1 / curvatures[0]!;
  return { lr, factor: 1 - lr * curvatures.at(-1)! };
}

/** The part of weights along a + b - (a + b), which no prediction depends on. */
const nullPart = (w: Float64Array): number => Math.abs(dot(w, [1, 1, 0, 0, -1, 0])) / Math.sqrt(3);

/** By what a distance shrinks a step: the slope of its logarithm over the later half of what float32 resolves. */
function rateOf(points: readonly (readonly [step: number, distance: number])[]): number | undefined {
  const seen = points.filter(([, distance]) => distance > 3e-4 * points[0]![1]);
  const [a, b] = [seen[Math.floor(seen.length / 2)], seen.at(-1)];
  if (!a || !b || a === b) return undefined;
  return (b[1] / a[1]) ** (1 / (b[0] - a[0]));
}
