/** What is drawn of curves: the overfitting gap, the smoothed line, the range, and a curve that grows. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatOf, labelsOf, logTicks } from '../../web/views/curves/axes.ts';
import { overfitting } from '../../web/views/curves/gap.ts';
import { smooth } from '../../web/views/curves/line.ts';
import { extent, span } from '../../web/views/curves/range.ts';
import { Track } from '../../web/views/curves/track.ts';

const test = suite('parts of curves');

const line = (...ys: number[]) => ys.map((y, x) => [x, y] as const);
test('the gap lies where validation is worse, up to where the curves cross', () => {
  const { from, to } = overfitting(line(4, 2, 0), line(2, 2, 2), 1);
  assert.equal(from, [
    [0, 4],
    [1, 2],
    [2, 0],
  ]);
  assert.equal(to, [
    [0, 4],
    [1, 2],
    [2, 2],
  ]); // nothing before the crossing at step 1
  const crossed = overfitting(line(3, 0), line(0, 1), 1);
  assert.equal(crossed.to, [
    [0, 3],
    [0.75, 0.75],
    [1, 1],
  ]);
  assert.equal(overfitting(line(0.2, 0.9), line(0.2, 0.5), -1).to, [
    [0, 0.2],
    [1, 0.5],
  ]); // of an accuracy less is worse
  const between = overfitting(
    line(0, 0, 0, 0, 0),
    [
      [1, 1],
      [3, 3],
    ],
    1,
  );
  assert.equal(between.to, [
    [1, 1],
    [2, 2],
    [3, 3],
  ]); // training points between two validation points count
  assert.equal(overfitting(line(1), line(1, 2), 1), { from: [], to: [] });
});

test('a logarithmic axis has lines that are read: decades, parts of them, or equal steps, far enough apart', () => {
  assert.equal(logTicks(1e-7, 20, 180), [1e-6, 1e-4, 1e-2, 1]);
  assert.equal(logTicks(2e-3, 120, 180), [0.01, 0.1, 1, 10, 100]);
  assert.equal(logTicks(0.04, 0.6, 150), [0.05, 0.1, 0.2, 0.5]);
  assert.equal(logTicks(1.9, 2.8, 150), [2, 2.2, 2.4, 2.6, 2.8]); // less than a decade, none of whose ends is in view
  assert.equal(logTicks(2.311, 2.313, 150).length > 2, true);
  for (const [low, high] of [
    [1e-9, 1e9],
    [0.3, 0.31],
    [0.9, 1.1],
    [3, 7000],
  ] as const) {
    const ticks = logTicks(low, high, 160);
    assert.ok(ticks.length >= 2 && ticks.length <= 7, `${ticks}`);
    assert.ok(ticks.every((v, i) => v >= low && v <= high && (i === 0 || v > ticks[i - 1]!)));
  }
});

test('a smoothed curve keeps straight lines, and short curves', () => {
  const straight = line(...Array.from({ length: 90 }, (_, i) => 2 * i));
  const found = smooth(straight, 3);
  found.slice(3, -3).forEach(([x, y]) => assert.ok(Math.abs(y - 2 * x) < 1e-9, `${y} at ${x}`));
  assert.equal(
    [found[0], found[89]],
    [
      [0, 3],
      [89, 175],
    ],
  ); // of the four points that are there
  assert.equal(smooth(line(5, 1, 7), 0), line(5, 1, 7));
  assert.is(smooth(line(...Array.from({ length: 90 }, (_, i) => i % 2)), 3)[45]![1], 3 / 7); // reaches three points both ways
});

test('a smoothed curve goes on behind values that are not finite', () => {
  const holed = line(1, 1, NaN, Infinity, 3, 3, 3);
  assert.equal(smooth(holed, 1), line(1, 1, 1, 3, 3, 3, 3));
  assert.equal(
    smooth(line(1, NaN, Infinity, NaN, 4), 1).map(([, y]) => y),
    [1, 1, NaN, 4, 4], // where there are no others it has a hole
  );
  assert.is(smooth(holed, 2, [1, 1, 5, 5, 1, 1, 1])[2]![1], 5 / 3);
});

test('a smoothed curve has all its digits again once a huge value is out of reach', () => {
  for (const huge of [1e16, -1e308]) {
    const found = smooth(line(1, huge, ...Array.from({ length: 9 }, (_, i) => 0.25 + i)), 1);
    assert.equal(
      found.slice(3).map(([, y]) => y),
      [1.25, 2.25, 3.25, 4.25, 5.25, 6.25, 7.25, 7.75],
    );
  }
});

test('what lies across begins at 0; points at one place stand in the middle of it', () => {
  const at = (...xs: number[]) => ({ name: '', colour: '', points: xs.map(x => [x, 1] as const) });
  assert.equal(span([at(1, 5), at(), at(3, 8)]), [0, 8]);
  assert.equal(span([at(5), at(8)]), [0, 8]);
  assert.equal(span([at(10), at(10)]), [0, 20]);
  assert.equal(span([at(0)]), [-0.5, 0.5]);
});

test('one value far from the others leaves these their height, and is told of', () => {
  const curve = (...ys: number[]) => ({ name: '', colour: '', points: line(...ys) });
  const flat = Array.from({ length: 99 }, (_, i) => 2 - i / 99);
  const cut = extent([curve(250, ...flat)], {});
  assert.ok(cut.high < 2.2 && cut.most === 250, JSON.stringify(cut));
  assert.ok(extent([curve(250, ...flat)], { whole: true }).high > 250);
  assert.is(extent([curve(...flat)], {}).most, undefined); // what falls steeply is shown from its beginning
  const decades = Array.from({ length: 100 }, (_, i) => 10 ** (-i / 20));
  const runsAway = extent([curve(...decades), curve(1, 1e30, 1e280)], { log: true });
  assert.ok(runsAway.high < 10 && Math.abs(runsAway.most! / 1e280 - 1) < 1e-9, 'one that runs away leaves the others theirs on any scale');
  assert.is(extent([curve(...decades)], { log: true }).least, undefined);
  const { low, high } = extent([curve(0, 1e-3, 10)], { log: true });
  assert.ok(low > 0 && low < 1e-3 && high > 10);
  assert.equal(extent([curve()], {}), { low: 0, high: 1 });
});

test('a curve that grows is kept in few points, with its outliers and its trend; a part of it is as fine as it was', () => {
  const lines: { step: number; y: number }[] = [];
  const track = new Track<{ step: number; y: number }>(
    l => l.step,
    l => l.y,
  );
  const add = (to: number) => {
    for (let i = lines.length; i < to; i++) lines.push({ step: i, y: i === 777 ? 1e3 : i % 2 });
    track.follow(lines);
  };
  add(900);
  assert.is(track.shown(0).points.length, 900);
  add(50_000);
  const { points, trend } = track.shown(1 / 15);
  assert.ok(points.length < 2500 && points.some(([x, y]) => x === 777 && y === 1e3), `${points.length} points`);
  assert.ok(trend.every(([x, y]) => x < 4000 || Math.abs(y - 0.5) < 1e-3));
  assert.equal(
    track.shown(0, [10, 12]).points.slice(1, 4),
    line(0, 1, 0).map(([x, y]) => [x + 10, y]),
  );
  track.follow(lines.slice(0, 5));
  assert.equal(track.shown(0).points, line(0, 1, 0, 1, 0));
});

test('numbers on charts are as short as they can be', () => {
  assert.equal(
    [0.5, 0.891, 1].map(v => formatOf(true)(v)),
    ['50 %', '89.1 %', '100 %'],
  );
  assert.equal(
    [250, 0.25, 1e-5].map(v => formatOf()(v)),
    ['250', '0.25', '1e-5'],
  );
});

test('no two lines of an axis have the same number, however near they lie', () => {
  assert.equal(labelsOf([2.1014, 2.1015, 2.1016], formatOf()), ['2.1014', '2.1015', '2.1016']);
  assert.equal(labelsOf([0.912, 0.9125, 0.913], formatOf(true)), ['91.2 %', '91.25 %', '91.3 %']);
  assert.equal(labelsOf([1.01e-5, 1.02e-5], formatOf()), ['1.01e-5', '1.02e-5']);
  assert.equal(labelsOf([0, 0.5, 1], formatOf(true)), ['0 %', '50 %', '100 %']);
});

test.run();
