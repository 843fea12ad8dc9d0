/** Parts of tensors and other shapes of them: values, gradients, and what is said of parts that there are not. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../layers/broadcast.ts';
import { reshape } from '../../layers/geometry.ts';
import { narrow } from '../../layers/narrow.ts';
import { product, type Shape } from '../../shaders/kernel/shape.ts';
import { checkLayer } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('narrow');

/** The values of x [n, …] along an axis, as torch.narrow has them. */
function narrowed(x: ArrayLike<number>, shape: Shape, axis: number, start: number, length: number): number[] {
  const inner = product(shape.slice(axis + 1));
  return Array.from({ length: x.length }, (_, i) => i)
    .filter(i => Math.floor(i / inner) % shape[axis]! >= start && Math.floor(i / inner) % shape[axis]! < start + length)
    .map(i => x[i]!);
}

const cases: readonly [shape: Shape, axis: number, start: number, length: number][] = [
  [[2, 8, 2, 2], 1, 4, 4],
  [[3, 5], 1, 1, 3],
  [[4, 3, 2, 3], 0, 1, 2],
  [[2, 3, 4, 5], 3, 2, 3],
  [[2, 3], 1, 0, 3],
];
for (const [shape, axis, start, length] of cases) {
  test(`places ${start} to ${start + length} of ${shape} along ${axis}`, () =>
    checkLayer(
      (g, x) => narrow(g, x, axis, start, length),
      shape,
      x => narrowed(x, shape, axis, start, length),
    ));
}

test('parts that overlap, and the batch under another shape: gradients add up', () =>
  checkLayer(
    (g, x) => {
      const [a, b] = [0, 1].map(start => narrow(g, reshape(g, x, [6, 4]), 1, start, 3));
      return add(g, a!, b!);
    },
    [3, 8],
    x => Array.from({ length: 18 }, (_, i) => x[4 * Math.floor(i / 3) + (i % 3)]! + x[4 * Math.floor(i / 3) + (i % 3) + 1]!),
  ));

test('a part that there is not is named', async () => {
  const said = (axis: number, start: number, length: number) =>
    refusal(() =>
      checkLayer(
        (g, x) => narrow(g, x, axis, start, length),
        [2, 6],
        x => x,
      ),
    );
  assert.is(await said(2, 0, 1), 'narrow: axis is 2, the input [2, 6]; give 0 to 1');
  assert.is(await said(1, 4, 3), 'narrow: 3 places from 4 on, of 6 along axis 1 (input [2, 6]); give whole numbers within these');
  assert.match(await said(1, 0, 1.5), /^narrow: 1.5 places from 0 on/);
});

test.run();
