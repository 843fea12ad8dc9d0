/** The playground without a browser: its address, what stays of a net that changes, points of one's own. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensors } from '../../train/run/safetensors.ts';
import { DEFAULTS, readAddress, SETTINGS, writeAddress, type Settings } from '../../web/views/playground/address.ts';
import { MOST, pointAt, pointsCsv, tablePoints } from '../../web/views/playground/points.ts';
import { POINTS, pointsOf, PROBLEMS } from '../../web/views/playground/problems.ts';
import { refusal, taskOf } from '../../web/views/playground/task.ts';
import { fitted, type NetShape } from '../../web/worker/fitting.ts';

const test = suite('playground');

const OTHER: Settings = {
  problem: 'own-numbers',
  noise: 0.5,
  test: 30,
  seed: 7,
  features: ['x', 'yy', 'sinx'],
  hidden: [8, 1, 12],
  activation: 'relu',
  optimizer: 'momentum',
  lr: 0.3,
  batchSize: 32,
  penalty: 'l1',
  penaltyRate: 0.003,
  showTest: true,
  discrete: true,
  points: [pointAt(-6, 6, 1), pointAt(0.123, -4.567, -0.3)],
};

test('an address says every setting that is not as usual, and gives it back', () => {
  assert.equal(writeAddress(DEFAULTS), {});
  assert.equal(readAddress({}), DEFAULTS);
  const written = writeAddress(OTHER);
  assert.equal(Object.keys(written).sort(), Object.keys(SETTINGS).sort());
  assert.equal(readAddress(Object.fromEntries(new URLSearchParams(new URLSearchParams(written).toString()))), OTHER);
  assert.equal(readAddress({ hidden: 'none' }).hidden, []);
  assert.equal(
    readAddress({ ...written, problem: 'own-classes' }).points.map(({ value }) => value),
    [1, -1],
    'numbers that an address calls classes are of the class of their sign',
  );
  assert.is(
    readAddress({ optimizer: 'sgd' }).lr,
    readAddress({ optimizer: 'sgd', lr: '0.5' }).lr,
    'the rate that suits an optimizer goes with it',
  );
});

for (const [address, words] of [
  [{ hidden: '4-13' }, "hidden: '4-13' is not accepted; give sizes as 4-2, at most 6 of 1 to 12 units, or none"],
  [{ features: 'x-z' }, "features: 'x-z' is not accepted; give one or more of x, y, xx, yy, xy, sinx, siny, with - between them"],
  [{ noise: '-1' }, "noise: '-1' is not accepted; give a number of at least 0 and at most 2"],
  [{ problem: 'maze' }, `problem: 'maze' is not accepted; give ${Object.keys(PROBLEMS).join(', ')}`],
  [{ points: 'A*' }, "points: 'A*' is not accepted; give what this page has written into a link"],
  [{ points: '______' }, "points: '______' is not accepted; give what this page has written into a link"],
  [{ colour: 'red' }, `colour: is no setting of the playground; it has ${Object.keys(SETTINGS).join(', ')}`],
] as const) {
  test(`an address is refused that says ${JSON.stringify(address)}`, () =>
    assert.throws(
      () => readAddress(address),
      (e: Error) => e.message === words,
    ));
}

/** Weights that tell where they are of: layer, unit and input, from `base` on. */
const numbered = ({ features, hidden }: NetShape, base: number): Tensors => {
  const widths = [features.length, ...hidden, 1];
  return Object.fromEntries(
    widths.slice(1).flatMap((out, i) => {
      const inputs = widths[i]!;
      const weight = { shape: [out, inputs], data: Float32Array.from({ length: out * inputs }, (_, k) => base + 100 * i + k) };
      const bias = { shape: [out], data: Float32Array.from({ length: out }, (_, k) => -base - 100 * i - k) };
      return [
        [`fc${i + 1}.weight`, weight],
        [`fc${i + 1}.bias`, bias],
      ];
    }),
  );
};
/** By tensor what the net `next` begins with, after `before` whose weights are below 1000; those that are drawn are from 5000 on. */
function keptOf(before: NetShape, next: NetShape): Record<string, number[]> {
  const all = fitted({ ...before, weights: numbered(before, 0) }, next, numbered(next, 5000));
  return Object.fromEntries(Object.entries(all).map(([name, { data }]) => [name, [...data]]));
}

test('weights stay between units and inputs that both nets have', () => {
  const before = { features: ['x', 'y'], hidden: [2, 2] };
  const same = keptOf(before, before);
  assert.equal(same, Object.fromEntries(Object.entries(numbered(before, 0)).map(([name, { data }]) => [name, [...data]])));
  const wider = keptOf(before, { features: ['x', 'y'], hidden: [3, 2] });
  assert.equal(wider['fc1.weight'], [0, 1, 2, 3, 5004, 5005]);
  assert.equal(wider['fc2.weight'], [100, 101, 5102, 102, 103, 5105]);
  assert.equal(wider['fc3.bias'], [-200]);
  const input = keptOf(before, { features: ['y', 'xy'], hidden: [2, 1] });
  assert.equal(input['fc1.weight'], [1, 5001, 3, 5003], 'an input is known by its name');
  assert.equal(input['fc3.weight'], [200]);
});

test('of another number of layers, those that are there stay, and the output where its shape does', () => {
  const two = { features: ['x'], hidden: [2, 2] };
  const one = keptOf(two, { features: ['x'], hidden: [2] });
  assert.equal([one['fc1.weight'], one['fc2.weight'], one['fc2.bias']], [[0, 1], [200, 201], [-200]]);
  const three = keptOf(two, { features: ['x'], hidden: [2, 2, 3] });
  assert.equal(three['fc2.weight'], [100, 101, 102, 103]);
  assert.equal(three['fc3.weight'], [5200, 5201, 5202, 5203, 5204, 5205]);
  assert.equal(three['fc4.weight'], [5300, 5301, 5302]);
  assert.equal(keptOf(two, { features: ['x'], hidden: [] })['fc1.weight'], [5000], 'what it is given is another thing');
});

test('a table of points: classes by two names or numbers, values, columns by name, scaled into the plane', async () => {
  const named = await tablePoints('a.csv', 'label,y,x\nhot,1,2\ncold,-1,0.5\n');
  assert.equal(named.points, [pointAt(2, 1, -1), pointAt(0.5, -1, 1)]);
  assert.equal([named.classes, named.told], [true, '2 points of two classes, hot orange and cold blue.']);
  const zeroOne = await tablePoints('b.csv', '1,2,1\n-3,4,0\n0,0,1\n');
  assert.equal(
    zeroOne.points.map(({ value }) => value),
    [1, -1, 1],
  );
  const values = await tablePoints('c.csv', 'x;y;v\n12;0;4\n0;6;-2\n1;1;0\n');
  assert.equal([values.classes, values.points[0]], [false, pointAt(6, 0, 1)]);
  assert.is(values.told, '3 points. Coordinates are divided by 2 to fit the plane. Values are divided by 4 to lie within -1 and 1.');
  assert.is((await tablePoints('e.csv', 'x,y,v\n0,0,0.5\n')).told, '1 point.');
  const back = await tablePoints('d.csv', pointsCsv(values.points, false));
  assert.is(back.points.length, 3);
  assert.ok(
    back.points.every((p, i) => Math.abs(p.x - values.points[i]!.x) < 0.005 && Math.abs(p.value - values.points[i]!.value) < 0.002),
  );
});

for (const [text, words] of [
  ['x\n1\n', 't.csv: it has 1 column; give three: x, y, and a label or a value'],
  ['x,y\n1,2\n', 't.csv: it has 2 columns; give three: x, y, and a label or a value'],
  ['x,y,l\n1,2,a\n1,2,b\n1,2,c\n', "t.csv: column 'l' has 3 labels; give two of them, or numbers"],
  ['x,y,l\n1,2,a\n', "t.csv: column 'l' has 1 label; give two of them, or numbers"],
  ['x,y,l\n1,2,a\n1,2,\n', "t.csv: row 2, column 'l': it is empty; give a label or a value, or leave the row out"],
  ['x,y,l\n1,n,a\n1,2,b\n', "t.csv: row 1, column 'y': 'n' is not a number; give a number"],
  ['', 't.csv: it has no rows; give a table with a row for each sample'],
  [`x,y,v\n${'1,2,3\n'.repeat(MOST + 1)}`, 't.csv: it has 1,001 rows; give 1,000 at most'],
] as const) {
  test(`a table is refused: ${words}`, async () => {
    const said = await tablePoints('t.csv', text).then(
      () => 'nothing',
      (e: Error) => e.message,
    );
    assert.is(said, words);
  });
}

test('problems give their points, some to test on, whose share leaves the others as they are', () => {
  for (const [name, problem] of Object.entries(PROBLEMS)) {
    if (!problem.point) continue;
    const { train, test: held } = pointsOf(problem, [], { seed: 1, noise: 0.2, share: 0.3 });
    assert.equal([train.length, held.length], [0.7 * POINTS, 0.3 * POINTS], name);
    const values = new Set(train.map(({ value }) => value));
    if (problem.classes) assert.equal([...values].sort(), [-1, 1], name);
    else assert.ok(values.size > 50 && Math.max(...[...values].map(Math.abs)) <= (problem.isCurve ? 1.2 : 1), name);
    assert.equal(pointsOf(problem, [], { seed: 1, noise: 0.2, share: 0.5 }).train, train.slice(0, POINTS / 2), name);
  }
});

test('what cannot be trained says why; few points make a small batch', () => {
  const orange = [pointAt(0, 0, -1), pointAt(1, 1, -1)];
  assert.match(refusal({ ...DEFAULTS, problem: 'own-classes' }, [])!, 'There are no points to train on yet');
  assert.match(refusal({ ...DEFAULTS, problem: 'own-classes' }, orange)!, 'of one class');
  assert.is(refusal({ ...OTHER, problem: 'own-numbers' }, orange), undefined);
  assert.match(
    refusal({ ...DEFAULTS, optimizer: 'lbfgs', penalty: 'l1' }, pointsOf(PROBLEMS.xor!, [], { seed: 0, noise: 0, share: 0 }).train)!,
    'L1',
  );
  const { batchSize, train, loss } = taskOf({ ...OTHER, problem: 'own-numbers' }, orange, []);
  assert.equal(taskOf({ ...OTHER, problem: 'sine' }, orange, []).features, ['x', 'sinx'], 'a function of x is learnt from what is of x');
  assert.equal(taskOf({ ...OTHER, problem: 'sine', features: ['y'] }, orange, []).features, ['x']);
  assert.equal([batchSize, [...train.inputs], loss], [2, orange.flatMap(({ x, y }) => [x, y * y, Math.sin(x)]).map(Math.fround), 'mse']);
});

test.run();
