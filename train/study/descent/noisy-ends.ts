/**
 * `noisy-ends`: where noisy descent on x₁² + 2 x₂² ends, over many seeds, by how the rate falls. The host computes it: hundreds of runs of a
 * thousand updates of two numbers are as many dispatches.
 */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { schedule } from '../../../optim/schedules.ts';
import { contour } from '../../../plots/contour.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { normals, STREAMS } from '../../../shaders/kernel/random.ts';
import { experiment, inTurn, repeated, type Expected } from '../experiment.ts';
import { mean, spreadOf } from '../statistics.ts';

/** Slopes are CURVATURES · x and noise of deviation 1. */
const CURVATURES = [2, 4] as const;
const START = [-5, -2] as const;
const LR = 0.1;
/** The rates of the lecture: constant, 0.1 e^(-0.1 t), and 0.1 / √(1 + 0.1 t). */
const RATES = {
  constant: { name: 'constant', options: {} },
  exponential: { name: 'exponential', options: { k: 0.1 } },
  polynomial: { name: 'power', options: { a: 0.5, b: 0.1 } },
} as const;

const WINDOW = { x: [-5.5, 1.5], y: [-2.5, 1.5] } as const;
const value = (x: number, y: number): number => x * x + 2 * y * y;

export const noisyEnds = experiment({
  about: 'Noisy descent on x₁² + 2 x₂²: end points over seeds, under constant, exponential and polynomial rates.',
  source: 'Zhang et al. 2023, Dive into Deep Learning, section 12.4',
  options: {
    seeds: number(100, 'runs of each rate', { ...COUNT, min: 2, max: 10_000 }),
    steps: number(1000, 'updates', { ...COUNT, max: 100_000 }),
  },
  async run(lab, { seeds, steps }) {
    const found = await inTurn(
      lab,
      Object.entries(RATES),
      ([name]) => name,
      async ([name, { name: kind, options }]) => {
        const falls = schedule(kind, options, { lr: LR, total: steps })!;
        const rates = Array.from({ length: steps }, (_, t) => falls.at(t).lr);
        const way = descent(rates, lab.seed * seeds);
        const ends = await repeated(lab, seeds, k => descent(rates, lab.seed * seeds + k).at(-1)!);
        return { name, ends, way, theory: CURVATURES.map((h, i) => endOf(rates, h, START[i]!)) };
      },
    );
    const rows = found.map(({ name, ends }) => {
      const [x1, x2] = [spreadOf(ends.map(p => p[0])), spreadOf(ends.map(p => p[1]))];
      return {
        rate: name,
        'mean x1': x1.mean,
        'mean x2': x2.mean,
        'deviation x1': x1.deviation,
        'deviation x2': x2.deviation,
        'mean value': mean(ends.map(p => value(...p))),
      };
    });
    const expected = found.flatMap(({ name, ends, theory }): Expected[] =>
      theory.flatMap(({ mean: centre, deviation }, i) => {
        const seen = spreadOf(ends.map(p => p[i]!));
        const source = 'var ← (1 − ηh)² var + η² at each update';
        const spread = { what: `${name}: deviation x${i + 1}`, expected: deviation, found: seen.deviation, source };
        if (Math.abs(centre) < deviation) return [spread]; // it has arrived
        return [{ what: `${name}: mean x${i + 1}`, expected: centre, found: seen.mean, source: 'x ← (1 − ηh) x at each update' }, spread];
      }),
    );
    return {
      title: `Noisy descent on x₁² + 2 x₂²: ends of ${counted(seeds, 'run')} of ${counted(steps, 'update')}`,
      rows,
      expected,
      panels: found.map(({ name, ends, way }) => panelOf(name, ends, way)),
      layout: { width: 460, height: 340 },
      values: found.map(({ name, ends }) => ({ rate: name, ends })),
    };
  },
});

type Point = readonly [x1: number, x2: number];

/** The points of one run, the first one included. */
function descent(rates: readonly number[], seed: number): Point[] {
  const noise = normals(seed, STREAMS.sample);
  const points: Point[] = [START];
  for (const eta of rates) {
    const [x, y] = points.at(-1)!;
    points.push([x - eta * (CURVATURES[0] * x + noise()), y - eta * (CURVATURES[1] * y + noise())]);
  }
  return points;
}

/** Mean and deviation of where one coordinate ends, over all noise. */
export function endOf(rates: readonly number[], h: number, start: number): { mean: number; deviation: number } {
  let centre = start;
  let variance = 0;
  for (const eta of rates) {
    centre *= 1 - eta * h;
    variance = (1 - eta * h) ** 2 * variance + eta ** 2;
  }
  return { mean: centre, deviation: Math.sqrt(variance) };
}

function panelOf(name: string, ends: readonly Point[], way: readonly Point[]): Panel {
  const levels = [0.25, 1, 3, 7, 14, 25].map(
    (level): Series => ({
      name: `level ${level}`,
      points: contour(value, { ...WINDOW, level }),
      muted: true,
    }),
  );
  return {
    kind: 'line',
    title: `Rate: ${name}`,
    x: { label: 'x₁', min: WINDOW.x[0], max: WINDOW.x[1] },
    y: { label: 'x₂', min: WINDOW.y[0], max: WINDOW.y[1] },
    series: [
      ...levels,
      { name: 'one run', points: way },
      { name: 'ends of all runs', points: ends.flatMap(p => [p, [NaN, NaN] as const]), dots: true },
      { name: 'minimum', points: [[0, 0]], pins: true },
    ],
  };
}
