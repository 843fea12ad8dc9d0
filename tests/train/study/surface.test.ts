/** Ways through the space of weights: directions have the lengths of filters, surfaces the net's own loss in their middle. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dense } from '../../../layers/dense.ts';
import { sequential } from '../../../layers/compose.ts';
import { Net } from '../../../train/net/net.ts';
import { between, filterDirection, moved, places } from '../../../train/study/surface/directions.ts';
import { aroundPanel, finiteOf, gridOf, smoothnessOf } from '../../../train/study/surface/grid.ts';
import { barrierOf } from '../../../train/study/surface/interpolation.ts';
import { extremes } from '../../../train/study/statistics.ts';
import { sharpest } from '../../../train/study/surface/sharpest.ts';
import { close, deviceFor, random } from '../../support/check.ts';
import { planned } from '../../../train/study/experiments.ts';
import { labOf, outcomeOf as outcomeIn } from '../../support/lab.ts';

const test = suite('surface');
const device = await deviceFor();
const values = (shape: number[], seed: number) => ({
  shape,
  data: Float32Array.from(
    random(
      shape.reduce((a, b) => a * b),
      seed,
    ),
  ),
});
const weights = {
  'conv.weight': values([4, 2, 3, 3], 1),
  'conv.bias': values([4], 2),
  'bn.weight': values([4], 3),
  'bn.running_var': values([4], 4),
  'fc.weight': values([3, 16], 5),
};
const outcomeOf = (text: string) => outcomeIn(text, { images: 'shapes', limitTest: 32 });

test('filters of a direction are as long as those of the net, biases and norms do not move, and no two directions are the same', () => {
  const [a, b] = [filterDirection(weights, 1, 0), filterDirection(weights, 1, 1)];
  for (const [name, width] of [
    ['conv.weight', 18],
    ['fc.weight', 16],
  ] as const) {
    const lengths = (data: Float32Array) =>
      Array.from({ length: data.length / width }, (_, i) => Math.hypot(...data.subarray(i * width, (i + 1) * width)));
    for (const direction of [a, b]) close(name, lengths(direction[name]!.data), lengths(weights[name].data), 1e-6);
    const [u, v] = [a[name]!.data, b[name]!.data];
    const cosine = u.reduce((sum, value, i) => sum + value * v[i]!, 0) / (Math.hypot(...u) * Math.hypot(...v));
    assert.ok(Math.abs(cosine) < 0.5, `${name}: cosine ${cosine}`);
  }
  for (const name of ['conv.bias', 'bn.weight', 'bn.running_var']) assert.ok(a[name]!.data.every(v => v === 0));
  assert.equal(filterDirection(weights, 1, 0), a);
  assert.equal(moved(weights, [[a, 0]]), weights);
  close(
    'moved',
    moved(weights, [[a, 2]])['fc.weight']!.data,
    a['fc.weight']!.data.map((v, i) => 2 * v + weights['fc.weight'].data[i]!),
    1e-6,
  );
  assert.equal([between(weights, a, 0), between(weights, a, 1)], [weights, a]);
  assert.equal(places(-1, 1, 5), [-1, -0.5, 0, 0.5, 1]);
});

test('the middle of the surface is the net as it is, and around it the loss is greater on the whole', async () => {
  const { rows } = await outcomeOf('surface:points=2,reach=3,images=64,epochs=1'); // three points: the middle is the net
  const [row] = rows;
  assert.is(row!['in the middle'], row!['its loss']);
  assert.ok(Number(row!.greatest) > 1.2 * Number(row!['its loss']));
});

test('a surface may have more places than a call takes arguments', () => {
  const grid = gridOf(places(-1, 1, 401), places(-1, 1, 401));
  for (const i of grid.losses.keys()) grid.losses[i] = 2 + Math.sin(i);
  grid.losses[7] = NaN;
  assert.equal(
    extremes(finiteOf(grid)).map(v => v.toFixed(4)),
    ['1.0000', '3.0000'],
  );
  assert.ok(smoothnessOf({ ...grid, losses: grid.losses.fill(2, 7, 8) }).factor > 2.9);
  assert.is(aroundPanel('wide', grid).kind, 'line');
});

test('lines between nets end in these, and between two minima lies a barrier', async () => {
  const { rows } = await outcomeOf('interpolation:points=5,images=64,epochs=10');
  const [line, path] = rows;
  assert.is(line!['loss at 0'], path!['loss at 1'], 'the same minimum');
  assert.ok(Number(path!['loss at 0']) > Number(path!['loss at 1']));
  assert.ok(Number(line!.barrier) > 0);
  assert.is(
    barrierOf([
      [-1, 9],
      [0, 1],
      [0.5, 3],
      [1, 2],
    ]),
    1.5,
  );
});

test('the worst weights in the box are those of theory where each weight has one harmful sign', async () => {
  const [n, d, epsilon] = [4, 3, 0.05];
  const net = await Net.build(device, sequential({ fc: dense(2) }), { shape: [d], batch: n, seed: 2 });
  const x = Float32Array.from(random(n * d, 6), Math.abs);
  const own = await net.weights();
  const { loss, greatest, sharpness } = await sharpest(net, own, x, new Uint32Array(n), epsilon);
  // all inputs are positive and of class 0, whose weights can only shrink to do harm, those of class 1 only grow
  const [w, b] = [own['fc.weight']!.data, own['fc.bias']!.data];
  const harmed = (v: number, c: number) => v + (c ? 1 : -1) * epsilon * (Math.abs(v) + 1);
  const lossOf = (change: typeof harmed) => {
    const logit = (i: number, c: number) => {
      let sum = change(b[c]!, c);
      for (let k = 0; k < d; k++) sum += change(w[c * d + k]!, c) * x[i * d + k]!;
      return sum;
    };
    return Array.from({ length: n }, (_, i) => Math.log1p(Math.exp(logit(i, 1) - logit(i, 0)))).reduce((s, v) => s + v / n, 0);
  };
  close('losses', [loss, greatest], [lossOf(v => v), lossOf(harmed)], 1e-5);
  close('sharpness', [sharpness], [(100 * (greatest - loss)) / (1 + loss)], 1e-9);
  net.destroy();
});

for (const text of [
  'surface:model=mlp,points=3,images=64,epochs=1',
  'interpolation:model=mlp,points=4,images=64,epochs=1',
  'hessian-spectrum:hidden=2,images=64,epochs=1,steps=10,probes=1',
]) {
  const [name] = text.split(':');
  test(`${name}: stopped while its first net trains, or when that is done, it has no rows and says of how many parts`, async () => {
    const lab = labOf({ images: 'shapes', limitTest: 32 });
    for (const after of [0, 1]) {
      let stopped = false;
      let told = [0, 0];
      const { rows } = await planned(text).run({
        ...lab,
        progress(done, of, what) {
          told = [done, of];
          if (what && done === after) setTimeout(() => (stopped = true));
        },
        get stopped() {
          return stopped;
        },
      });
      assert.equal([rows, told[0]! <= after, told[1]! > 3], [[], true, true], `${told}`);
    }
  });
}

test.run();
