/** The ways that optimizers take on functions of two variables, computed by the same fused updates that train nets. */
import { compute } from '../../engine/compute.ts';
import type { Graph } from '../../engine/graph.ts';
import { check } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Memory } from '../../engine/memory.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { range } from '../../shaders/kernel/wgsl.ts';
import { surfaceGradient } from '../../shaders/update/surface.ts';

export type Point = readonly [x: number, y: number];

/** A function to minimise, the part of the plane that is shown, and rates at which each optimizer does sensibly there. */
export interface Landscape {
  readonly title: string;
  readonly value: (x: number, y: number) => number;
  /** WGSL over `x` and `y`: vec2f. */
  readonly gradient: string;
  /** Deviation of the noise on the gradient. */
  readonly noise?: number;
  readonly start: Point;
  readonly minima: readonly Point[];
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly steps: number;
  readonly levels: readonly number[];
  /** By rule; those that are not here are not shown. */
  readonly rates: Readonly<Record<string, number>>;
}

export const landscapes: Readonly<Record<string, Landscape>> = {
  beale: {
    title: "Beale's function",
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
  },
  valley: {
    title: 'Long valley, 100 times steeper across than along',
    value: (x, y) => (x * x) / 200 + (y * y) / 2,
    gradient: 'vec2f(x / 100.0, y)',
    start: [-9, 1.2],
    minima: [[0, 0]],
    x: [-10, 2],
    y: [-1.5, 1.5],
    steps: 200,
    levels: [0.005, 0.02, 0.06, 0.15, 0.3, 0.6, 1.0],
    rates: { sgd: 1.8, momentum: 0.15, nesterov: 0.5, adagrad: 0.8, adadelta: 10, rmsprop: 0.1, adam: 0.25, rprop: 0.05 },
  },
  saddle: {
    title: 'Saddle point, x² - y² + y⁴/4',
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
  },
  noisy: {
    title: 'Noisy quadratic, noise of deviation 1 on the gradient',
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
  },
};

/** The points before each of `steps` updates of a rule, and after the last. Throws where the rule needs more than a gradient. */
export async function trajectory(
  device: Device,
  land: Pick<Landscape, 'gradient' | 'noise' | 'start'>,
  rule: string,
  { steps, lr, hyper = {}, seed = 0 }: { steps: number; lr?: number; hyper?: Readonly<Record<string, number>>; seed?: number },
): Promise<Point[]> {
  const update = optimizer(rules[rule]!, { ...hyper, ...(lr !== undefined && { lr }) });
  check(!update.rule.probes, `${rule}: needs the loss of a net beside its gradient`, 'choose another rule');
  const build = (g: Graph, memory: Memory) => {
    const { value, grad } = g.param('point', [2], () => Float32Array.from(land.start));
    const trail = g.lasting('state', 'trail', [2 * (steps + 1)]);
    g.run(surfaceGradient, { gradient: land.gradient, noise: land.noise ?? 0 }, { w: value, g: grad, trail });
    memory.reserve(g);
    update.addTo(g, memory.layout);
    return { trail };
  };
  const values = range(steps + 1).map(t => ({ ...update.values(t + 1, update.hyper.lr), seed, step: t + 1 }));
  const { trail } = await compute(device, build, {}, values, { training: true, seed });
  return range(steps + 1).map(t => [trail[2 * t]!, trail[2 * t + 1]!]);
}
