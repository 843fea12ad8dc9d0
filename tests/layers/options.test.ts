/** Layers as programs without types call them: a text is no flag and no number, and what goes to each option is told in one line. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../../index.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('layer options');
const untyped = library as unknown as Record<string, (...given: unknown[]) => Layer>;
const { relu } = untyped as { relu: () => Layer };

/** What is said of a layer, by a net that trains and by one that does not. */
async function said(layer: () => Layer): Promise<string> {
  const [first, second] = await Promise.all(
    [true, false].map(training =>
      refusal(() => {
        const g = new Graph({ training, profile: DEFAULT_PROFILE });
        layer()(g, g.tensor([2, 4, 8, 8], 'input', 'image'));
      }),
    ),
  );
  assert.is(first, second);
  return first!;
}

const FLAGS: readonly [layer: string, flag: string, of: (options: object) => Layer][] = [
  ['dense', 'bias', o => untyped.dense!(3, o)],
  ['conv2d', 'bias', o => untyped.conv2d!(3, 3, o)],
  ['conv2d', 'standardise', o => untyped.conv2d!(3, 3, o)],
  ['convTranspose2d', 'bias', o => untyped.convTranspose2d!(3, 3, o)],
  ['batchNorm', 'affine', o => untyped.batchNorm!(o)],
  ['groupNorm', 'affine', o => untyped.groupNorm!(2, o)],
  ['maxPool', 'ceil', o => untyped.maxPool!(2, o)],
  ['avgPool', 'countIncludePad', o => untyped.avgPool!(2, o)],
  ['fractionalMaxPool', 'random', o => untyped.fractionalMaxPool!(1.5, o)],
  ['prelu', 'perChannel', o => untyped.prelu!(o)],
  ['stochasticDepth', 'rescale', o => untyped.stochasticDepth!(relu(), 0.5, o)],
  ['gaussianNoise', 'evaluating', o => untyped.gaussianNoise!(1, o)],
  ['shakeout', 'bias', o => untyped.shakeout!(3, o)],
  ['whiteout', 'bias', o => untyped.whiteout!(3, o)],
];

test('flags are true or false: the text no was true', async () => {
  for (const [name, flag, of] of FLAGS)
    for (const [given, shown] of [
      ['no', "'no'"],
      [0, '0'],
      [null, 'null'],
    ] as const)
      assert.is(await said(() => of({ [flag]: given })), `${name}: ${flag} is ${shown}; give a boolean`);
});

const NUMBERS: readonly [of: (given: unknown) => Layer, said: string][] = [
  [v => untyped.dropout!(v), "dropout: p is '0.5', expected 0 <= p < 1"],
  [v => untyped.spatialDropout!(v), "spatialDropout: p is '0.5', expected 0 <= p < 1"],
  [v => untyped.gaussianNoise!(v), "gaussianNoise: std is '0.5', expected at least 0"],
  [v => untyped.stochasticDepth!(relu(), v), "stochasticDepth: p is '0.5', expected 0 <= p < 1"],
  [v => untyped.shakeout!(3, { tau: v }), "shakeout: tau is '0.5'; give a number of at least 0 and below 1"],
  [v => untyped.shakeout!(3, { c: v }), "shakeout: c is '0.5'; give a number"],
  [v => untyped.whiteout!(3, { sigma: v }), "whiteout: sigma is '0.5'; give a number of at least 0"],
  [v => untyped.rnn!(3, { dropout: v }), "dropout: p is '0.5', expected 0 <= p < 1"],
  [v => untyped.leakyRelu!(v), "leakyRelu: slope is '0.5', expected at least 0"],
  [v => untyped.elu!(v), "elu: alpha is '0.5', expected above 0"],
  [v => untyped.celu!(v), "celu: alpha is '0.5', expected above 0"],
  [v => untyped.prelu!({ init: v }), "prelu: init is '0.5'; give a number"],
  [v => untyped.batchNorm!({ momentum: v }), "batchNorm: momentum is '0.5'; give a number of at least 0 and at most 1"],
  [v => untyped.lrn!({ k: v }), "lrn: k is '0.5'; give a number above 0"],
  [v => untyped.zeroPadShortcut!(8, v), "zeroPadShortcut: stride is '0.5'; give a whole number of at least 1"],
];

test('a number is none as a text: products of it were right, and sums were texts', async () => {
  for (const [of, message] of NUMBERS) assert.is(await said(() => of('0.5')), message);
});

test('what else stands where an option, a layer or a size goes', async () => {
  assert.is(await said(() => untyped.gaussianNoise!(1, null)), 'gaussianNoise: got null; give options as { evaluating }');
  assert.match(await said(() => untyped.fractionalMaxPool!(1.5, { randon: true })), "did you mean 'random'?");
  assert.is(await said(() => untyped.dense!(3, { through: 0.5 })), 'dense: through is 0.5; give a function');
  assert.is(await said(() => untyped.zonedOut!(relu(), 0.5, null)), "zonedOut: 'shortcut' is null; give a layer, as relu()");
  assert.is(await said(() => untyped.named!(relu(), relu())), "named: the name is a function; give a text, as 'conv1'");
  assert.is(await said(() => untyped.unflatten!([true, 256])), 'unflatten: the shape is [true, 256]; give a list, as [1, 28, 28]');
  assert.is(
    await said(() => untyped.conv2d!(4, 3, { pad: true })),
    'conv2d: pad is true; give whole numbers of at least 0 as top, bottom, left, right',
  );
});

test.run();
