import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { relu } from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { circularPad, constantPad, reflectionPad, replicationPad } from '../../layers/pad.ts';
import { edgesOf, type Edges } from '../reference/linear.ts';
import { padded } from '../reference/pad.ts';
import { checkLayer, runLayer } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('pad');

const cases: readonly [mode: string, layer: (pad: number | Partial<Edges>) => Layer, most: Edges][] = [
  ['constant', pad => constantPad(pad, 0.5), { top: 4, bottom: 1, left: 0, right: 3 }],
  ['reflect', reflectionPad, { top: 3, bottom: 2, left: 4, right: 0 }],
  ['replicate', replicationPad, { top: 6, bottom: 0, left: 2, right: 7 }],
  ['circular', circularPad, { top: 4, bottom: 3, left: 5, right: 5 }],
];
for (const [mode, layer, most] of cases) {
  for (const [what, pad] of [
    ['all sides', 2],
    ['each side by itself', most],
  ] as const) {
    test(`${mode}, ${what}`, () =>
      checkLayer(
        sequential([layer(pad), relu()]),
        [2, 3, 4, 5],
        x => padded(x, [4, 5], typeof pad === 'number' ? edgesOf(pad) : pad, mode, 0.5).map(v => Math.max(v, 0)),
        { derivatives: 120 },
      ));
  }
  test(`${mode}, signals`, async () => {
    const shape: Shape = [2, 3, 7];
    const edges = { top: 0, bottom: 0, left: 3, right: 3 };
    await checkLayer(layer(3), shape, x => padded(x, [1, 7], edges, mode, 0.5));
    assert.equal((await runLayer('own', layer({ left: 2 }), shape)).shape, [2, 3, 9]);
  });
}

test('rows and columns of one value', async () => {
  await checkLayer(replicationPad(2), [1, 2, 1, 1], x => padded(x, [1, 1], edgesOf(2), 'replicate'));
  await checkLayer(circularPad(1), [1, 2, 1, 1], x => padded(x, [1, 1], edgesOf(1), 'circular'));
});

test('says what does not fit', async () => {
  const message = (layer: Layer, shape: Shape = [2, 3, 4, 6]) => refusal(() => runLayer('own', layer, shape));
  assert.is(
    await message(reflectionPad(4)),
    'reflectionPad: pad 4 is more than the input has (input [2, 3, 4, 6]); use at most 3 rows and 5 columns',
  );
  assert.match(
    await message(circularPad({ left: 7 })),
    /^circularPad: pad left 7 is more than the input has .*; use at most 4 rows and 6 columns$/,
  );
  assert.match(await message(constantPad(-1)), /^constantPad: pad is -1; give a whole number of at least 0/);
  assert.match(await message(constantPad(1), [2, 3]), /^constantPad: input is \[2, 3\], expected \[batch, channels, height, width\]/);
});

test.run();
