/** Ways of fitting a function of one variable: small nets trained on all points at once, their errors and what they predict. */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Axis, Panel, Series } from '../../../plots/panel.ts';
import { Diverged } from '../../step/divergence.ts';
import { inTurn, type Cell, type Lab, type Outcome } from '../experiment.ts';
import { mean } from '../statistics.ts';
import { trainTo, withTrainer, type Given } from '../with-trainer.ts';

export type Point = readonly [x: number, y: number];

/** One way: a net, and options as `descent train` takes them. */
export interface Way {
  readonly name: string;
  readonly model: string;
  /** In place of the experiment's. */
  readonly dataset?: string;
  readonly steps?: number;
  readonly options?: Given;
}

/** What came of a way. */
export interface Fit {
  readonly name: string;
  /** RMSE on the training points before each step, while they are trained on (under dropout too); a diverged run ends early. */
  readonly curve: readonly Point[];
  /** RMSE after the last step on the points to train and to test on; undefined where it diverged. */
  readonly train?: number;
  readonly test?: number;
  /** RMSE of what is predicted from the function itself, without noise, where that is given. */
  readonly truth?: number;
  /** What is predicted at the points to test on, from left to right. */
  readonly prediction: readonly Point[];
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly seconds: number;
}

export interface Common {
  readonly dataset: string;
  readonly steps: number;
  /** The data set without its noise, where it has some. */
  readonly truth?: string;
}

/** Points of a split, from left to right. */
export const pointsOf = ({ images, targets }: Dataset['train'], values: ArrayLike<number> = targets!): Point[] =>
  Array.from(images, (x, i) => [x, values[i]!] as const).sort(([a], [b]) => a - b);

/** Trains each way for `steps` steps, from the same seed. */
export const fitWays = (lab: Lab, ways: readonly Way[], common: Common): Promise<Fit[]> =>
  inTurn(
    lab,
    ways,
    way => way.name,
    way => fit(lab, way, common),
  );

async function fit(lab: Lab, way: Way, { truth: noiseless, ...common }: Common): Promise<Fit> {
  const { name, model, options, dataset: set, steps } = { ...common, ...way };
  const dataset = await lab.dataset(set);
  const { n } = dataset.train;
  const given = { batchSize: String(n), steps: String(steps), epochs: String(steps), seed: String(lab.seed), ...options };
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  const curve: Point[] = [];
  try {
    return await withTrainer(lab, model, given, dataset, async trainer => {
      await trainTo(lab, trainer, steps, { log: () => true, onMetrics: line => curve.push([line.step - 1, line.rmse!]) });
      const [train, test] = [await trainer.evaluate('train'), await trainer.evaluate('test')];
      const predicted = await trainer.logits('test');
      const prediction = pointsOf(dataset.test, predicted);
      const goals = noiseless === undefined ? undefined : (await lab.dataset(noiseless)).test.targets!;
      const truth = goals && Math.sqrt(mean(Array.from(predicted, (y, i) => (y - goals[i]!) ** 2)));
      const weights = Object.fromEntries(Object.entries(await trainer.evaluatedWeights()).map(([key, t]) => [key, t.data as Float32Array]));
      const errors = { train: train.rmse!, test: test.rmse!, ...(truth !== undefined && { truth }) };
      return { name, curve, ...errors, prediction, weights, seconds: seconds() };
    });
  } catch (error) {
    if (!(error instanceof Diverged)) throw error;
    return { name, curve, prediction: [], weights: {}, seconds: seconds() };
  }
}

/** What programs are told of each way. */
export const measured = (fits: readonly Fit[]) => fits.map(({ weights: _, ...rest }) => rest);

/** A row of the table for each way. */
export const rowsOf = (fits: readonly Fit[], head: string, more: (fit: Fit) => Readonly<Record<string, Cell>> = () => ({})) =>
  fits.map(fit => ({
    [head]: fit.name,
    'training RMSE': fit.train ?? 'diverged',
    'test RMSE': fit.test,
    ...(fit.truth !== undefined && { 'from the function': fit.truth }),
    ...more(fit),
    seconds: fit.seconds,
  }));

/** The data as dots and what each way predicts as a line. */
export const predictionPanel = (
  title: string,
  dataset: Dataset,
  fits: readonly Pick<Fit, 'name' | 'prediction'>[],
  y: Partial<Axis> = {},
): Panel => ({
  kind: 'line',
  title,
  x: { label: 'x' },
  y: { label: 'y', ...y },
  series: [dataSeries(dataset), ...fits.map(({ name, prediction }): Series => ({ name, points: prediction }))],
});

/** The training points: no line joins them. */
const dataSeries = ({ train }: Dataset): Series => ({
  name: 'data',
  dots: true,
  points: pointsOf(train).flatMap(([x, y]) => [[x, y] as const, [x, NaN] as const]),
});

type Marks = readonly { readonly x: number; readonly label: string }[];

/** Errors by step; `marks` are vertical lines. */
export const errorPanel = (fits: readonly Fit[], marks?: Marks): Panel => ({
  kind: 'line',
  title: 'Error on the training points',
  x: { label: 'step' },
  y: { label: 'RMSE', log: true },
  series: fits.map(({ name, curve }) => ({ name, points: curve })),
  ...(marks && { marks }),
});

/** What an experiment shows that fits one function in several ways: their errors, their predictions, and how they came there. */
export const compared = async (
  lab: Lab,
  { title, head, dataset, y, marks }: { title: string; head: string; dataset: string; y?: Partial<Axis>; marks?: Marks },
  fits: readonly Fit[],
): Promise<Outcome> => ({
  title,
  rows: rowsOf(fits, head),
  panels: [predictionPanel('Prediction', await lab.dataset(dataset), fits, y), errorPanel(fits, marks)],
  values: measured(fits),
});
