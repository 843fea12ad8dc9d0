/** What the worker is asked to train, from the settings of the playground. */
import { quasiNewtonMethods } from '../../../optim/quasi-newton.ts';
import type { NetShape } from '../../worker/fitting.ts';
import type { PlayLook, PlayRates, PlayTask } from '../../worker/protocol.ts';
import type { Settings } from './address.ts';
import { GRID, gridPoints, inputsOf, isOfX, linePoints, type FeatureName } from './features.ts';
import { PROBLEMS, type Point } from './problems.ts';

/** Whether a method takes all points at each step, and its penalty as part of the loss. */
export const takesAll = (optimizer: string): boolean => Object.hasOwn(quasiNewtonMethods, optimizer);

export const ratesOf = ({ lr, penalty, penaltyRate }: Settings): PlayRates => ({
  lr,
  l1: penalty === 'l1' ? penaltyRate : 0,
  l2: penalty === 'l2' ? penaltyRate : 0,
});

/** What the net is given: of functions of x what is of x alone, x itself where that is nothing. */
export function givenTo({ problem, features }: Settings): readonly FeatureName[] {
  if (!PROBLEMS[problem]!.isCurve) return features;
  const ofX = features.filter(isOfX);
  return ofX.length ? ofX : ['x'];
}

/** Why it cannot be trained, in whole sentences; undefined where it can. */
export function refusal({ problem, optimizer, penalty }: Settings, train: readonly Point[]): string | undefined {
  const { classes } = PROBLEMS[problem]!;
  if (!train.length) return 'There are no points to train on yet: click into the plane, or load a CSV.';
  if (classes && new Set(train.map(({ value }) => value)).size < 2)
    return 'All points to train on are of one class: add some of the other.';
  if (penalty === 'l1' && takesAll(optimizer))
    return `${optimizer} minimises a smooth function, which L1 is not: take L2, or another optimizer.`;
  return undefined;
}

export function taskOf(settings: Settings, train: readonly Point[], test: readonly Point[]): PlayTask {
  const { problem, hidden, activation, optimizer, batchSize, seed } = settings;
  const { classes, isCurve } = PROBLEMS[problem]!;
  const features = givenTo(settings);
  const samples = (points: readonly Point[]) => ({
    inputs: inputsOf(points, features),
    targets: Float32Array.from(points, ({ value }) => (classes ? (value + 1) / 2 : value)),
  });
  return {
    features,
    hidden,
    activation,
    loss: classes ? 'logistic' : 'mse',
    optimizer,
    batchSize: takesAll(optimizer) ? train.length : Math.min(batchSize, train.length),
    seed,
    rates: ratesOf(settings),
    train: samples(train),
    test: samples(test),
    grid: inputsOf(isCurve ? linePoints() : gridPoints(), features),
  };
}

/** Whether a look is at a net of this shape: one that was built before a change still tells of itself. */
export const fits = ({ weights, units }: PlayLook, { features, hidden }: NetShape): boolean =>
  units.length === hidden.length &&
  units.every((values, i) => values.length === GRID * GRID * hidden[i]!) &&
  weights['fc1.weight']!.length === features.length * (hidden[0] ?? 1);
