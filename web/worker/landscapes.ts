/** Functions of two variables on which optimizers race. The same formula in WGSL for the device and in JavaScript for the contours. */

export interface Landscape {
  readonly title: string;
  readonly formula: string;
  readonly about: string;
  readonly f: (x: number, y: number) => number;
  /** WGSL of the gradient at (x, y): a vec2f. `u` and `v` are standard normal numbers of this step. */
  readonly gradient: string;
  readonly range: readonly [x0: number, x1: number, y0: number, y1: number];
  readonly start: readonly [number, number];
  readonly minimum?: readonly [number, number];
  /** Factor of each rule's own rate that suits the slopes here. */
  readonly rate: number;
}

export const landscapes: Readonly<Record<string, Landscape>> = {
  beale: {
    title: 'Beale\u2019s function',
    formula: '(1.5 \u2212 x + xy)\u00b2 + (2.25 \u2212 x + xy\u00b2)\u00b2 + (2.625 \u2212 x + xy\u00b3)\u00b2',
    about: 'Flat plains between steep walls: rates that are safe at the walls crawl on the plain.',
    f: (x, y) => (1.5 - x + x * y) ** 2 + (2.25 - x + x * y * y) ** 2 + (2.625 - x + x * y ** 3) ** 2,
    gradient: `let a = 1.5 - x + x * y;
  let b = 2.25 - x + x * y * y;
  let c = 2.625 - x + x * y * y * y;
  let slope = vec2f(2.0 * (a * (y - 1.0) + b * (y * y - 1.0) + c * (y * y * y - 1.0)), 2.0 * x * (a + 2.0 * b * y + 3.0 * c * y * y));`,
    range: [-4.5, 4.5, -4.5, 4.5],
    start: [1, 1.5],
    minimum: [3, 0.5],
    rate: 0.01,
  },
  valley: {
    title: 'Long valley',
    formula: '0.05 x\u00b2 + y\u00b2 \u00b7 5',
    about: 'A hundred times steeper across than along: plain descent zigzags, momentum and scaling help.',
    f: (x, y) => 0.05 * x * x + 5 * y * y,
    gradient: 'let slope = vec2f(0.1 * x, 10.0 * y);',
    range: [-5, 5, -3, 3],
    start: [-4.5, 2],
    minimum: [0, 0],
    rate: 0.15,
  },
  saddle: {
    title: 'Saddle point',
    formula: 'x\u00b2 \u2212 y\u00b2 + y\u2074 / 4',
    about: 'Starting on the ridge the slope across is nearly nothing: who leaves it first?',
    f: (x, y) => x * x - y * y + y ** 4 / 4,
    gradient: 'let slope = vec2f(2.0 * x, y * y * y - 2.0 * y);',
    range: [-2.5, 2.5, -2.5, 2.5],
    start: [-2, 0.01],
    minimum: [0, Math.SQRT2],
    rate: 0.05,
  },
  noisy: {
    title: 'Noisy quadratic',
    formula: '(x\u00b2 + 4 y\u00b2) / 2 + noise of deviation 2 in each slope',
    about: 'As in a mini-batch the slope is right on average only: averages settle, the rest keeps trembling.',
    f: (x, y) => (x * x + 4 * y * y) / 2,
    gradient: 'let slope = vec2f(x, 4.0 * y) + 2.0 * vec2f(u, v);',
    range: [-5, 5, -4, 4],
    start: [-4, 3],
    minimum: [0, 0],
    rate: 0.1,
  },
};
