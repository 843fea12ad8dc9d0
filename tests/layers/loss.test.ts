import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UNLABELLED } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { compute } from '../../engine/compute.ts';
import type { Graph } from '../../engine/graph.ts';
import { losses, NUMERIC, type LossOptions } from '../../layers/loss.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { close, deviceFor, dot, random, type Way } from '../support/check.ts';
import { softmax } from '../reference/activation.ts';
import { numericGradient, type Numbers } from '../reference/linear.ts';
import * as reference from '../reference/loss.ts';
import { longTests } from '../support/long.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('loss');
const long = longTests(test);

const ROWS = 6;
const CLASSES = 7;
const labels = [3, 0, 6, 3, 1, 5];
const soft = softmax(
  random(ROWS * CLASSES, 4).map(v => 3 * v),
  CLASSES,
).map(Math.fround);

interface Given extends Omit<LossOptions, 'classWeights'> {
  readonly training?: boolean;
  readonly valid?: number;
  readonly weights?: readonly number[];
  readonly scales?: Readonly<Record<'lossScale' | 'countScale', number>>;
}

/** Runs a loss on given logits: totals of loss and correct answers, and dlogits. */
async function run(
  way: Way,
  name: string,
  logits: Numbers,
  target: Numbers | readonly number[],
  { training = true, valid = logits.length / CLASSES, weights, scales, ...options }: Given = {},
) {
  const rows = logits.length / CLASSES;
  const soft = target instanceof Float64Array;
  const build = (g: Graph) => {
    const x = g.persistent('input', 'logits', [rows, CLASSES]);
    const t = g.persistent('input', 'labels', soft ? [rows, CLASSES] : [target.length]);
    const totals = g.persistent('state', 'totals', [2]);
    const classWeights = weights && g.persistent('input', 'class weights', [CLASSES]);
    return { totals, gradient: losses[name]!(g, x, t, totals, { ...options, ...(classWeights && { classWeights }) }) };
  };
  const labels = soft ? Float32Array.from(target) : Uint32Array.from(target as number[]);
  const inputs = { logits: Float32Array.from(logits), labels, ...(weights && { 'class weights': Float32Array.from(weights) }) };
  const { totals, gradient } = await compute(await deviceFor(way), build, inputs, { valid, ...scales }, { training });
  return { loss: totals[0]!, correct: totals[1]!, gradient };
}

/** The float64 loss against distributions [rows, classes], the mean over rows. */
const oracles: Record<string, (x: Numbers, t: Float64Array) => number> = {
  'cross-entropy': (x, t) => reference.crossEntropy(x, t, CLASSES),
  nll: (x, t) => -dot(x, t) / ROWS,
  hinge: (x, t) =>
    Array.from({ length: CLASSES }, (_, k) => k).reduce(
      (sum, k) =>
        // the expectation over labels, a row at a time
        sum +
        Array.from(
          { length: ROWS },
          (_, i) => (t[i * CLASSES + k]! * reference.hinge(Array.from(x).slice(i * CLASSES, (i + 1) * CLASSES), [k], CLASSES)) / ROWS,
        ).reduce((a, b) => a + b),
      0,
    ),
  logistic: reference.bceWithLogits,
  mse: reference.mse,
  mae: reference.mae,
  huber: reference.huber,
};

test('every loss has a reference', () => assert.equal(Object.keys(losses).sort(), [...Object.keys(oracles), 'jensen-shannon'].sort()));

const logits = random(ROWS * CLASSES, 9).map(v => Math.fround(4 * v));
// one kernel for all ways, but for the size of its workgroups
for (const [name, oracle] of Object.entries(oracles)) {
  const cases: readonly [string, readonly number[] | Float64Array, Float64Array, number][] = [
    ['class numbers', labels, reference.oneHot(labels, CLASSES), 0],
    ['smoothed', labels, reference.oneHot(labels, CLASSES, 0.1), 0.1],
    ['distributions', soft, soft, 0],
    ['smoothed distributions', soft, soft.map(t => t * 0.8 + 0.2 / CLASSES), 0.2],
  ];
  for (const [what, given, targets, smoothing] of cases) {
    // of distributions each smooths in the same way
    const asked = what === 'smoothed distributions' && name !== 'cross-entropy' ? long : test;
    asked(`${name} of ${what}`, async () => {
      const { loss, gradient } = await run(name === 'mse' ? 'gpu' : 'own', name, logits, given, { smoothing });
      close('loss', [loss / ROWS], [oracle(logits, targets)], 2e-6);
      close(
        'gradient',
        gradient!,
        numericGradient(x => oracle(x, targets), logits),
        2e-6,
      );
    });
  }
}

for (const [views, smoothing] of [
  [3, 0],
  [2, 0.1],
] as const) {
  test(`Jensen-Shannon of ${views} views`, async () => {
    const x = random(views * ROWS * CLASSES, 5).map(v => Math.fround(3 * v));
    const size = ROWS * CLASSES;
    const oracle = (x: Numbers) => {
      const all = Array.from({ length: views }, (_, k) => Float64Array.from(x).slice(k * size, (k + 1) * size));
      return (
        reference.crossEntropy(all[0]!, reference.oneHot(labels, CLASSES, smoothing), CLASSES) + 5 * reference.jensenShannon(all, CLASSES)
      );
    };
    const { loss, gradient } = await run('own', 'jensen-shannon', x, labels, { views, smoothing, consistency: 5 });
    close('loss', [loss / ROWS], [oracle(x)], 2e-6);
    close('gradient', gradient!, numericGradient(oracle, x), 2e-6);
  });
}

/** Of six rows two have no label. */
const partly = [3, UNLABELLED, 6, 3, UNLABELLED, 5];
const KNOWN = [0, 2, 3, 5];

test('rows without a label count for nothing, by any loss', async () => {
  const scales = { lossScale: ROWS / KNOWN.length, countScale: ROWS / KNOWN.length };
  const rowsOf = (values: Numbers) => KNOWN.flatMap(i => Array.from(values).slice(i * CLASSES, (i + 1) * CLASSES));
  for (const name of Object.keys(oracles)) {
    const all = await run('own', name, logits, partly, { unlabelled: true, scales });
    const known = await run(
      'own',
      name,
      Float64Array.from(rowsOf(logits)),
      KNOWN.map(i => partly[i]!),
    );
    close(`${name}: loss and right answers`, [all.loss / ROWS, all.correct / ROWS], [known.loss / 4, known.correct / 4], 1e-6);
    close(`${name}: gradient`, rowsOf(all.gradient!), known.gradient!, 1e-6);
    assert.ok(
      [1, 4].every(i => all.gradient!.slice(i * CLASSES, (i + 1) * CLASSES).every(v => v === 0)),
      name,
    );
  }
});

test('Jensen-Shannon: labels have weights, views are held together whether or not there is a label', async () => {
  const weights = [0.25, 1, 2, 0.5, 3, 1.5, 0.125];
  const size = ROWS * CLASSES;
  const x = random(3 * size, 6).map(v => Math.fround(3 * v));
  const mass = KNOWN.reduce((sum, i) => sum + weights[partly[i]!]!, 0);
  const targets = reference
    .oneHot(partly, CLASSES, 0.1)
    .map((t, i) => (partly[Math.floor(i / CLASSES)] === UNLABELLED ? 0 : t * weights[i % CLASSES]!));
  const oracle = (x: Numbers) => {
    const views = [0, 1, 2].map(k => Float64Array.from(x).slice(k * size, (k + 1) * size));
    return (reference.crossEntropy(views[0]!, targets, CLASSES) * ROWS) / mass + 5 * reference.jensenShannon(views, CLASSES);
  };
  const scales = { lossScale: ROWS / mass, countScale: ROWS / KNOWN.length };
  const options = { views: 3, smoothing: 0.1, consistency: 5, unlabelled: true, weights, scales };
  const { loss, gradient } = await run('own', 'jensen-shannon', x, partly, options);
  close('loss', [loss / ROWS], [oracle(x)], 2e-6);
  close('gradient', gradient!, numericGradient(oracle, x), 2e-6);
});

test('correct answers are counted, rows past `valid` are not', async () => {
  const right = Float64Array.from({ length: ROWS * CLASSES }, (_, i) => (labels[Math.floor(i / CLASSES)] === i % CLASSES ? 2 : 0));
  right[0 * CLASSES + 1] = 5;
  for (const name of Object.keys(oracles)) {
    assert.is((await run('own', name, right, labels, { training: false })).correct, 5, name);
    const { loss, correct } = await run('own', name, right, labels, { training: false, valid: 2 });
    assert.is(correct, 1, name);
    const all = await run('own', name, right.slice(0, 2 * CLASSES), labels.slice(0, 2), { training: false });
    close(name, [loss], [all.loss], 1e-6); // another kernel: a compiler may round it in another way
  }
  const wrong = right.map(v => -v);
  const { correct } = await run('own', 'jensen-shannon', Float64Array.from([...right, ...wrong, ...wrong]), labels);
  assert.is(correct, 5, 'the first view counts');
});

test('of numbers to predict squared and absolute errors are summed, in place of right answers', async () => {
  const targets = random(ROWS * CLASSES, 12).map(v => Math.fround(5 * v));
  const valid = 4;
  const sums = (f: (d: number) => number) =>
    targets.reduce((sum, t, i) => sum + (i < valid * CLASSES ? f(logits[i]! - t) / CLASSES : 0), 0);
  for (const name of NUMERIC) {
    const build = (g: Graph) => {
      const x = g.persistent('input', 'logits', [ROWS, CLASSES]);
      const t = g.persistent('input', 'labels', [ROWS, CLASSES]);
      const totals = g.persistent('state', 'totals', [3]);
      return { totals, gradient: losses[name]!(g, x, t, totals) };
    };
    const inputs = { logits: Float32Array.from(logits), labels: Float32Array.from(targets) };
    const { totals, gradient } = await compute(await deviceFor('own'), build, inputs, { valid }, { training: true });
    close(name, totals.slice(1), [sums(d => d * d), sums(Math.abs)], 2e-6);
    const oracle = (x: Numbers) => oracles[name]!(x, targets);
    close('gradient', gradient!, numericGradient(oracle, logits), 2e-6);
  }
});

test('large logits do not overflow, and what is not finite shows', async () => {
  const large = random(ROWS * CLASSES, 3).map(v => Math.fround(300 * v));
  for (const name of Object.keys(losses).filter(n => n !== 'jensen-shannon')) {
    const { loss, gradient } = await run('own', name, large, labels);
    assert.ok(Number.isFinite(loss) && gradient!.every(Number.isFinite), name);
    const place = name === 'nll' ? 7 : 9; // of the label, which alone counts in it, and of another class
    const infinite = large.map((v, i) => (i === place ? Infinity : v));
    assert.not.ok(Number.isFinite((await run('own', name, infinite, labels)).loss), name);
  }
  const { loss, gradient } = await run(
    'own',
    'jensen-shannon',
    random(3 * ROWS * CLASSES, 3).map(v => Math.fround(300 * v)),
    labels,
  );
  assert.ok(Number.isFinite(loss) && gradient!.every(Number.isFinite) && dot(gradient!, gradient!) > 0);
});

test('of what is almost sure loss and gradient have six digits', async () => {
  const targets = reference.oneHot(labels, CLASSES);
  const sure = logits.map((v, i) => Math.fround(v + 7 * (2 * targets[i]! - 1)));
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const p = softmax(sure, CLASSES);
  const others = (i: number) => p.reduce((sum, v, j) => sum + (j !== i && Math.floor(j / CLASSES) === Math.floor(i / CLASSES) ? v : 0), 0);
  const slopes: Record<string, (i: number) => number> = {
    'cross-entropy': i => (targets[i] ? -others(i) : p[i]!) / ROWS,
    logistic: i => (targets[i] ? -sigmoid(-sure[i]!) : sigmoid(sure[i]!)) / ROWS / CLASSES,
  };
  for (const [name, slope] of Object.entries(slopes)) {
    const { loss, gradient } = await run('own', name, sure, labels);
    const ratios = [loss / ROWS / oracles[name]!(sure, targets), ...Array.from(gradient!, (v, i) => v / slope(i))];
    close(name, ratios, Array(ratios.length).fill(1), 2e-6);
  }
});

test('sums of 600,000 rows, which are more than a grid holds in one direction, and of as many outputs keep four digits', async () => {
  const many = 600_000;
  for (const [rows, outputs] of [
    [many, 1],
    [1, many],
  ] as const) {
    const build = (g: Graph) => {
      const x = g.persistent('input', 'outputs', [rows, outputs]);
      const totals = g.persistent('state', 'totals', [3]);
      return { totals, gradient: losses.mse!(g, x, g.persistent('input', 'targets', [rows, outputs]), totals) };
    };
    const inputs = { outputs: new Float32Array(many).fill(0.3), targets: new Float32Array(many) };
    const { totals, gradient } = await compute(await deviceFor(), build, inputs, { valid: rows }, { training: true });
    close(
      'totals',
      totals.map((v, i) => v / rows / [0.09, 0.09, 0.3][i]!),
      [1, 1, 1],
      1e-4,
    );
    close(
      'gradient',
      gradient!.map(v => v * many),
      new Float32Array(many).fill(0.6),
      1e-6,
    );
  }
});

test('logits far from 0 have the loss and the gradient of the same logits around it', async () => {
  const near = random(3 * ROWS * CLASSES, 5).map(v => Math.round(32 * v) / 8); // far ones are exact in float32
  for (const name of ['cross-entropy', 'jensen-shannon']) {
    const [want, got] = await Promise.all([near, near.map(v => v + 2 ** 20)].map(x => run('own', name, x, labels.concat(labels, labels))));
    close(`${name} loss`, [got!.loss], [want!.loss], 1e-6);
    close(`${name} gradient`, got!.gradient!, want!.gradient!, 1e-7);
  }
});

test('says what labels it cannot take', async () => {
  assert.match(
    await refusal(() => run('own', 'jensen-shannon', logits.slice(0, 5 * CLASSES), labels.slice(0, 5))),
    /jensenShannon: 5 rows of logits are not 3 views of each image/,
  );
  assert.match(
    await refusal(() => run('own', 'jensen-shannon', logits, soft)),
    /jensenShannon: labels are \[6, 7\], expected 2 class numbers; leave out mixup/,
  );
  assert.match(await refusal(() => run('own', 'mse', logits, labels, { smoothing: 1 })), /loss: smoothing is 1/);
});

test('views of one image are held together by the Jensen-Shannon divergence, and by nothing else', async () => {
  const dataset = await openDataset('shapes', { quiet: true, limitTrain: 32, limitTest: 8 });
  const device = await deviceFor();
  const open = (options: Record<string, string>) =>
    openTrainer(recipeOf(parseConfig('mlp:hidden=8', { dataset: 'shapes', batchSize: '8', valSplit: '0', ...options })), dataset, device);
  const consistency = 'augmix:consistency=true';
  for (const loss of [{}, { loss: 'jensen-shannon' }] as Record<string, string>[]) {
    const { trainer } = await open({ augment: consistency, ...loss });
    assert.ok(
      trainer.program.commands.some(c => c.op.kernel.name === 'jensen_shannon'),
      JSON.stringify(loss),
    );
    trainer.destroy();
  }
  assert.match(await refusal(() => open({ loss: 'jensen-shannon' })), /^loss jensen-shannon: compares several views of each image/);
  assert.match(await refusal(() => open({ loss: 'mse', augment: consistency })), /^loss mse: is of one view of each image/);
});

test.run();
