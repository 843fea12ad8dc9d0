import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contour } from '../../../plots/contour.ts';
import { landscapes, type Landscape, type Point } from '../../../train/study/descent/landscapes.ts';
import { trajectory } from '../../../train/study/descent/trajectory.ts';
import { close, deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('trajectories');

/** Central differences of fourth order in float64. */
const slope = ({ value }: Landscape, x: number, y: number, h = 1e-4) => {
  const along = (f: (d: number) => number) => (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
  return [along(d => value(x + d, y)), along(d => value(x, y + d))] as const;
};

for (const [name, land] of Object.entries(landscapes)) {
  test(`${name}: the kernel's gradient is that of the function`, async () => {
    for (const start of [land.start, [0.3, -0.7], [1.9, 1.1]] satisfies Point[]) {
      const points = await trajectory(await deviceFor(), { ...land, start, noise: 0 }, 'sgd', { steps: 1, lr: 0.001 });
      const [gx, gy] = slope(land, start[0], start[1]);
      // float32 differences of positions
      close('gradient', [(points[0]![0] - points[1]![0]) / 0.001, (points[0]![1] - points[1]![1]) / 0.001], [gx, gy], 1e-3);
    }
    for (const [x, y] of land.minima) close('gradient at a minimum', [...slope(land, x, y)], [0, 0], 1e-8);
  });
}

test('momentum follows its recursion in float64 for 60 steps', async () => {
  const land = landscapes.valley!;
  const points = await trajectory(await deviceFor(), land, 'momentum', { steps: 60, lr: 0.1, hyper: { momentum: 0.8 } });
  let [x, y] = land.start as readonly [number, number];
  let vx = 0;
  let vy = 0;
  for (const [t, [px, py]] of points.entries()) {
    close(`point ${t}`, [px, py], [x, y], 1e-5);
    vx = 0.8 * vx + x / 100;
    vy = 0.8 * vy + y;
    x -= 0.1 * vx;
    y -= 0.1 * vy;
  }
});

test('noise has the deviation that is said, is new at each step and the same for the same seed', async () => {
  const flat = { gradient: 'vec2f(0.0)', noise: 2, start: [0, 0] as const };
  const device = await deviceFor();
  const steps = 600;
  const points = await trajectory(device, flat, 'sgd', { steps, lr: 1 });
  const moves = points.slice(1).flatMap(([x, y], t) => [x - points[t]![0], y - points[t]![1]]);
  const mean = moves.reduce((a, b) => a + b) / moves.length;
  const deviation = Math.sqrt(moves.reduce((a, b) => a + (b - mean) ** 2, 0) / moves.length);
  assert.ok(
    Math.abs(mean) < (5 * 2) / Math.sqrt(moves.length) && Math.abs(deviation / 2 - 1) < 5 / Math.sqrt(2 * moves.length),
    `mean ${mean}, deviation ${deviation}`,
  );
  assert.equal(await trajectory(device, flat, 'sgd', { steps: 20, lr: 1 }), points.slice(0, 21));
  assert.not.equal(await trajectory(device, flat, 'sgd', { steps: 20, lr: 1, seed: 1 }), points.slice(0, 21));
});

test('all optimizers of the picture go downhill', async () => {
  for (const [name, land] of Object.entries(landscapes)) {
    for (const [rule, lr] of Object.entries(land.rates)) {
      const points = await trajectory(await deviceFor(), land, rule, { steps: land.steps, lr });
      assert.ok(land.value(...points.at(-1)!) < land.value(...land.start), `${rule} on ${name} ends at ${String(points.at(-1))}`);
    }
  }
});

test('plain descent leaves a saddle in a time that grows as the logarithm of its nearness, a degenerate one as the reciprocal', async () => {
  const stepsFrom = async (name: string, start: Point) => {
    const points = await trajectory(await deviceFor(), { ...landscapes[name]!, start }, 'sgd', { steps: 1000, lr: 0.05 });
    return points.findIndex(([x, y]) => Math.hypot(x, y) > 0.4);
  };
  // r' = 3 r² takes 1 / 3r, r' = 2 r takes ln(1 / r) / 2
  const degenerate = (await stepsFrom('monkey', [-0.02, 0])) / (await stepsFrom('monkey', [-0.04, 0]));
  const saddle = (await stepsFrom('saddle', [0, 0.02])) / (await stepsFrom('saddle', [0, 0.04]));
  assert.ok(Math.abs(degenerate - 2.1) < 0.15 && saddle > 1 && saddle < 1.5, `${degenerate} ${saddle}`);
});

test('a rule that needs the loss of a net is refused', async () => {
  const device = await deviceFor();
  assert.match(await refusal(() => trajectory(device, landscapes.valley!, 'newton-diagonal', { steps: 1 })), /newton-diagonal: needs/);
});

test('level lines lie on the level, close where they can and end at the border', () => {
  const circle = contour((x, y) => x * x + y * y, { x: [-2, 2], y: [-2, 2], level: 1 });
  assert.ok(
    circle.every(([x, y]) => Math.abs(Math.hypot(x, y) - 1) < 1e-3),
    'on the circle',
  );
  assert.equal(circle[0], circle.at(-1));
  const saddle = contour((x, y) => x * y, { x: [-1, 1], y: [-1, 1], level: 0.1 });
  const breaks = saddle.filter(([, y]) => Number.isNaN(y)).length;
  assert.is(breaks, 1); // two branches
  assert.ok(saddle.every(([x, y]) => Number.isNaN(y) || Math.abs(x * y - 0.1) < 1e-3));
  assert.equal(
    contour(() => 0, { x: [0, 1], y: [0, 1], level: 1 }),
    [],
  );
});

test.run();
