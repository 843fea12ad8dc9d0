import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filtersOf, firstFilters, shades, histogramOf } from '../../../train/study/looks.ts';

const test = suite('looks');

const values = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);
const weight = (name: string, ...shape: number[]) => ({ name, shape });

test('the first weight that is a picture is that of a convolution, or of a dense layer on whole images', () => {
  const [bias, conv, dense] = [weight('conv.bias', 8), weight('conv.weight', 8, 3, 5, 5), weight('fc.weight', 10, 3072)];
  assert.is(firstFilters([bias, conv, dense], [3, 32, 32]), conv);
  assert.is(firstFilters([bias, dense, conv], [3, 32, 32]), dense);
  assert.is(firstFilters([weight('fc.weight', 10, 64)], [3, 32, 32]), undefined);
  assert.is(firstFilters([weight('fc.weight', 10, 2)], [2, 1, 1]), undefined, 'a point is no picture');
});

test('filters of three channels are coloured, others one picture a channel; templates are those with one for each class', () => {
  const coloured = filtersOf(weight('conv.weight', 8, 3, 5, 5), values(600), [3, 32, 32], 10);
  assert.equal([coloured.channels, coloured.count, coloured.h, coloured.data.length, coloured.templates], [3, 8, 5, 600, false]);
  const grey = filtersOf(weight('conv.weight', 100, 1, 3, 3), values(900), [1, 28, 28], 10);
  assert.equal([grey.channels, grey.count, grey.data.length], [1, 64, 576]);
  const linear = filtersOf(weight('fc1.weight', 10, 784), values(7840), [1, 28, 28], 10);
  assert.equal([linear.count, linear.h, linear.w, linear.templates], [10, 28, 28, true]);
});

test('0 is grey and the largest magnitude black or white, in each picture by itself', () => {
  const planes = { name: '', count: 2, h: 1, w: 3, data: Float32Array.from([0, -2, 1, 0, 10, 5]) };
  assert.equal([...shades(planes, 0)], [128, 128, 128, 0, 0, 0, 191, 191, 191]);
  assert.equal([...shades(planes, 1)], [128, 128, 128, 255, 255, 255, 191, 191, 191]);
  const colours = { name: '', count: 1, h: 1, w: 2, channels: 3, data: Float32Array.from([1, 0, -1, 0, 0, 1]) };
  assert.equal([...shades(colours, 0)], [255, 0, 128, 128, 128, 255], 'channels beside each other');
  assert.equal(
    [...shades({ ...planes, data: new Float32Array(6) }, 0)].every(v => v === 128),
    true,
  );
});

test('what is not finite is red, and takes nothing from the rest of its picture', () => {
  const planes = { name: '', count: 2, h: 1, w: 3, data: Float32Array.from([NaN, -2, 1, 10, -Infinity, 5]) };
  assert.equal([...shades(planes, 0)], [255, 0, 0, 0, 0, 0, 191, 191, 191]);
  assert.equal([...shades(planes, 1)], [255, 255, 255, 255, 0, 0, 191, 191, 191]);
  const colours = { name: '', count: 1, h: 1, w: 2, channels: 3, data: Float32Array.from([1, 0, NaN, 0, 0, 1]) };
  assert.equal([...shades(colours, 0)], [255, 0, 0, 128, 128, 255], 'a pixel of which one colour is none');
});

test('a histogram spans what is finite, and counts what is not', () => {
  const of = (...values: number[]) => {
    const { reach, others, counts } = histogramOf(Float32Array.from(values));
    return [reach, others, counts.reduce((a, b) => a + b), counts[20]];
  };
  assert.equal(of(-2, 0, 1, NaN, Infinity), [2, 2, 3, 1]);
  assert.equal(of(0, 0, 0), [0, 0, 3, 3]);
  assert.equal(of(NaN), [0, 1, 0, 0]);
});

test.run();
