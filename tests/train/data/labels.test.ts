/** Labels that do not count alike: class weights, balanced draws, images without a label, splits by class. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UNLABELLED, type Dataset } from '../../../datasets/dataset.ts';
import { shapes, SHAPE_CLASSES } from '../../../datasets/shapes.ts';
import { sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { flatten } from '../../../layers/compose.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { parseAugment } from '../../../train/config/augment.ts';
import { parseClassWeights } from '../../../train/config/class-weights.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { weightsOf } from '../../../train/data/class-weights.ts';
import { openData, type DataOptions } from '../../../train/data/data.ts';
import { drawn, inOrder } from '../../../train/data/order.ts';
import { partsOf, splitIndices } from '../../../train/data/split.ts';
import type { TrainerOptions } from '../../../train/step/trainer-options.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { close, deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('labels');

/** 40 images to train on, of which some have no label. */
const train = shapes(40, 0);
const labels = train.labels.map((label, i) => (i % 8 === 3 ? UNLABELLED : label));
const whole: Dataset = { name: 'shapes', shape: [3, 32, 32], classes: SHAPE_CLASSES, train, test: shapes(20, 40) };
const partly: Dataset = { ...whole, train: { ...train, labels } };
const WEIGHTS = [0.5, 0.25, 4, 1, 2, 0.5, 3, 1, 0, 1];

async function trainer(dataset: Dataset, o: Partial<TrainerOptions> = {}, data: DataOptions = {}): Promise<Trainer> {
  const device = await deviceFor();
  const model = sequential({ flat: flatten(), fc: dense(10) });
  const opened = await openData(dataset, { normalize: 'none', ...data });
  return Trainer.create({ device, data: opened, model, batchSize: 10, optimizer: optimizer(rules.sgd!, { lr: 0.1 }), seed: 2, ...o });
}

/** The weighted mean of the cross-entropy of logits in float64, as torch.nn.CrossEntropyLoss(weight, ignore_index, label_smoothing). */
function torchLoss(logits: Float32Array, labels: ArrayLike<number>, weights: readonly number[], smoothing: number): number {
  let sum = 0;
  let mass = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === UNLABELLED) continue;
    const row = [...logits.subarray(10 * i, 10 * i + 10)];
    const norm = Math.log(row.reduce((a, v) => a + Math.exp(v), 0));
    const share = (c: number) => (c === labels[i] ? 1 - smoothing : 0) + smoothing / 10;
    sum += row.reduce((a, v, c) => a + weights[c]! * share(c) * (norm - v), 0);
    mass += weights[labels[i]!]!;
  }
  return sum / mass;
}

test('the loss of a step is the mean over the weights of its labels, whatever the micro-batches', async () => {
  const o = { classWeights: WEIGHTS, smoothing: 0.1, shuffle: false };
  const [one, parts] = await Promise.all([trainer(partly, o), trainer(partly, { ...o, accumulate: 5 })]);
  const logits = await one.logits('train', 10);
  const seen: { loss: number; accuracy: number }[] = [];
  const after: Float32Array[] = [];
  for (const t of [one, parts]) {
    await t.step(true);
    const { loss, accuracy } = (await t.settle())[0]!;
    seen.push({ loss, accuracy: accuracy! });
    await t.step();
    after.push((await t.weights())['fc.weight']!.data as Float32Array);
    t.destroy();
  }
  const expected = torchLoss(logits, labels.subarray(0, 10), WEIGHTS, 0.1);
  close(
    'loss',
    seen.map(l => l.loss),
    [expected, expected],
    1e-6,
  );
  const right = (i: number) =>
    labels[i] === logits.subarray(10 * i, 10 * i + 10).indexOf(Math.max(...logits.subarray(10 * i, 10 * i + 10)));
  const known = [0, 1, 2, 4, 5, 6, 7, 8, 9];
  close('accuracy', [seen[0]!.accuracy], [known.filter(right).length / known.length], 1e-6);
  close('weights after two steps', after[1]!, after[0]!, 1e-6);
});

test('mixed labels have weights too, the mean is then over rows', async () => {
  const weighed = await trainer(whole, { classWeights: Array(10).fill(2) }, { augment: parseAugment('mixup') });
  const plain = await trainer(whole, {}, { augment: parseAugment('mixup') });
  for (const t of [weighed, plain]) await t.step(true);
  const [[a], [b]] = [await weighed.settle(), await plain.settle()];
  close('loss', [a!.loss], [2 * b!.loss], 1e-6);
  for (const t of [weighed, plain]) t.destroy();
});

test('images without a label are trained on, and neither validated nor tested on', () => {
  const parts = partsOf(
    { ...partly, test: { ...whole.test, labels: whole.test.labels.map((l, i) => (i ? l : UNLABELLED)) } },
    { valSplit: 0.2 },
  );
  assert.equal([parts.train.n, parts.val.n, parts.test.n], [33, 7, 19]);
  assert.is(parts.train.labels.filter(label => label === UNLABELLED).length, 5);
  assert.not.ok(parts.val.labels.includes(UNLABELLED) || parts.test.labels.includes(UNLABELLED));
});

test('a split by class holds the same share of each class out', () => {
  const labels = Uint16Array.from([...Array(50).fill(0), ...Array(20).fill(1), ...Array(7).fill(2), 3]);
  const { train, val } = splitIndices(78, { valSplit: 0.2, stratify: true, seed: 3 }, labels);
  const counts = (indices: Uint32Array) => [0, 1, 2, 3].map(k => indices.filter(i => labels[i] === k).length);
  const held = counts(val);
  assert.is(val.length, 16, 'as many as without');
  assert.ok(held[3] === 0 && [10, 4, 1.4].every((share, k) => Math.abs(held[k]! - share) <= 1), held.join());
  assert.equal(
    [...train, ...val].sort((a, b) => a - b),
    Array.from({ length: 78 }, (_, i) => i),
  );
  assert.not.equal([...splitIndices(78, { valSplit: 0.2, stratify: true, seed: 4 }, labels).val], [...val]);
  assert.equal([...splitIndices(78, { valSplit: 0.2, seed: 3 }, labels).val], [...splitIndices(78, { valSplit: 0.2, seed: 3 }).val]);
  const folds = [0, 1, 2, 3].map(fold => splitIndices(78, { folds: 4, fold, stratify: true }, labels).val);
  assert.equal(
    folds.reduce((n, f) => n + f.length, 0),
    78,
  );
  for (const fold of folds)
    assert.ok(
      counts(fold).every((n, k) => Math.abs(n - [12.5, 5, 1.75, 0.25][k]!) < 1),
      counts(fold).join(),
    );
});

test('balanced draws: each class as often as any other, another draw in each epoch, none without a label', () => {
  const labels = [...Array(900).fill(0), ...Array(90).fill(1), ...Array(10).fill(2), ...Array(500).fill(UNLABELLED)];
  const draw = drawn(labels, 1, 0);
  assert.is(draw.length, 1500);
  for (const k of [0, 1, 2]) assert.ok(Math.abs(draw.filter(i => labels[i] === k).length - 500) < 60);
  assert.not.ok(draw.some(i => labels[i] === UNLABELLED));
  assert.not.equal([...drawn(labels, 1, 1)], [...draw]);
  const indices = Uint32Array.from([5, 6, 7]);
  assert.equal([...inOrder(indices, { seed: 1, epoch: 0, balanced: [UNLABELLED, 0, UNLABELLED] })], [6, 6, 6]);
});

test('class weights: balanced as scikit-learn, in order, by name', async () => {
  const classes = ['cat', 'dog', 'eel'];
  assert.equal(weightsOf('balanced', classes, [0, 0, 0, 1, UNLABELLED]), [4 / 9, 4 / 3, 0]);
  assert.equal(weightsOf(parseClassWeights('x', '0.2, 1,3'), classes, []), [0.2, 1, 3]);
  assert.equal(weightsOf(parseClassWeights('x', 'dog=2,eel=0'), classes, []), [1, 2, 0]);
  for (const [text, message] of [
    ['1,2', /^classWeights: 2 for 3 classes; give one for each, or some by name, as cat=2$/],
    ['cot=2', /^unknown class in classWeights 'cot'; did you mean 'cat'\? known: cat, dog, eel$/],
    ['1,-2,3', /^x: -2 is out of range; give a number of at least 0$/],
    ['cat=2,dog', /^x: 'dog' is not name=weight; write cat=2,dog=1/],
    ['cat=2,cat=3', /^x: cat is given twice/],
    ['balance', /^x: 'balance' is not a number/],
    ['0,0,0', /^classWeights: all are 0/],
  ] as const) {
    assert.match(await refusal(() => weightsOf(parseClassWeights('x', text), classes, [])), message);
  }
});

test('what does not go together is said', async () => {
  const said = (dataset: Dataset, o: Partial<TrainerOptions>, data?: DataOptions) => refusal(() => trainer(dataset, o, data));
  assert.match(
    await said(whole, { classWeights: WEIGHTS, loss: 'mse' }),
    /^classWeights: the loss mse has none; take loss cross-entropy, /,
  );
  assert.match(await said(whole, { classWeights: [1, 2] }), /^classWeights: they are \[1, 2\]; give 10 numbers of at least 0/);
  assert.match(
    await said(partly, {}, { augment: parseAugment('mixup') }),
    /^augment: mixup mixes labels, and some images have none; leave it out/,
  );
  const recipe = (given: Parameters<typeof parseConfig>[1]) => refusal(() => recipeOf(parseConfig('lenet5', given)));
  assert.match(
    await recipe({ sample: 'balanced', order: 'curriculum' }),
    /^sample balanced: draws images at random, and order curriculum goes/,
  );
  assert.match(await recipe({ sample: 'balanced', shuffle: false }), /^sample balanced: .* and shuffle keeps them in file order/);
});

test.run();
