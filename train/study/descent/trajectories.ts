/** `trajectories`: the ways of the optimizers over functions of two variables. */
import { contour } from '../../../plots/contour.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { choice } from '../../../engine/parameter.ts';
import { experiment, inTurn } from '../experiment.ts';
import { landscapes, type Landscape, type Point } from './landscapes.ts';
import { trajectory } from './trajectory.ts';

/** A minimum counts as reached where the way first comes as near as this. */
const NEAR = 0.1;

export const trajectories = experiment({
  about: 'Ways of the optimizers over valleys, saddles and plains of two variables.',
  source: 'Beale 1958; Himmelblau 1972; Goodfellow 2016, section 8.2',
  options: { function: choice('all', ['all', ...Object.keys(landscapes)], 'over which they go') },
  async run(lab, { function: only }) {
    const device = await lab.device();
    const found = await inTurn(
      lab,
      Object.entries(landscapes).filter(([name]) => only === 'all' || name === only),
      ([name]) => name,
      async ([name, land]) => {
        const ways: Way[] = [];
        for (const [rule, lr] of Object.entries(land.rates)) {
          const points = await trajectory(device, land, rule, { steps: land.steps, lr, seed: lab.seed });
          ways.push({ name, land, rule, lr, points });
        }
        return { land, ways };
      },
    );
    const ways = found.flatMap(f => f.ways);
    return {
      title: 'Ways of the optimizers downhill',
      rows: ways.map(way => ({ ...rowOf(way) })),
      panels: found.map(({ land, ways }) => landPanel(land, ways)),
      layout: { width: 520, height: 380 },
      values: ways.map(({ name, rule, points }) => ({ function: name, optimizer: rule, points })),
    };
  },
});

/** What one rule did on one function. */
interface Way {
  readonly name: string;
  readonly land: Landscape;
  readonly rule: string;
  readonly lr: number;
  readonly points: readonly Point[];
}

function rowOf({ name, land, rule, lr, points }: Way) {
  const distances = points.map(([x, y]) => Math.min(...land.minima.map(([a, b]) => Math.hypot(x - a, y - b))));
  const near = distances.findIndex(d => d < NEAR);
  return {
    function: name,
    optimizer: rule,
    rate: lr,
    steps: land.steps,
    'last value': land.value(...points.at(-1)!),
    distance: distances.at(-1)!,
    [`within ${NEAR} at`]: near < 0 ? undefined : near,
  };
}

const isInside = ({ x: [left, right], y: [low, high] }: Landscape, [x, y]: Point): boolean =>
  x >= left && x <= right && y >= low && y <= high;

/** The level lines of a function, the ways over it, and where they begin and should end. */
function landPanel(land: Landscape, ways: readonly Way[]): Panel {
  const levels = land.levels.map(level => ({
    name: `level ${level}`,
    points: contour(land.value, { ...land, level }),
    muted: true,
  }));
  const minima = land.minima.filter(m => isInside(land, m));
  return {
    kind: 'line',
    title: `${land.title}: ${land.formula}`,
    x: { label: 'x', min: land.x[0], max: land.x[1] },
    y: { label: 'y', min: land.y[0], max: land.y[1] },
    series: [
      ...levels,
      ...ways.map(({ rule, points }): Series => ({ name: rule, points: points.map(p => (isInside(land, p) ? p : [p[0], NaN])) })),
      { name: 'start', points: [land.start], pins: true },
      { name: 'minimum', points: minima, pins: true, dashed: true },
    ],
  };
}
