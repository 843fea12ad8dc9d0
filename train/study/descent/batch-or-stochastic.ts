/**
 * `batch-or-stochastic`: one least squares problem by all samples, by 32 and by one at a time: error by updates, and by samples. The host
 * computes it, in float64: float32 does not tell an error from the least one at 1e-8 of the first, and two hundred thousand updates of ten
 * numbers are as many dispatches.
 */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import type { Series } from '../../../plots/panel.ts';
import { leastSquares } from '../../linear/least-squares.ts';
import { experiment, inTurn, repeated, type Lab } from '../experiment.ts';
import { dot, normalOfProblem, normalsOf, rmse, type Problem } from '../linear/problems.ts';
import { extremes, median } from '../statistics.ts';

const SAMPLES = 1024;
const FEATURES = 10;
const NOISE = 0.3;
const PASSES = 20;
/** Updates that are drawn one by one. */
const FIRST = 100;
/** A rate that suits each batch: one sample alone has a slope that is right on average only. */
const BATCHES = [
  { name: 'batch', size: SAMPLES, rate: 0.5 },
  { name: 'mini-batch of 32', size: 32, rate: 0.2 },
  { name: 'stochastic', size: 1, rate: 0.01 },
] as const;
/** An error above the least one that is looked for, as a share of the first. */
const GOAL = 0.01;
/** Less is not drawn. */
const FLOOR = 1e-8;

function problemOf(seed: number): Problem {
  const next = normalsOf(seed);
  const truth = range(FEATURES).map(next);
  const rows = range(SAMPLES).map(() => Float64Array.from(range(FEATURES), next));
  return { rows, y: Float64Array.from(rows, row => dot(row, truth) + NOISE * next()) };
}

/** Half the mean squared error. */
const errorOf = (problem: Problem, w: Float64Array): number => rmse(problem, w) ** 2 / 2;

/** One update on `size` samples, drawn with replacement unless they are all. */
function update({ rows, y }: Problem, w: Float64Array, size: number, rate: number, random: () => number): void {
  const slope = new Float64Array(FEATURES);
  for (let k = 0; k < size; k++) {
    const i = size === SAMPLES ? k : Math.floor(random() * SAMPLES);
    const row = rows[i]!;
    const residual = dot(row, w) - y[i]!;
    for (let j = 0; j < FEATURES; j++) slope[j]! += (residual * row[j]!) / size;
  }
  for (let j = 0; j < FEATURES; j++) w[j]! -= rate * slope[j]!;
}

/** The error above the least one by updates, at each tenth of a pass, and at each of the first updates. */
function curveOf(
  problem: Problem,
  least: number,
  { size, rate }: (typeof BATCHES)[number],
  seed: number,
): { updates: number[]; excess: number[] } {
  const random = uniforms(seed, STREAMS.shuffle, size);
  const w = new Float64Array(FEATURES);
  const every = Math.max(1, Math.round(SAMPLES / size / 10));
  const last = (PASSES * SAMPLES) / size;
  const updates: number[] = [];
  const excess: number[] = [];
  for (let t = 0; t <= last; t++) {
    if (t % every === 0 || t <= FIRST) {
      updates.push(t);
      excess.push(errorOf(problem, w) - least);
    }
    update(problem, w, size, rate, random);
  }
  return { updates, excess };
}

export const batchOrStochastic = experiment({
  about: 'Batch, mini-batch and stochastic descent on one problem: error by updates, and by samples.',
  source: 'Bottou & Bousquet 2008',
  options: { seeds: number(9, 'runs of each, whose medians and extremes are drawn', COUNT) },
  async run(lab, { seeds }) {
    const problem = problemOf(lab.seed);
    const found = await inTurn(
      lab,
      BATCHES,
      ({ name }) => name,
      async batch => ({ ...batch, ...(await overSeeds(lab, problem, batch, seeds)) }),
    );
    const y = { label: 'error above the least, of the first', log: true, min: FLOOR, max: 1 };
    return {
      title: `Least squares, ${SAMPLES.toLocaleString('en')} samples of ${FEATURES} features`,
      rows: found.map(run => {
        const updates = reached(run);
        return {
          method: run.name,
          rate: run.rate,
          [`updates to ${GOAL}`]: updates,
          [`samples to ${GOAL}`]: updates === undefined ? undefined : updates * run.size,
          [`after ${PASSES} passes`]: run.middle.at(-1)!,
        };
      }),
      panels: [
        {
          kind: 'line',
          title: 'By updates',
          x: { label: 'update', min: 0, max: FIRST },
          y,
          series: found.map(run => upTo(seriesOf(run, 1), FIRST)),
        },
        {
          kind: 'line',
          title: 'By samples',
          x: { label: 'passes over the samples', min: 0, max: PASSES },
          y,
          series: found.map(run => seriesOf(run, run.size / SAMPLES)),
        },
      ],
      layout: { width: 440, height: 300 },
      values: found,
    };
  },
});

/** Errors above the least one by updates, as shares of the first: the medians of runs, and their extremes. */
interface Curve {
  readonly updates: readonly number[];
  readonly middle: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

type Run = (typeof BATCHES)[number] & Curve;

/** The curve of as many runs; of all samples it is one, since nothing is drawn there. Throws where the user asks to stop. */
async function overSeeds(lab: Lab, problem: Problem, batch: (typeof BATCHES)[number], seeds: number): Promise<Curve> {
  const least = errorOf(problem, leastSquares(normalOfProblem(problem)).x);
  const first = errorOf(problem, new Float64Array(FEATURES)) - least;
  const runs = await repeated(lab, batch.size === SAMPLES ? 1 : seeds, k => curveOf(problem, least, batch, lab.seed + k));
  const { updates } = runs[0]!;
  const at = updates.map((_, k) => runs.map(run => run.excess[k]! / first));
  const ends = at.map(extremes);
  return { updates, middle: at.map(median), low: ends.map(([low]) => low), high: ends.map(([, high]) => high) };
}

/** The updates after which the median is at the goal. */
const reached = ({ updates, middle }: Curve): number | undefined => updates[middle.findIndex(v => v <= GOAL)];

/** A curve whose updates are `unit` wide. */
const seriesOf = ({ name, size, updates, middle, low, high }: Run, unit: number): Series => ({
  name,
  points: updates.map((t, k) => [t * unit, middle[k]! < FLOOR ? NaN : middle[k]!] as const),
  ...(size < SAMPLES && {
    band: updates.map((t, k) => [t * unit, Math.max(low[k]!, FLOOR), Math.max(high[k]!, FLOOR)] as const),
  }),
});

/** The part of a series up to `x`. */
const upTo = ({ band, ...s }: Series, x: number): Series => ({
  ...s,
  points: s.points.filter(p => p[0] <= x),
  ...(band && { band: band.filter(b => b[0] <= x) }),
});
