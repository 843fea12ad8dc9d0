/** Functions of two variables on which optimizers are watched: as WGSL for the device and in JavaScript for their level lines. */
import { planeFunction } from './expression.ts';

export type Point = readonly [x: number, y: number];

/** A function to minimise, the part of the plane that is shown, and rates at which each optimizer does sensibly there. */
export interface Landscape {
  readonly title: string;
  readonly formula: string;
  /** What it shows of optimizers. */
  readonly about: string;
  readonly value: (x: number, y: number) => number;
  /** WGSL over `x` and `y`: vec2f, after the statements `given`. */
  readonly gradient: string;
  readonly given?: string | undefined;
  /** Deviation of the noise on the gradient. */
  readonly noise?: number | undefined;
  readonly start: Point;
  readonly minima: readonly Point[];
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly steps: number;
  readonly levels: readonly number[];
  /** By rule, those that are compared in a picture. */
  readonly rates: Readonly<Record<string, number>>;
  /** The rate that suits its slopes; rules take it by their `rates.bySlope`. */
  readonly rate: number;
}

/** A function by its text, from which its slopes follow. */
function written(formula: string): Pick<Landscape, 'formula' | 'value' | 'gradient' | 'given'> {
  const { value, gradient, given } = planeFunction(formula);
  return { formula, value, gradient, given };
}

export const landscapes: Readonly<Record<string, Landscape>> = {
  beale: {
    title: "Beale's function",
    formula: '(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²',
    about: 'Flat plains between steep walls: rates that are safe at the walls crawl on the plain.',
    value: (x, y) => (1.5 - x + x * y) ** 2 + (2.25 - x + x * y ** 2) ** 2 + (2.625 - x + x * y ** 3) ** 2,
    gradient: `2.0 * ((1.5 - x + x * y) * vec2f(y - 1.0, x) + (2.25 - x + x * y * y) * vec2f(y * y - 1.0, 2.0 * x * y)
      + (2.625 - x + x * y * y * y) * vec2f(y * y * y - 1.0, 3.0 * x * y * y))`,
    start: [1, 1.5],
    minima: [[3, 0.5]],
    x: [0, 4],
    y: [-2, 2],
    steps: 300,
    levels: [0.1, 0.5, 1.5, 4, 10, 25, 60, 150],
    rates: { sgd: 0.01, momentum: 0.005, nesterov: 0.005, adagrad: 0.5, adadelta: 10, rmsprop: 0.02, adam: 0.1, rprop: 0.01 },
    rate: 0.01,
  },
  valley: {
    title: 'Long valley',
    formula: 'x² / 200 + y² / 2',
    about: 'A hundred times steeper across than along: plain descent zigzags, momentum and scaling help.',
    value: (x, y) => (x * x) / 200 + (y * y) / 2,
    gradient: 'vec2f(x / 100.0, y)',
    start: [-9, 1.2],
    minima: [[0, 0]],
    x: [-10, 2],
    y: [-1.5, 1.5],
    steps: 200,
    levels: [0.005, 0.02, 0.06, 0.15, 0.3, 0.6, 1.0],
    rates: { sgd: 1.8, momentum: 0.15, nesterov: 0.5, adagrad: 0.8, adadelta: 10, rmsprop: 0.1, adam: 0.25, rprop: 0.05 },
    rate: 1.5,
  },
  saddle: {
    title: 'Saddle point',
    formula: 'x² − y² + y⁴ / 4',
    about: 'Starting on the ridge the slope across is nearly nothing: who leaves it first?',
    value: (x, y) => x * x - y * y + y ** 4 / 4,
    gradient: 'vec2f(2.0 * x, -2.0 * y + y * y * y)',
    start: [1.2, 0.001],
    minima: [
      [0, Math.SQRT2],
      [0, -Math.SQRT2],
    ],
    x: [-1, 1.5],
    y: [-0.5, 2],
    steps: 120,
    levels: [-0.95, -0.75, -0.5, -0.25, 0, 0.25, 0.6, 1.2, 2],
    rates: { sgd: 0.05, momentum: 0.02, nesterov: 0.02, adagrad: 0.1, adadelta: 5, rmsprop: 0.02, adam: 0.05, rprop: 0.01 },
    rate: 0.05,
  },
  monkey: {
    title: 'Degenerate saddle (monkey saddle)',
    formula: 'x³ − 3xy² + (x² + y²)²',
    about: 'Slope and curvature are both 0 at the saddle, three ways lead down: away from it as from no other.',
    value: (x, y) => x ** 3 - 3 * x * y * y + (x * x + y * y) ** 2,
    gradient: 'vec2f(3.0 * (x * x - y * y), -6.0 * x * y) + 4.0 * (x * x + y * y) * vec2f(x, y)',
    start: [0.3, 0.01],
    minima: [
      [-0.75, 0],
      [0.375, 0.375 * Math.sqrt(3)],
      [0.375, -0.375 * Math.sqrt(3)],
    ],
    x: [-1.1, 1.1],
    y: [-1.1, 1.1],
    steps: 600,
    levels: [-0.1, -0.07, -0.03, -0.005, 0, 0.02, 0.1, 0.4, 1, 2],
    rates: { sgd: 0.05, momentum: 0.02, nesterov: 0.02, adagrad: 0.1, adadelta: 5, rmsprop: 0.02, adam: 0.05, rprop: 0.01 },
    rate: 0.05,
  },
  noisy: {
    title: 'Noisy quadratic',
    formula: '(x² + 10 y²) / 2, noise of deviation 1 in each slope',
    about: 'As in a mini-batch the slope is right on average only: averages settle, the rest keeps trembling.',
    value: (x, y) => (x * x + 10 * y * y) / 2,
    gradient: 'vec2f(x, 10.0 * y)',
    noise: 1,
    start: [-3.5, 1.6],
    minima: [[0, 0]],
    x: [-4, 2],
    y: [-1.5, 2],
    steps: 200,
    levels: [0.1, 0.5, 1.5, 3, 6, 10, 16],
    rates: { sgd: 0.05, momentum: 0.01, nesterov: 0.01, adagrad: 0.4, adadelta: 5, rmsprop: 0.05, adam: 0.1, rprop: 0.01 },
    rate: 0.05,
  },
  rosenbrock: {
    title: "Rosenbrock's function",
    ...written('(1 - x)^2 + 100*(y - x^2)^2'),
    about: 'A bent valley with a nearly level floor: it is found at once, and followed slowly.',
    start: [-1.2, 1],
    minima: [[1, 1]],
    x: [-2, 2],
    y: [-1, 3],
    steps: 1000,
    levels: [0.5, 2, 8, 25, 80, 200, 500, 1000],
    rates: { sgd: 0.001, momentum: 0.0003, nesterov: 0.0003, adagrad: 0.3, adadelta: 5, rmsprop: 0.01, adam: 0.05, rprop: 0.01 },
    rate: 0.001,
  },
  himmelblau: {
    title: "Himmelblau's function",
    ...written('(x^2 + y - 11)^2 + (x + y^2 - 7)^2'),
    about: 'Four minima of the same height around a hill: who ends in which?',
    start: [-0.2, -1.2],
    minima: [
      [3, 2],
      [-2.805118086952745, 3.131312518250573],
      [-3.779310253377747, -3.283185991286169],
      [3.584428340330492, -1.848126526964404],
    ],
    x: [-5, 5],
    y: [-5, 5],
    steps: 200,
    levels: [5, 20, 50, 100, 150, 200, 300, 500],
    rates: { sgd: 0.01, momentum: 0.003, nesterov: 0.003, adagrad: 0.5, adadelta: 10, rmsprop: 0.05, adam: 0.1, rprop: 0.01 },
    rate: 0.01,
  },
  rastrigin: {
    title: "Rastrigin's function",
    ...written('20 + x^2 + y^2 - 10*(cos(2*pi*x) + cos(2*pi*y))'),
    about: 'A bowl full of dents: the slope leads into the next one, and only who is carried over its rim gets further.',
    start: [-3.3, 2.6],
    minima: [[0, 0]],
    x: [-5.12, 5.12],
    y: [-5.12, 5.12],
    steps: 300,
    levels: [5, 10, 20, 30, 40, 60],
    rates: { sgd: 0.002, momentum: 0.001, nesterov: 0.001, adagrad: 0.3, adadelta: 5, rmsprop: 0.05, adam: 0.1, rprop: 0.01 },
    rate: 0.002,
  },
  ackley: {
    title: "Ackley's function",
    ...written('20 + e - 20*exp(-0.2*sqrt((x^2 + y^2)/2)) - exp((cos(2*pi*x) + cos(2*pi*y))/2)'),
    about: 'Ripples on a plain around a funnel with a sharp tip, at which slopes do not become small.',
    start: [-3.2, 2.4],
    minima: [[0, 0]],
    x: [-4, 4],
    y: [-4, 4],
    steps: 300,
    levels: [2, 4, 6, 8, 10, 12],
    rates: { sgd: 0.02, momentum: 0.01, nesterov: 0.01, adagrad: 0.3, adadelta: 5, rmsprop: 0.05, adam: 0.1, rprop: 0.01 },
    rate: 0.02,
  },
};
