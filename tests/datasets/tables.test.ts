/** Regressions: functions and formulas that are computed, tables in files, numbers of a program's own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkDataset, first } from '../../datasets/dataset.ts';
import { datasetOf } from '../../datasets/memory.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { FUNCTIONS } from '../../datasets/tables/functions.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('tables');
const folder = mkdtempSync(join(tmpdir(), 'descent-tables-'));
test.after(() => rmSync(folder, { recursive: true }));
const quiet = { quiet: true };
const open = (name: string, target?: string) => openDataset(name, { ...quiet, target });

/** What each function is, said again from the courses. */
const wanted: Record<string, (x: number) => number> = {
  sine: x => Math.sin(2 * Math.PI * x),
  steps: x => (x < 0 ? 5 + [1, 2, 3, 4].reduce((sum, k) => sum + Math.sin(k * x), 0) : Math.cos(10 * x)),
  heaviside: x => Number(x >= 0),
  abs: Math.abs,
  'x-sin-5x': x => x * Math.sin(5 * x),
  'step-sin': x => Number(x > 0) + 0.2 * Math.sin(5 * x),
  'noisy-parabola': x => x ** 2,
  'ten-points': x => Math.sin(2 * Math.PI * x),
};

test('each function has its values, over its range, and the noise that is asked for', async () => {
  assert.equal(Object.keys(FUNCTIONS), Object.keys(wanted));
  for (const [name, f] of Object.entries(wanted)) {
    const set = await open(`${name}:noise=0,points=50`);
    checkDataset(set);
    assert.equal([set.shape, set.outputs, set.inputs, set.train.n, set.test.n], [[1, 1, 1], ['y'], ['x'], 50, 256]);
    for (const { images, targets } of [set.train, set.test]) {
      for (const [i, x] of images.entries()) assert.is(targets![i], Math.fround(f(x)), `${name} at ${x}`);
    }
    const noisy = await open(`${name}:noise=0.5,points=2000`);
    const errors = Array.from(noisy.train.images, (x, i) => noisy.train.targets![i]! - f(x));
    const deviation = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / 2000);
    assert.ok(Math.abs(deviation - 0.5) < 0.03, `${name}: ${deviation}`);
  }
});

test('points are evenly spaced with both ends, those to test on lie between them, and the first are spread over the range', async () => {
  const { train, test: held } = await open('sine:points=101,test=100,range=-1..1');
  const sorted = [...train.images].sort((a, b) => a - b);
  sorted.forEach((x, i) => assert.ok(Math.abs(x - (-1 + i / 50)) < 1e-6));
  assert.ok(held.images.every(x => !train.images.includes(x)));
  const some = first(train, 20);
  assert.equal([some.targets!.length, some.n], [20, 20]);
  assert.ok(Math.min(...some.images) < -0.6 && Math.max(...some.images) > 0.6);
  assert.equal(await open('sine:points=101,noise=0.1'), await open('sine:points=101,noise=0.1'), 'the same each time');
  assert.is.not((await open('sine:noise=0.1')).train.targets![0], (await open('sine:noise=0.1,seed=1')).train.targets![0]);
});

test('a formula has its variables as features, in alphabetical order', async () => {
  const one = await open('formula:y=max(sin(3*x), 0) + (x < 0 ? 1 : x^2),points=30,range=-2..2');
  one.train.images.forEach((x, i) => {
    assert.ok(Math.abs(one.train.targets![i]! - (Math.max(Math.sin(3 * x), 0) + (x < 0 ? 1 : x * x))) < 1e-6);
  });
  const sure = await open('formula:y=PI*x_1 + (x_1 > 0 and not (x2 > 0)),points=30');
  assert.equal(sure.inputs, ['x2', 'x_1']);
  const named = await open('formula:y=cost*power - x2 + x_y,points=30');
  assert.equal(named.inputs, ['cost', 'power', 'x2', 'x_y']);
  const two = await open('formula:y=b - 10*a,points=30');
  assert.equal(
    [two.inputs, two.shape],
    [
      ['a', 'b'],
      [2, 1, 1],
    ],
  );
  assert.ok(Math.abs(two.train.targets![3]! - (two.train.images[7]! - 10 * two.train.images[6]!)) < 1e-5);
});

test('says what is wrong with a formula or an option', async () => {
  assert.match(await refusal(() => open('formula')), /^dataset formula: y is missing; write formula:y=/);
  assert.match(await refusal(() => open('formula:y=2')), /^formula: '2' names no variable; write it as /);
  for (const [name, y] of [
    ['foo', 'foo(x)'],
    ['sinx', 'sinx'],
    ['xy', 'xy'],
    ['random', 'random()*x'],
    ['length', 'length(x)'],
    ['Infinity', 'x+Infinity'],
    ['true', 'x+true'],
  ])
    assert.match(
      await refusal(() => open(`formula:y=${y}`)),
      new RegExp(`^formula: '${name}' is not known; write it as sin\\(3\\*x\\) .*or variables as x, x1 or width$`),
    );
  for (const y of ['x;y', 'x == "a"', '"3"*x', '[x]', 'x > 0 ? [x] : 1'])
    assert.match(await refusal(() => open(`formula:y=${y}`)), /^formula: '.*' is not one value; write it as sin\(3\*x\)/);
  assert.match(await refusal(() => open('formula:y=sin(')), /^formula: 'sin\(' has a bracket that is not closed; write as many \) as \($/);
  assert.match(await refusal(() => open('formula:y=x.constructor')), /is not understood/);
  assert.match(
    await refusal(() => open('formula:y=1/x,points=3')),
    /^formula 1\/x: y is Infinity at 0; give a range in which it is finite/,
  );
  assert.match(await refusal(() => open('sine:range=3..1')), /^dataset sine: range is '3..1'; give two numbers as -1..1/);
  assert.match(await refusal(() => open('sine:noize=1')), /unknown option of sine 'noize'; did you mean 'noise'/);
  assert.match(await refusal(() => open('shapes:noise=1')), /^dataset: 'noise' is no option of shapes; it has none/);
  assert.match(await refusal(() => open('sine', 'y')), /^target: is of a table, and sine is none/);
});

test('a table in a file is a regression of the columns that are named, or has classes where these are names', async () => {
  const path = join(folder, 'points.csv');
  const rows = Array.from({ length: 50 }, (_, i) => [i / 10, -i, 2 * i, i % 3 ? '"so, so"' : 'good']);
  const write = (lines: readonly (readonly unknown[])[], separator = ',') =>
    writeFileSync(path, lines.map(l => l.join(separator)).join('\r\n'));
  write([['\ufeffa', 'b', 'y', 'kind'], ...rows]);
  assert.match(await refusal(() => open(path, 'y')), /^points.csv: row 1, column 'kind': 'good' is not a number; give a number/);
  const named = await openDataset(path, { ...quiet, target: 'kind', limitTrain: 7 });
  assert.equal([named.classes, named.inputs, named.train.n, named.test.n], [['good', 'so, so'], ['a', 'b', 'y'], 7, 10]);
  write([['a', 'b', 'y'], ...rows.map(row => row.slice(0, 3))], ';');
  const set = await open(path, 'y');
  checkDataset(set);
  assert.equal([set.inputs, set.outputs, set.classes, set.train.n, set.test.n], [['a', 'b'], ['y'], [], 40, 10]);
  for (const { images, targets, n } of [set.train, set.test]) for (let i = 0; i < n; i++) assert.is(targets![i], -2 * images[2 * i + 1]!);
  assert.equal((await open(path, 'y, a')).outputs, ['y', 'a']);
  assert.match(await refusal(() => open(path)), /^points.csv: which column is to be predicted is not said; give target as one of a, b, y/);
  assert.match(await refusal(() => open(path, 'z')), /^points.csv: there is no column 'z'; it has a, b, y/);
  write([['a', 'b'], [1], [2, 3]]);
  assert.match(await refusal(() => open(path, 'b')), /^points.csv: row 1 has 1 cell, its head 2/);
  write([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  assert.equal((await open(path, '2')).inputs, ['1'], 'a table without a head is called by numbers');
});

test('a table whose cells would be taken for others is refused, and blanks around a label are none of it', async () => {
  const path = join(folder, 'cells.csv');
  const write = (label: (i: number) => unknown, x: (i: number) => unknown = i => i, encoding: BufferEncoding = 'utf8') =>
    writeFileSync(path, ['x,y', ...Array.from({ length: 20 }, (_, i) => `${x(i)},${label(i)}`)].join('\n'), encoding);
  const refused = () => refusal(() => open(path, 'y'));
  write(i => (i % 2 ? 'yes' : i % 4 ? 'no' : ' no '));
  assert.equal((await open(path, 'y')).classes, ['no', 'yes']);
  write(i => (i % 2 ? 'j\xe4' : 'j\xf6'));
  assert.equal((await open(path, 'y')).classes, ['j\xe4', 'j\xf6']);
  const utf8 = /^cells.csv: it is not text in UTF-8; save it as UTF-8$/;
  for (const encoding of ['latin1', 'utf16le'] as const) {
    write(
      i => (i % 2 ? 'j\xe4' : 'j\xf6'),
      i => i,
      encoding,
    );
    if (encoding === 'utf16le') writeFileSync(path, Buffer.concat([Buffer.from([0xff, 0xfe]), readFileSync(path)]));
    assert.match(await refused(), utf8);
  }
  write(i => (i === 3 ? '' : i % 2 ? 'yes' : 'no'));
  assert.match(await refused(), /^cells.csv: row 4, column 'y': it is empty; give what is to be predicted, or leave the row out/);
  write(i => (i ? i / 2 : 'NA'));
  assert.match(await refused(), /^cells.csv: row 1, column 'y': 'NA' is not a number/);
  write(
    i => i,
    i => (i === 1 ? 4e38 : i),
  );
  assert.match(await refused(), /^cells.csv: row 2, column 'x': 4e\+38 is beyond float32; give numbers of up to 3.4e38, in another unit/);
});

test('columns whose numbers float32 cannot tell apart are named, and no others', async () => {
  const path = join(folder, 'large.csv');
  const columns = {
    time: (i: number) => 1.7e9 + 10 * i,
    year: (i: number) => 1.7e9 + 5e6 * i,
    whole: (i: number) => 2 ** 23 + i,
    same: (i: number) => (i % 2 ? 0.3 : 0.1 + 0.2),
    y: (i: number) => -1e12 - i,
  };
  const rows = Array.from({ length: 200 }, (_, i) =>
    Object.values(columns)
      .map(f => f(i))
      .join(),
  );
  writeFileSync(path, [Object.keys(columns).join(), ...rows].join('\n'));
  const notes: string[] = [];
  const dataset = await openDataset(path, { target: 'y', onNote: note => void notes.push(note) });
  assert.equal(notes, [
    "large.csv: column 'time' is of 1700000000 to 1700001990, which float32 holds in steps of 128; take 1700000000 off its numbers",
    "large.csv: column 'y' is of -1000000000199 to -1000000000000, which float32 holds in steps of 65536; take -1000000000199 off its numbers",
  ]);
  assert.equal(dataset.notes, notes);
});

test('numbers of a program that float32 cannot tell apart are named, and no others', async () => {
  const n = 200;
  const rows = Array.from({ length: n }, (_, i) => [i % 7, 1.7e9 + 10 * i, 1.7e9 + 5e6 * i, 1.7e9]);
  const targets = rows.map((_, i) => [2 ** 23 + i, -1e12 - i]);
  const notes = [
    'images: value 1 of each is of 1700000000 to 1700001990, which float32 holds in steps of 128; take 1700000000 off its numbers',
    'targets: y2 is of -1000000000199 to -1000000000000, which float32 holds in steps of 65536; take -1000000000199 off its numbers',
  ];
  const dataset = await datasetOf({ images: rows, targets, test: 0.2 });
  assert.equal(dataset.notes, notes);
  const labels = rows.map((_, i) => i % 2);
  const planes = rows.map(row => [...row.slice(2, 3), ...row.slice(2, 3), ...row.slice(1, 2), ...row.slice(1, 2)]);
  assert.equal((await datasetOf({ images: planes, labels, shape: [2, 1, 2] })).notes, [notes[0]!.replace('value', 'channel')]);
  assert.is((await datasetOf({ images: rows.map(([a]) => [a!]), labels })).notes, undefined);
  const large = rows.map((_, i) => (i === 3 ? 4e38 : i));
  const refused = await refusal(() => datasetOf({ images: rows, targets: large }));
  assert.is(refused, 'targets: 4e+38 is beyond float32; give numbers of up to 3.4e38, in another unit');
});

test('targets of a program are numbers or rows of them, and a share is held back', async () => {
  const images = Array.from({ length: 20 }, (_, i) => [i, -i]);
  const one = await datasetOf({ images, targets: images.map(([a]) => 3 * a!), test: 0.25 });
  assert.equal([one.outputs, one.classes, one.train.n, one.test.n, one.train.labels.length], [['y'], [], 15, 5, 0]);
  for (const { images: x, targets } of [one.train, one.test]) targets!.forEach((t, i) => assert.is(t, 3 * x[2 * i]!));
  const flat = Float32Array.from(images.flat());
  const two = await datasetOf({
    images: flat,
    shape: [2],
    targets: images,
    outputs: ['a', 'b'],
    test: { images: [[7, 8]], targets: [[9, 10]] },
  });
  assert.equal(
    [two.outputs, [...two.train.targets!.slice(2, 6)], [...two.test.targets!]],
    [
      ['a', 'b'],
      [1, -1, 2, -2],
      [9, 10],
    ],
  );
  const wrong = (more: object) => refusal(() => datasetOf({ images, ...more }));
  assert.match(await wrong({ targets: [1, 2] }), /^labels: 2 for 20 images|^targets/);
  assert.match(await wrong({ targets: images.map((_, i) => (i ? i : NaN)) }), /^targets: number 0 is NaN; give finite numbers/);
  assert.match(await wrong({ targets: images, labels: images }), /^targets: labels are given too; leave out one of the two/);
  assert.match(await wrong({ targets: images, outputs: ['a'] }), /^outputs: 1 names for 2 numbers of a sample/);
});

test.run();
