/** `descent compare trajectories`. */
import { Device } from '../../engine/device.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { draw } from '../../plots/chart.ts';
import type { Panel, Series } from '../../plots/panel.ts';
import { contour } from '../../plots/contour.ts';
import { checkPicture, writePicture } from '../../plots/node.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { landscapes, type Landscape, type Point } from '../../train/study/landscapes.ts';
import { trajectory } from '../../train/study/trajectories.ts';
import { print, table } from '../output.ts';
import { onInterrupt } from '../run/interrupt.ts';
import { tellStopped } from './stopped.ts';

export interface TrajectoriesOptions {
  adapter?: string;
  out?: string;
  seed?: string;
  json?: boolean;
  quiet?: boolean;
}

export async function compareTrajectories(options: TrajectoriesOptions): Promise<void> {
  const { out = 'compare-trajectories', json, quiet } = options;
  const seed = OPTIONS.seed.type.parse('--seed', options.seed ?? '0')!;
  checkPicture('--out', out);
  const interrupt = onInterrupt();
  const device = await Device.open(await openAdapter(options.adapter));
  const panels: Panel[] = [];
  const rows: string[][] = [['function', 'optimizer', 'rate', 'steps', 'last value', 'distance', 'within 0.1 at']];
  try {
    interrupt.trains = true;
    for (const [name, land] of Object.entries(landscapes)) {
      if (interrupt.asked) break;
      const ways: Series[] = [];
      const { steps } = land;
      for (const [rule, lr] of Object.entries(land.rates)) {
        const points = await trajectory(device, land, rule, { steps, lr, seed });
        const distances = points.map(([x, y]) => Math.min(...land.minima.map(([a, b]) => Math.hypot(x - a, y - b))));
        const distance = distances.at(-1)!;
        const near = distances.findIndex(d => d < 0.1);
        const reached = near < 0 ? null : near;
        const value = land.value(...points.at(-1)!);
        ways.push({ name: rule, points: points.map(p => (isInside(land, p) ? p : [p[0], NaN])) });
        const figures = [value.toPrecision(3), distance.toPrecision(3), String(reached ?? '-')];
        rows.push([name, rule, String(lr), String(steps), ...figures]);
        if (json) print(JSON.stringify({ function: name, optimizer: rule, lr, steps, value, distance, reached, points }));
      }
      panels.push(landPanel(land, ways));
    }
  } finally {
    interrupt.end();
    device.close();
  }
  if (interrupt.asked && !tellStopped(interrupt, panels.length, Object.keys(landscapes).length, options)) return;
  const picture = draw(panels, { title: 'Ways of the optimizers downhill', width: 520, height: 380 });
  const written = await writePicture(out, picture);
  if (!json) print(`${table(rows)}${quiet ? '' : `\npicture in ${written}`}`);
}

const isInside = ({ x: [left, right], y: [low, high] }: Landscape, [x, y]: Point): boolean =>
  x >= left && x <= right && y >= low && y <= high;

/** The level lines of a function, the ways over it, and where they begin and should end. */
function landPanel(land: Landscape, ways: readonly Series[]): Panel {
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
      ...ways,
      { name: 'start', points: [land.start], pins: true },
      { name: 'minimum', points: minima, pins: true, dashed: true },
    ],
  };
}
