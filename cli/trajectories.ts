/** `descent compare trajectories`. */
import { Device } from '../engine/device.ts';
import { openAdapter } from '../engine/node/adapters.ts';
import { contour } from '../plots/contour.ts';
import { draw, type Panel, type Series } from '../plots/chart.ts';
import { checkPicture, writePicture } from '../plots/node.ts';
import { landscapes, trajectory, type Point } from '../train/trajectories.ts';
import { print, table } from './output.ts';

export interface TrajectoriesOptions {
  adapter?: string;
  out?: string;
  seed?: string;
  json?: boolean;
  quiet?: boolean;
}

export async function compareTrajectories({
  adapter,
  out = 'compare-trajectories',
  seed = '0',
  json,
  quiet,
}: TrajectoriesOptions): Promise<void> {
  checkPicture('--out', out);
  const device = await Device.open(await openAdapter(adapter));
  const panels: Panel[] = [];
  const rows: string[][] = [['function', 'optimizer', 'rate', 'steps', 'last value', 'distance', 'within 0.1 at']];
  try {
    for (const [name, land] of Object.entries(landscapes)) {
      const inside = ([x, y]: Point): Point =>
        x >= land.x[0] && x <= land.x[1] && y >= land.y[0] && y <= land.y[1] ? [x, y] : [x, NaN];
      const series: Series[] = [];
      for (const [rule, lr] of Object.entries(land.rates)) {
        const points = await trajectory(device, land, rule, { steps: land.steps, lr, seed: Number(seed) });
        const distances = points.map(([x, y]) => Math.min(...land.minima.map(([a, b]) => Math.hypot(x - a, y - b))));
        const reached = distances.findIndex(d => d < 0.1);
        const value = land.value(...points.at(-1)!);
        series.push({ name: rule, points: points.map(inside) });
        rows.push([
          name,
          rule,
          String(lr),
          String(land.steps),
          value.toPrecision(3),
          distances.at(-1)!.toPrecision(3),
          reached < 0 ? '-' : String(reached),
        ]);
        if (json) {
          print(
            JSON.stringify({
              function: name,
              optimizer: rule,
              lr,
              steps: land.steps,
              value,
              distance: distances.at(-1),
              reached: reached < 0 ? null : reached,
              points,
            }),
          );
        }
      }
      const levels = land.levels.map(level => ({
        name: `level ${level}`,
        points: contour(land.value, { ...land, level }),
        muted: true,
      }));
      panels.push({
        kind: 'line',
        title: land.title,
        x: { label: 'x', min: land.x[0], max: land.x[1] },
        y: { label: 'y', min: land.y[0], max: land.y[1] },
        series: [
          ...levels,
          ...series,
          { name: 'start', points: [land.start], pins: true },
          { name: 'minimum', points: land.minima.filter(m => Number.isFinite(inside(m)[1])), pins: true, dashed: true },
        ],
      });
    }
  } finally {
    device.close();
  }
  const written = await writePicture(
    out,
    draw(panels, { title: 'Ways of the optimizers downhill', width: 520, height: 380 }),
  );
  if (!json) print(`${table(rows)}${quiet ? '' : `\npicture in ${written}`}`);
}
