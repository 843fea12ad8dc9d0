/** The report of a classifier against scikit-learn's figures (tests/vectors/report.py). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { report } from '../../../train/evaluate/report.ts';
import { close } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';
import { readJson } from '../../vectors/read.ts';
import { vectorUniform } from '../../vectors/weights.ts';

interface Case {
  name: string;
  images: number;
  classes: number;
  scale: number;
  labels: number[];
  loss: number;
  accuracy: number;
  top: Record<string, number>;
  balancedAccuracy: number;
  precision: number[];
  recall: number[];
  f1: number[];
  support: number[];
  macro: number[];
  weighted: number[];
  confusion: number[];
  calibration: [images: number, confidence: number, accuracy: number][];
  calibrationError: number;
}

const test = suite('report');
const names = (count: number) => Array.from({ length: count }, (_, i) => `class ${i}`);

for (const c of readJson<{ cases: Case[] }>('report.json').cases) {
  test(`${c.name}: the figures are scikit-learn's`, () => {
    const logits = vectorUniform(`${c.name}/logits`, c.images * c.classes).map(u => c.scale * u);
    const seen = report(logits, c.labels, names(c.classes), { top: Object.keys(c.top).map(Number) });
    const near = (what: string, got: readonly number[], want: readonly number[]) => close(`${c.name} ${what}`, got, want, 1e-12);
    near('loss', [seen.loss], [c.loss]);
    near('accuracy', [seen.accuracy, seen.balancedAccuracy], [c.accuracy, c.balancedAccuracy]);
    assert.equal(Object.keys(seen.top), Object.keys(c.top));
    near('top', Object.values(seen.top), Object.values(c.top));
    for (const field of ['precision', 'recall', 'f1', 'support'] as const) {
      near(
        field,
        seen.classes.map(s => s[field]),
        c[field],
      );
    }
    near('macro', Object.values(seen.macro), c.macro);
    near('weighted', Object.values(seen.weighted), c.weighted);
    assert.equal([...seen.confusion], c.confusion);
    const bins = seen.calibration.filter(b => b.images).map(b => [b.images, b.confidence, b.accuracy]);
    near('calibration', bins.flat(), c.calibration.flat());
    near('calibration error', [seen.calibrationError], [c.calibrationError]);
  });
}

test('mistakes come by confidence, with what was answered', () => {
  const logits = [2, 0, 0, 1, 5, 0, 0, 9];
  const { mistakes } = report(logits, [0, 0, 1, 0], ['a', 'b']);
  assert.equal(
    mistakes.map(m => [m.image, m.label, m.answer]),
    [
      [3, 0, 1],
      [2, 1, 0],
      [1, 0, 1],
    ],
  );
  close(
    'probabilities',
    mistakes.map(m => m.probability),
    [9, 5, 1].map(d => 1 / (1 + Math.exp(-d))),
    1e-12,
  );
});

test('of equal logits the first is the answer; infinite ones count', () => {
  const { accuracy, loss } = report([1, 1, -Infinity, 0], [0, 1], ['a', 'b']);
  assert.is(accuracy, 1);
  close('loss', [loss], [Math.log(2) / 2], 1e-12);
});

test('what has no report is refused', async () => {
  const said = (...args: Parameters<typeof report>) => refusal(async () => report(...args));
  assert.match(await said([], [], ['a', 'b']), 'report: there are no images; give at least one');
  assert.match(await said([1, 2, 3], [0], ['a', 'b']), 'report: 3 logits for 1 labels; give logits of [1, 2]');
  assert.match(await said([1, 2], [2], ['a', 'b']), 'report: label 2 at image 0; give 0 to 1');
  const notFinite = (most: number) => `report: the largest logit of image 1 is ${most}; look for weights that are not finite or too large`;
  for (const most of [NaN, Infinity, -Infinity]) assert.is(await said([0, 1, -Infinity, most], [1, 1], ['a', 'b']), notFinite(most));
  const told = (...args: unknown[]) => said(...(args as Parameters<typeof report>));
  const wrong: readonly [args: readonly unknown[], message: string][] = [
    [[undefined, [0], ['a', 'b']], 'logits: it is undefined; give an array of numbers'],
    [[[1, 2], undefined, ['a', 'b']], 'labels: it is undefined; give an array of numbers'],
    [[[1, 2], [0], 2], 'classes: it is 2; give their names in order'],
    [[[1, 2], [0], ['a', 'b'], { bins: 0 }], 'bins: it is 0; give a whole number from 1 on'],
    [[[1, 2], [0], ['a', 'b'], { bins: 2.5 }], 'bins: it is 2.5; give a whole number from 1 on'],
    [[[1, 2], [0], ['a', 'b'], { top: 1 }], 'top: it is 1; give an array of whole numbers from 1 on'],
    [[[1, 2], [0], ['a', 'b'], { bin: 3 }], "unknown option of report 'bin'; did you mean 'bins'? known: top, bins"],
  ];
  for (const [args, message] of wrong) assert.is(await told(...args), message);
});

test('accuracy is the share of right images as it is told elsewhere, to the last digit', () => {
  const labels = Array.from({ length: 50 }, (_, i) => (i < 4 ? 0 : 1));
  assert.is(
    report(
      labels.flatMap(() => [1, 0]),
      labels,
      ['a', 'b'],
    ).accuracy,
    4 / 50,
  );
});

test.run();
