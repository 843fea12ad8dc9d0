/** Planes through the space of weights: losses on the device, the path of training, curves between minima, and what a stop leaves. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keptParts } from '../../../cli/study/kept-parts.ts';
import type { Kept } from '../../../train/study/experiment.ts';
import { planned } from '../../../train/study/experiments.ts';
import { CURVES } from '../../../train/study/surface/curve.ts';
import { filterDirection, inner, mixed, moved } from '../../../train/study/surface/directions.ts';
import { gridOf, smoothnessOf } from '../../../train/study/surface/grid.ts';
import { minimumOf, scoreAt } from '../../../train/study/surface/minimum.ts';
import { pathPlane } from '../../../train/study/surface/path.ts';
import { planeOf, planeThrough } from '../../../train/study/surface/plane.ts';
import { halved } from '../../../train/study/surface/shortcuts.ts';
import { widthIn, widthOf } from '../../../train/study/surface/wide-optima.ts';
import { close, random } from '../../support/check.ts';
import { labOf } from '../../support/lab.ts';
import { scratchFolders } from '../../support/process/scratch.ts';

const test = suite('landscapes');
const scratch = scratchFolders(test);
const SHAPES = { images: 'shapes', limitTest: 32 };

const drawn = (seed: number) => ({
  'fc.weight': { shape: [6, 5], data: Float32Array.from(random(30, seed)) },
  'fc.bias': { shape: [6], data: Float32Array.from(random(6, seed + 50)) },
});

test('a plane on the device has the losses that weights moved by the host have, its origin those of the net to the bit', async () => {
  const lab = labOf(SHAPES);
  const dataset = await lab.dataset('shapes', { limitTrain: 80 });
  const { trainer, weights } = await minimumOf(lab, 'mlp:hidden=8', { optimizer: 'adam', lr: '0.01', steps: '4' }, dataset);
  const own = await trainer.evaluate('train');
  const directions = [filterDirection(weights, 1, 0), filterDirection(weights, 1, 1)] as const;
  const plane = await planeOf(trainer, weights, directions);
  const at = [
    [0, 0],
    [0.5, -1],
    [-2, 0.25],
  ] as const;
  const scores = await plane.scores(at);
  const test = await plane.scores(at.slice(1, 2), 'test');
  assert.equal(scores[0], own);
  for (const [k, [x, y]] of at.entries()) {
    const place = moved(weights, [
      [directions[0], x],
      [directions[1], y],
    ]);
    close(`loss ${k}`, [scores[k]!.loss], [(await scoreAt(trainer, place)).loss], 1e-5);
    if (k === 1) close('test loss', [test[0]!.loss], [(await trainer.evaluate('test')).loss], 1e-5);
  }
  trainer.destroy();
});

test('the principal plane of a path that lies in a plane holds all of its variance, and keeps its distances', () => {
  const [origin, u, v] = [drawn(1), drawn(2), drawn(3)];
  const turns = Array.from({ length: 9 }, (_, k) => [3 - k / 3, Math.sin(k)] as const);
  const path = turns.map(([a, b]) => ({ ...mixed([origin, u, v], [1, a, b]), 'fc.bias': drawn(4)['fc.bias'] }));
  const { points, shares, directions } = pathPlane(path);
  assert.ok(Math.abs(shares[0]! + shares[1]! - 1) < 1e-9 && shares[0]! > shares[1]!, shares.join(', '));
  assert.equal(points.at(-1), [0, 0]);
  assert.ok(points[0]![0] > 0);
  close('directions', [inner(directions[0], directions[0]), inner(directions[0], directions[1])], [1, 0], 1e-5);
  for (const [k, weights] of path.entries()) {
    const apart = mixed([weights, path[0]!], [1, -1]);
    const seen = Math.hypot(points[k]![0] - points[0]![0], points[k]![1] - points[0]![1]);
    close(`distance ${k}`, [seen], [Math.sqrt(inner(apart, apart))], 1e-4);
  }
});

test('a plane through three weights shows each where it lies', () => {
  const corners = [drawn(5), drawn(6), drawn(7)] as const;
  const { directions, at, corners: found } = planeThrough(corners);
  for (const [k, [x, y]] of found.entries()) {
    const back = mixed([corners[0], ...directions], [1, x, y]);
    for (const name of ['fc.weight', 'fc.bias'] as const) close(`${name} ${k}`, back[name]!.data, corners[k]![name].data, 1e-5);
  }
  close('middle', at(mixed(corners.slice(0, 2), [0.5, 0.5])), [found[1]![0] / 2, 0], 1e-5);
});

test('curves begin and end in the minima, and their factors add up to 1', () => {
  for (const [name, curve] of Object.entries(CURVES)) {
    assert.equal(
      [curve(0), curve(1)],
      [
        [1, 0, 0],
        [0, 0, 1],
      ],
      name,
    );
    for (const t of [0.1, 0.5, 0.8]) close(name, [curve(t).reduce((a, b) => a + b)], [1], 1e-12);
  }
  assert.equal(CURVES.chain(0.5), [0, 1, 0]);
});

test('a bowl is smooth, and a saddle is not', () => {
  const of = (f: (x: number, y: number) => number) => {
    const grid = gridOf([-1, -0.5, 0, 0.5, 1]);
    for (const [j, y] of grid.y.entries()) for (const [i, x] of grid.x.entries()) grid.losses[j * 5 + i] = f(x, y);
    return smoothnessOf(grid);
  };
  assert.equal(
    of((x, y) => 1 + x * x + 2 * y * y),
    { factor: 4, concave: 0, down: 0 },
  );
  const saddle = of((x, y) => 3 + 2 * x * x - y * y);
  assert.is(saddle.concave, 1);
  close('down', [saddle.down], [0.5], 1e-9);
});

test('the width of a ray is the distance at which the loss has risen by 0.1', () => {
  close('between', [widthOf([0, 1, 2, 3], [1, 1.05, 1.15, 9])!], [1.5], 1e-9);
  assert.equal([widthOf([0, 1, 2], [1, 1, 1.01]), widthOf([0, 1], [1, Infinity])], [undefined, 0]);
  const [rises, stays] = [
    [1, 1.1, 9],
    [1, 1, 1.01],
  ];
  assert.is(widthIn([0, 1, 2], [rises!, rises!]), 1);
  assert.is(widthIn([0, 1, 2], [rises!, stays!]), '> 1.50, 1 of 2 rays lower at 2');
});

test('pixels of halved images are means of four', async () => {
  const shapes = await labOf(SHAPES).dataset('shapes', { limitTrain: 8 });
  const [c, h, w] = shapes.shape;
  const { shape, train } = halved(shapes);
  assert.equal(shape, [c, h / 2, w / 2]);
  const of = (channel: number, row: number, column: number) => shapes.train.images[(channel * h + row) * w + column]!;
  const last = c * (h / 2) * (w / 2) - 1; // of the first image
  const four = of(c - 1, h - 2, w - 2) + of(c - 1, h - 2, w - 1) + of(c - 1, h - 1, w - 2) + of(c - 1, h - 1, w - 1);
  assert.is(train.images[last], Math.round(four / 4));
  assert.is(train.images.length, shapes.train.images.length / 4);
});

test('parts that are kept in a folder are those of one seed and options, and go when all is there', async () => {
  const stem = join(await scratch(), 'surface');
  const [one, other] = [keptParts(stem, { seed: 1 }), keptParts(stem, { seed: 2 })];
  await one.write('row 1', Uint8Array.of(1, 2));
  await one.write('row-1', Uint8Array.of(3));
  assert.equal([one.count, other.count, await other.read('row 1')], [2, 0, undefined]);
  assert.equal(Uint8Array.from((await keptParts(stem, { seed: 1 }).read('row 1'))!), Uint8Array.of(1, 2));
  one.clear();
  assert.equal([one.count, existsSync(one.folder)], [0, false]);
});

test('an experiment that was stopped takes what is kept of it, and comes to the same', async () => {
  const parts = new Map<string, Uint8Array>();
  let written = 0;
  const kept: Kept = {
    read: async name => parts.get(name),
    async write(name, bytes) {
      parts.set(name, bytes.slice());
      written++;
    },
  };
  const experiment = planned('surface:model=mlp,points=3,images=64,epochs=2');
  const lab = { ...labOf(SHAPES), kept };
  const whole = await experiment.run(lab);
  assert.is(written, 4, 'the training and three rows');
  const names = [...parts.keys()];
  parts.delete(names[2]!);
  assert.equal((await experiment.run(lab)).values, whole.values);
  assert.is(written, 5, 'what is there is not computed again');
  parts.set(names[1]!, new Uint8Array(Float64Array.of(1, 2, 3).buffer)); // a row that no surface has
  const { values } = await experiment.run(lab);
  assert.equal((values as { losses: number[][] }).losses[0], [1, 2, 3]);
});

test.run();
