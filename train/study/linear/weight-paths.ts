/** `weight-paths`: the weights of a linear model against the strength of an L2 and of an L1 penalty. */
import { number } from '../../../engine/parameter.ts';
import { AT_LEAST_0, COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import type { Draw } from '../../../shaders/kernel/random.ts';
import { cholesky, type Normal } from '../../linear/least-squares.ts';
import { NOISE, experiment, inTurn, repeated, type Lab } from '../experiment.ts';
import { trainTo } from '../with-trainer.ts';
import { drawn, linearWeights, normalOfProblem, rmse, withLinear, type Linear, type Problem } from './problems.ts';

/** Weights of features, the constant last, of which three are 0. */
const WEIGHTS = [2, -1.5, 1, 0.5, 0, 0, 0, 0.3];
/** Strengths of the penalties, from weak to strong. */
const LAMBDAS = Array.from({ length: 25 }, (_, i) => 10 ** (-3 + i / 6));
/** Which of them are in the table. */
const SHOWN = [0, 6, 12, 18, 24];

/**
 * The weights of least mean squared error plus lambda times the sum of their sizes, the constant's apart, by coordinate descent (Friedman et
 * al. 2007): each weight by itself is a soft threshold.
 */
export function lasso({ rows, y }: Problem, lambda: number, start?: Float64Array): Float64Array {
  const n = rows.length;
  const d = rows[0]!.length;
  const w = start?.slice() ?? new Float64Array(d);
  const squares = Array.from({ length: d }, (_, i) => rows.reduce((sum, row) => sum + row[i]! ** 2, 0) / n);
  const residual = y.map((t, s) => t - rows[s]!.reduce((sum, v, i) => sum + v * w[i]!, 0));
  for (let round = 0; round < 2000; round++) {
    let moved = 0;
    for (let i = 0; i < d; i++) {
      const slope = rows.reduce((sum, row, s) => sum + row[i]! * residual[s]!, 0) / n + squares[i]! * w[i]!;
      const threshold = i === d - 1 ? 0 : lambda / 2;
      const next = (Math.sign(slope) * Math.max(0, Math.abs(slope) - threshold)) / squares[i]!;
      const change = next - w[i]!;
      if (change) for (let s = 0; s < n; s++) residual[s]! -= change * rows[s]![i]!;
      w[i] = next;
      moved = Math.max(moved, Math.abs(change));
    }
    if (moved < 1e-12) break;
  }
  return w;
}

/** The weights of least mean squared error plus lambda times the sum of their squares, the constant's apart, in closed form. */
export function ridge({ rows, y }: Problem, lambda: number): Float64Array {
  const { d, gram, moment }: Normal = normalOfProblem({ rows, y });
  for (let i = 0; i < d - 1; i++) gram[i * d + i]! += lambda * rows.length;
  return cholesky(gram, moment, d, 1)!;
}

/** What `lasso` finds, by gradient descent with soft thresholds, as `descent train --l1-proximal` takes it. */
const trained = (lab: Lab, problem: Linear, lambda: number, steps: number): Promise<Float64Array> => {
  const given = { optimizer: 'sgd', lr: '0.1', l1Proximal: String(lambda), decayBias: 'false', steps: String(steps) };
  return withLinear(lab, problem, given, async (trainer, total) => {
    await trainTo(lab, trainer, total);
    return linearWeights(trainer);
  });
};

/** Without the constant. */
const lengthOf = (w: Float64Array): number => Math.hypot(...w.slice(0, -1));
const zeros = (w: Float64Array): number => w.slice(0, -1).filter(v => v === 0).length;

export const weightPaths = experiment({
  about: 'Weights against the strength of L2, in closed form, and of L1, which sets them to 0 one after another.',
  source: 'Hastie, Tibshirani, Friedman 2009, section 3.4',
  options: {
    samples: number(80, 'to train on', { ...COUNT, min: 12, max: 10_000 }),
    noise: number(0.5, 'standard deviation of the noise', NOISE),
    lambda: number(0.3, 'strength at which L1 is trained on the device too', AT_LEAST_0),
    steps: number(400, 'updates of that training', COUNT),
  },
  async run(lab, { samples, noise, lambda, steps }) {
    const problem = await drawn(lab, samples, WEIGHTS, noise, dependentFeatures);
    const { train, test } = problem;
    const paths = {
      L2: LAMBDAS.map(strength => ridge(train, strength)),
      L1: await repeated(lab, LAMBDAS.length, k => lasso(train, LAMBDAS[k]!)),
    };
    const [device] = await inTurn(
      lab,
      [lambda],
      strength => `L1 of ${strength} on the device`,
      strength => trained(lab, problem, strength, steps),
    );
    const host = lasso(train, lambda);
    const row = (penalty: string, strength: number, w: Float64Array) => ({
      penalty,
      '\u03bb': strength,
      zeros: zeros(w),
      'length of w': lengthOf(w),
      'training RMSE': rmse(train, w),
      'test RMSE': rmse(test, w),
    });
    return {
      title: `Paths of ${WEIGHTS.length - 1} weights, three of them truly 0`,
      rows: [
        ...Object.entries(paths).flatMap(([penalty, path]) => SHOWN.map(k => row(penalty, LAMBDAS[k]!, path[k]!))),
        row('L1, coordinate descent', lambda, host),
        ...(device ? [row('L1, gradient descent', lambda, device)] : []),
      ],
      expected: device && [
        { what: `weights of 0 at \u03bb ${lambda}`, expected: zeros(host), found: zeros(device), source: 'coordinate descent in float64' },
        { what: 'length of w there', expected: lengthOf(host), found: lengthOf(device), source: 'coordinate descent in float64' },
      ],
      panels: [pathPanel('L2', paths.L2), pathPanel('L1', paths.L1), zerosPanel(paths)],
      layout: { columns: 3 },
      values: {
        lambdas: LAMBDAS,
        L2: paths.L2.map(w => [...w]),
        L1: paths.L1.map(w => [...w]),
        host: [...host],
        device: device && [...device],
      },
    };
  },
});

/** Features that depend on one another by what they have in common. */
function dependentFeatures(next: Draw): number[] {
  const common = next();
  return Array.from({ length: WEIGHTS.length - 1 }, () => 0.5 * common + next());
}

/** Each weight by the strength of the penalty. */
const pathPanel = (title: string, path: readonly Float64Array[]): Panel => ({
  kind: 'line',
  title,
  x: { label: '\u03bb', log: true },
  y: { label: 'weight' },
  series: WEIGHTS.slice(0, -1).map((value, i) => ({
    name: `${value}, number ${i + 1}`,
    points: path.map((w, k) => [LAMBDAS[k]!, w[i]!] as const),
  })),
});

const zerosPanel = (paths: Readonly<Record<string, readonly Float64Array[]>>): Panel => ({
  kind: 'line',
  title: 'Weights that are 0',
  x: { label: '\u03bb', log: true },
  y: { label: 'weights', min: 0, max: WEIGHTS.length - 1 },
  series: Object.entries(paths).map(([name, path]) => ({ name, points: path.map((w, k) => [LAMBDAS[k]!, zeros(w)] as const) })),
});
