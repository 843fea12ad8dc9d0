import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset } from '../../../datasets/dataset.ts';
import { shapes, SHAPE_CLASSES } from '../../../datasets/shapes.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { relu } from '../../../layers/activation.ts';
import { dense } from '../../../layers/dense.ts';
import { maxPool } from '../../../layers/pool.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { parseAugment } from '../../../train/config/augment.ts';
import { openData, type DataOptions } from '../../../train/data/data.ts';
import { curriculum, lossOf, rankWithin } from '../../../train/data/order.ts';
import { splitIndices } from '../../../train/data/split.ts';
import type { TrainerOptions } from '../../../train/step/trainer-options.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { score } from '../../../train/study/probabilities.ts';
import { predictViews, viewsOf, type View } from '../../../train/study/tta.ts';
import { close, deviceFor } from '../../support/check.ts';
import { gathered, noise } from '../../support/gathered.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('splits');
const sorted = (a: Iterable<number>) => [...a].sort((x, y) => x - y);
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test('a share is held out at random by seed; the parts are all images once', () => {
  const { train, val } = splitIndices(50, { valSplit: 0.2, seed: 3 });
  assert.is(val.length, 10);
  assert.equal(sorted([...train, ...val]), range(50));
  assert.equal(sorted(val), [...val], 'in file order');
  assert.not.equal([...val], range(10));
  assert.equal([...splitIndices(50, { valSplit: 0.2, seed: 3 }).val], [...val]);
  assert.not.equal([...splitIndices(50, { valSplit: 0.2, seed: 4 }).val], [...val]);
  assert.equal([...splitIndices(5, {}).train], range(5));
});

test('k folds: each image is held out once', () => {
  for (const folds of [2, 3, 10]) {
    const parts = range(folds).map(fold => splitIndices(31, { folds, fold, seed: 1 }));
    assert.equal(sorted(parts.flatMap(p => [...p.val])), range(31));
    for (const { train, val } of parts) {
      assert.equal(sorted([...train, ...val]), range(31));
      assert.ok(Math.abs(val.length - 31 / folds) < 1);
    }
  }
});
test('what is no fold is refused', async () => {
  assert.is(await refusal(() => splitIndices(10, { folds: 11 })), 'folds: 11 for 10 training images; give a whole number of 2 to 10');
  assert.is(await refusal(() => splitIndices(10, { folds: 5, fold: 5 })), 'fold: 5 of 5 folds; give 0 to 4');
  assert.match(await refusal(() => splitIndices(2, { valSplit: 0.9 })), /^valSplit: 0\.9 holds out all 2 training images/);
});

test('curriculum: tenth by tenth from easy to hard, another order within each epoch', () => {
  const scores = Float64Array.from({ length: 95 }, (_, i) => (i * 37) % 95);
  const first = curriculum(scores, 1, 0);
  const second = curriculum(scores, 1, 1);
  assert.equal(sorted(first), range(95));
  const band = (i: number) => Math.floor((scores[i]! * 10) / 95);
  for (const order of [first, second]) for (let at = 1; at < 95; at++) assert.ok(band(order[at]!) >= band(order[at - 1]!));
  assert.not.equal([...first], [...second]);
  assert.equal([...curriculum(scores, 1, 1)], [...second]);
});

test('rankWithin: each class has easy and hard images', () => {
  close('ranks', rankWithin([5, 1, 9, 9, 2, 7], [0, 1, 0, 1, 0, 1]), [1 / 3, 0, 2 / 3, 2 / 3, 0, 1 / 3], 1e-7);
});

test('lossOf: softmax cross-entropy of each row', () => {
  close('loss', lossOf([0, 0, 1000, 998], [1, 0], 2), [Math.log(2), Math.log(1 + Math.exp(-2))], 1e-12);
});

const split = (n: number, from: number) => shapes(n, from);
const dataset: Dataset = { name: 'shapes', shape: [3, 32, 32], classes: SHAPE_CLASSES, train: split(100, 0), test: split(30, 100) };
const model = sequential({ conv: conv2d(4, 3, { pad: 1 }), act: relu(), pool: maxPool(4), fc: dense(10) });
async function create(data: Partial<DataOptions> = {}, o: Partial<TrainerOptions> = {}) {
  const device = await deviceFor();
  const held = await openData(dataset, { normalize: 'meanstd', seed: 2, ...data });
  return {
    data: held,
    trainer: await Trainer.create({
      device,
      data: held,
      model,
      batchSize: 10,
      optimizer: optimizer(rules.momentum!, { lr: 0.02 }),
      seed: 2,
      ...o,
    }),
  };
}
async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  for (let i = 0; i < steps; i++) await trainer.step(true);
  return (await trainer.settle()).map(l => l.loss);
}

for (const text of ['crop:4,flip,brightness,cutout:8', 'flip,mixup', 'augmix:consistency=true']) {
  test(`${text}: a run stopped and resumed sees the same images as the uninterrupted one`, async () => {
    const augment = parseAugment(text);
    const runs = [await create({ augment }), await create({ augment }), await create({ augment }), await create()];
    const [whole, before, after, plain] = runs.map(r => r.trainer) as [Trainer, Trainer, Trainer, Trainer];
    const all = await losses(whole, 15);
    const first = await losses(before, 8);
    await after.loadWeights(await before.weights());
    await after.loadState(await before.state());
    assert.equal([...first, ...(await losses(after, 7))], all);
    assert.not.equal(await losses(plain, 8), first);
    for (const { trainer } of runs) trainer.destroy();
  });
}

test('a data set that does not fit streams: equal losses, evaluations and weights', async () => {
  const augment = parseAugment('crop,flip');
  const small = { valSplit: 0.2, augment };
  const resident = await create(small);
  const streamed = await create({ ...small, maxBinding: 3072 * 21 });
  assert.equal(await losses(streamed.trainer, 20), await losses(resident.trainer, 20)); // two and a half epochs
  for (const part of ['val', 'test', 'val'] as const) {
    assert.equal(await streamed.trainer.evaluate(part), await resident.trainer.evaluate(part));
  }
  assert.equal(await losses(streamed.trainer, 5), await losses(resident.trainer, 5));
  for (const { trainer } of [resident, streamed]) trainer.destroy();
});

test('curriculum: a run begins with the images that are easy under its first weights, and resumes with the same order', async () => {
  const [a, b] = [await create({}, { curriculum: true }), await create({}, { curriculum: true })];
  const epoch = await losses(a.trainer, 10);
  assert.ok(epoch[9]! > epoch[0]!, `the last tenth is harder than the first: ${epoch}`);
  assert.is((await a.trainer.state()).tensors['curriculum.scores']!.data.length, 100);
  await b.trainer.loadWeights(await a.trainer.weights());
  await b.trainer.loadState(await a.trainer.state());
  assert.equal(await losses(b.trainer, 3), await losses(a.trainer, 3));
  for (const { trainer } of [a, b]) trainer.destroy();
});

test('views: mirrored, corners and centre, scales', async () => {
  const images = noise([1, 16, 16], 4);
  const at = (x: ArrayLike<number>, column: number, row: number) => x[row * 16 + column]!;
  const look = async (view: View) => (await gathered(images, {}, { n: 1, part: 'test', training: false, view })).x.map(v => v * 255);
  const plain = await look([]);
  const mirrored = await look(viewsOf('flip')[1]!);
  for (let k = 0; k < 16; k++) assert.is(at(mirrored, k, 3), at(plain, 15 - k, 3));
  // windows of 14 x 14: the pixel at 0 looks at the window's first 14/16 pixel, whose centre is 7/16 in
  const sample = (left: number, top: number, column: number, row: number) => {
    const x = left + (column + 0.5) * 0.875 - 0.5;
    const y = top + (row + 0.5) * 0.875 - 0.5;
    const tap = (v: number) => Math.min(15, Math.max(0, v));
    const i = Math.floor(x);
    const j = Math.floor(y);
    const edge = (a: number, b: number) => at(plain, tap(a), tap(b));
    const fx = Math.max(0, x) - Math.max(0, i);
    const fy = Math.max(0, y) - Math.max(0, j);
    return (1 - fy) * ((1 - fx) * edge(i, j) + fx * edge(i + 1, j)) + fy * ((1 - fx) * edge(i, j + 1) + fx * edge(i + 1, j + 1));
  };
  const places = [
    [0, 0],
    [2, 0],
    [0, 2],
    [2, 2],
    [1, 1],
  ] as const;
  assert.is(viewsOf('10crop').length, 10);
  for (const [k, [left, top]] of places.entries()) {
    const seen = await look(viewsOf('10crop')[k]!);
    const turned = await look(viewsOf('10crop')[k + 5]!);
    for (const [column, row] of [
      [3, 4],
      [8, 8],
      [14, 9],
      [5, 14],
    ] as const) {
      assert.ok(Math.abs(at(seen, column, row) - sample(left, top, column, row)) < 1e-3, `crop ${k} at ${column}, ${row}`);
      assert.ok(Math.abs(at(turned, 15 - column, row) - at(seen, column, row)) < 1e-3, `crop ${k}, mirrored`);
    }
  }
  assert.is(viewsOf('flip+scales').length, 5);
  assert.match(
    await refusal(() => viewsOf('6crop')),
    /unknown view '6crop'; did you mean '5crop'\? known: flip, 5crop, 10crop, shifts, scales, 5scales$/,
  );
});

test('shifts are the image moved by a pixel, down and right and up and left, reflected at its border', async () => {
  const images = noise([1, 5, 5], 4);
  const look = async (view: View) => (await gathered(images, {}, { n: 1, part: 'test', training: false, view })).x;
  const plain = await look([]);
  const inside = (v: number) => (v < 0 ? -v : v > 4 ? 8 - v : v);
  for (const [k, by] of [-1, 1, -1, 1].entries()) {
    const seen = await look(viewsOf('shifts')[k]!);
    for (let i = 0; i < 25; i++) {
      const column = k < 2 ? i % 5 : 4 - (i % 5);
      assert.is(seen[i], plain[inside(Math.floor(i / 5) + by) * 5 + inside(column + by)], `view ${k}, pixel ${i}`);
    }
  }
  assert.is(new Set(viewsOf('flip+flip+shifts').map(view => JSON.stringify(view))).size, 6);
  assert.is(await refusal(() => viewsOf('shifts@0.9')), "view 'shifts@0.9': shifts are of the whole image; write shifts");
});

test('views are crossed with scales', async () => {
  const views = viewsOf('10crop@5scales');
  assert.is(views.length, 50);
  assert.equal(views[0], []); // a corner of the whole is the whole
  assert.equal(
    views[9]!.map(t => t.name),
    ['flip'],
  );
  const windows = views.flatMap(v => v.filter(t => t.name === 'scale').map(({ o }) => [o.min!.toFixed(3), o.x, o.y].join(' ')));
  assert.is(new Set(windows).size, 20);
  assert.equal(windows.slice(10, 13), ['0.583 0 0', '0.583 1 0', '0.583 0 1']);
  assert.equal(viewsOf('10crop@0.875'), viewsOf('10crop'));
  assert.equal(viewsOf('flip@0.9/0.8+5crop').length, 9);
  assert.equal(viewsOf('5scales').length, 5);
  assert.match(
    await refusal(() => viewsOf('10crop@4scales')),
    /^unknown scales '4scales'; did you mean 'scales'\? known: scales, 5scales$/,
  );
  assert.is(await refusal(() => viewsOf('flip@1.5')), 'scale 1.5 is out of range; give shares of the sides above 0 and at most 1');
  assert.is(await refusal(() => viewsOf('flip@1@1')), "view 'flip@1@1' has more than one @; write it as 10crop@5scales");
});

test('test-time augmentation averages the softmax; the image alone gives what evaluate gives', async () => {
  const { trainer, data } = await create();
  const labels = data.parts.test.labels;
  await losses(trainer, 20);
  const alone = score(await predictViews(trainer, 'test', 10, [[]]), labels, 10);
  const plain = await trainer.evaluate('test');
  assert.ok(
    Math.abs(alone.loss - plain.loss) < 1e-5 && Math.abs(alone.accuracy - plain.accuracy!) < 1e-9,
    `${JSON.stringify(alone)} ${JSON.stringify(plain)}`,
  );
  const [one, two, both] = [
    await predictViews(trainer, 'test', 10, [[]]),
    await predictViews(trainer, 'test', 10, [viewsOf('flip')[1]!]),
    await predictViews(trainer, 'test', 10, [...viewsOf('flip'), ...viewsOf('flip')]), // each twice
  ];
  close(
    'average',
    both,
    one.map((v, i) => (v + two[i]!) / 2),
    1e-7,
  );
  assert.ok(
    two.some((v, i) => Math.abs(v - one[i]!) > 1e-4),
    'the mirrored images are other images',
  );
  const byLogits = await predictViews(trainer, 'test', 10, viewsOf('flip'), 'logits');
  const roots = one.map((v, i) => Math.sqrt(v * two[i]!)); // the softmax of mean logits is a geometric mean, normalised
  const sums = Array.from(labels, (_, n) => roots.subarray(n * 10, n * 10 + 10).reduce((a, b) => a + b));
  close(
    'average of logits',
    byLogits,
    roots.map((v, i) => v / sums[Math.floor(i / 10)]!),
    1e-5,
  );
  trainer.destroy();
});

test.run();
