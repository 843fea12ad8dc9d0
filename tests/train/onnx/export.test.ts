/** Exported nets give in ONNX Runtime the logits that they give here. */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../../engine/graph.ts';
import * as activations from '../../../layers/activation.ts';
import { auxiliary } from '../../../layers/auxiliary.ts';
import { add, gated } from '../../../layers/broadcast.ts';
import {
  beside,
  cat,
  concat,
  flatten,
  mean,
  residual,
  scale,
  sequential,
  stochasticDepth,
  unflatten,
  zeroPadShortcut,
} from '../../../layers/compose.ts';
import { conv1d, conv2d, convTranspose2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { reshape } from '../../../layers/geometry.ts';
import { narrow } from '../../../layers/narrow.ts';
import { circularPad, constantPad, reflectionPad, replicationPad } from '../../../layers/pad.ts';
import {
  dropConnect,
  dropout,
  gaussianNoise,
  shakeout,
  spatialDropout,
  vanillaDropout,
  whiteout,
  zonedOut,
  zoneout,
} from '../../../layers/noise.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, lrn } from '../../../layers/norm.ts';
import {
  adaptiveAvgPool,
  adaptiveAvgPool1d,
  adaptiveMaxPool,
  adaptiveMaxPool1d,
  avgPool,
  avgPool1d,
  fractionalMaxPool,
  globalAvgPool,
  maxPool,
  maxPool1d,
} from '../../../layers/pool.ts';
import { rnn } from '../../../layers/recurrent.ts';
import { openModel } from '../../../models/index.ts';
import { parseSpec } from '../../../engine/spec.ts';
import { exportOnnx } from '../../../train/onnx/open.ts';
import { close } from '../../support/check.ts';
import { evaluated, generatedWeights, runOnnx, sameLogits, type Shape } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';
import { vectorUniform } from '../../vectors/weights.ts';

const test = suite('onnx export');
const named = (count: number) => Array.from({ length: count }, (_, i) => `class ${i}`);

/** A layer between a convolution and the logits. */
const between = (layer: Layer): Layer => sequential({ conv: conv2d(6, 3, { pad: 1 }), layer, out: dense(4) });

const LAYERS: Readonly<Record<string, Layer>> = {
  ...Object.fromEntries(Object.entries(activations).map(([name, make]) => [name, make()])),
  'convolution of stride, padding, dilation and groups': conv2d(4, 3, { stride: 2, pad: 2, dilation: 2, groups: 2, bias: false }),
  'convolution whose sides differ': conv2d(4, [3, 2], { stride: [1, 2], pad: { top: 2, right: 1 }, dilation: [2, 1] }),
  "convolution of padding 'same'": conv2d(4, 4, { pad: 'same' }),
  'transposed convolution': convTranspose2d(4, 3, { stride: 2, pad: 1, outputPad: 1, groups: 2 }),
  'convolution of signals': sequential([unflatten([6, 49]), conv1d(4, 3, { stride: 2, pad: 1 })]),
  'standardised convolution': conv2d(4, 3, { standardise: true }),
  'convolution through dropConnect': conv2d(4, 3, { through: dropConnect(0.5) }),
  'max pooling': maxPool(3, { stride: 2, pad: 1 }),
  'max pooling that hangs over': maxPool(3, { stride: 2, ceil: true }),
  'mean pooling': avgPool(2, { stride: 3, pad: 1 }),
  'max pooling of taps apart': maxPool([2, 3], { stride: 1, dilation: 2, pad: { top: 1 } }),
  'mean pooling that leaves the padding out': avgPool(3, { stride: 2, pad: 1, countIncludePad: false }),
  'mean pooling that hangs over': avgPool(2, { stride: 3, pad: { top: 1, left: 1 }, ceil: true }),
  'adaptive pooling': concat([adaptiveAvgPool([3, 2]), adaptiveMaxPool([3, 2])]),
  'adaptive pooling of equal parts': sequential([conv2d(4, 2), adaptiveMaxPool([2, 3])]),
  'adaptive pooling to one': adaptiveAvgPool(1),
  'pooling and a norm of signals': sequential([
    unflatten([6, 49]),
    instanceNorm({ affine: true }),
    maxPool1d(3, { pad: 1 }),
    avgPool1d(2),
    adaptiveMaxPool1d(9),
    adaptiveAvgPool1d(4),
    globalAvgPool(),
  ]),
  'padding by a value': constantPad({ top: 1, right: 2 }, 0.5),
  'padding that mirrors': reflectionPad([2, 1]),
  'padding by the edges': replicationPad({ left: 3, bottom: 1 }),
  'padding by the image again': circularPad({ top: 2, left: 1, right: 3 }),
  'a slope for each channel': activations.prelu({ perChannel: true }),
  'squeeze and excitation': gated(sequential({ pool: adaptiveAvgPool(1), fc: conv2d(6, 1), scale: activations.sigmoid() })),
  'a sum that broadcasts': (g, x) => add(g, x, adaptiveAvgPool([1, 7])(g, x)),
  'global mean pooling': globalAvgPool(),
  'batch norm': batchNorm({ eps: 1e-3 }),
  'batch norm without weights': batchNorm({ affine: false }),
  'batch norm of vectors': sequential([dense(5), batchNorm()]),
  'layer norm': layerNorm(),
  'layer norm without weights': layerNorm({ affine: false }),
  'group norm': groupNorm(3),
  'group norm of vectors': sequential([dense(6), groupNorm(2)]),
  'instance norm': instanceNorm(),
  lrn: lrn({ size: 3, alpha: 0.5, beta: 0.6, k: 2 }),
  residual: residual(conv2d(6, 1)),
  concat: concat([conv2d(2, 1), maxPool(3, { stride: 1, pad: 1 })]),
  'layers of no scopes side by side': beside((_, x) => x, conv2d(2, 1)),
  'tensors side by side': (g, x) => cat(g, [x, conv2d(2, 1)(g, x)]),
  mean: mean([conv2d(2, 1), conv2d(2, 1)]),
  scale: scale(0.3),
  flatten: flatten(),
  'a part of the channels': (g, x) => narrow(g, x, 1, 2, 3),
  'halves of the channels as images of their own': (g, x) => {
    const [n, c, ...size] = x.shape as [number, number, number, number];
    return reshape(g, conv2d(2, 1)(g, reshape(g, x, [2 * n, c / 2, ...size])), [n, 4, ...size]);
  },
  'a view of images': (g, x) => g.view(x, [x.shape[0]!, 3, 14, 7]),
  'shortcut A': zeroPadShortcut(9, 2),
  'shortcut A of stride 1': zeroPadShortcut(9),
  'stochastic depth': stochasticDepth(conv2d(2, 1), 0.4),
  'units that keep what they are given': zonedOut(conv2d(6, 1), 0.2),
  'units that keep what was before': (g, x) => zoneout(g, x, activations.tanh()(g, x), 0.3),
  'rows as steps': rnn(4, { zoneout: 0.2, dropout: 0.1 }),
  'what evaluation leaves out': sequential([dropout(0.5), spatialDropout(0.5), gaussianNoise(0.1), vanillaDropout(0.2)]),
  'a head of its own, nothing in evaluation': auxiliary(dense(3), 0.3),
  shakeout: shakeout(5),
  whiteout: whiteout(5),
};

test('each layer, all in one net', async () => {
  const names = Object.keys(LAYERS);
  const shape: Shape = [2, 7, 7];
  const model = concat(Object.values(LAYERS).map(between));
  const weights = generatedWeights(model, shape);
  const file = await exportOnnx({ model, shape, classes: named(4 * names.length), weights, normalize: 'none' });
  const dims = [3, ...shape];
  const data = vectorUniform('images', 3 * 98);
  const { logits } = await runOnnx(file, data, dims);
  const want = await evaluated(model, dims, data, weights);
  const of = (all: Float32Array, i: number) =>
    [0, 1, 2].flatMap(n => [...all.subarray((n * names.length + i) * 4, (n * names.length + i + 1) * 4)]);
  for (const [i, name] of names.entries()) close(name, of(logits!.data, i), of(want, i), 1e-4);
});

/** Functions of layers/ that the library exports and that make no layer, or one that is nothing at inference. */
const OTHERS = ['cutBefore', 'named', 'weightNoise', 'multiply', 'droppedSamples', 'standardised', 'detach'];

test('each layer of the library is among them', async () => {
  const library: Record<string, unknown> = await import('../../../index.ts');
  const own = readFileSync(import.meta.filename, 'utf8');
  const modules = await Promise.all(
    readdirSync('layers').map(file => import(`../../../layers/${file}`) as Promise<Record<string, unknown>>),
  );
  const makers = modules.flatMap(module =>
    Object.keys(module).filter(name => library[name] === module[name] && typeof module[name] === 'function'),
  );
  assert.ok(makers.length > 40, `${makers.length} layers`);
  assert.equal(
    makers.filter(name => !OTHERS.includes(name) && !(name in activations) && !new RegExp(`\\b${name}\\(`).test(own)),
    [],
  );
});

/** What the zoo is made of; `npm run test:long` takes all of it, and resnet20 is exported in cli/own-photos.test.ts. */
const NETS: Readonly<Record<string, Shape>> = {
  'lenet5:classic': [1, 28, 28],
  'airbench:width=16': [3, 32, 32],
};
for (const [spec, shape] of Object.entries(NETS)) {
  test(spec, () => sameLogits(openModel(parseSpec('model', spec), { classes: 10, shape }), shape, { classes: 10, n: 2 }));
}

test('noise in evaluation is drawn anew by whoever runs the net', async () => {
  const net = between(gaussianNoise(0.1, { evaluating: true }));
  const weights = generatedWeights(net, [2, 7, 7]);
  const file = await exportOnnx({ model: net, shape: [2, 7, 7], classes: named(4), weights, normalize: 'none' });
  const data = vectorUniform('images', 98);
  const { logits } = await runOnnx(file, data, [1, 2, 7, 7]);
  const still = await evaluated(
    between((_, x) => x),
    [1, 2, 7, 7],
    data,
    weights,
  );
  const off = Math.max(...still.map((v, i) => Math.abs(v - logits!.data[i]!)));
  assert.ok(off > 1e-3 && off < 1, String(off));
});

test('names, classes, moments and what else is known stand in the file', async () => {
  const model = sequential({ conv1: conv2d(2, 3), bn1: batchNorm(), act: activations.relu(), fc: dense(2) });
  const shape: Shape = [3, 5, 5];
  const weights = generatedWeights(model, shape);
  const moments = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
  const facts = { model, shape, classes: ['cat, "big"', 'dog'], weights, moments, normalize: 'meanstd' } as const;
  const file = await exportOnnx({ ...facts, name: './net.ts', dataset: 'photos' }, { softmax: true });
  const read = fromBinary(ModelProtoSchema, file);
  const metadata = Object.fromEntries(read.metadataProps.map(p => [p.key, p.value]));
  assert.equal(JSON.parse(metadata.classes!), ['cat, "big"', 'dog']);
  assert.equal(JSON.parse(metadata.moments!), moments);
  assert.equal([metadata.model, metadata.normalize, metadata.input], ['./net.ts', 'meanstd', 'pixels from 0 to 1']);
  assert.equal([read.irVersion, read.opsetImport[0]!.version], [8n, 17n]);
  const held = read.graph!.initializer.map(t => t.name).filter(name => !name.includes('/'));
  assert.equal(held.sort(), Object.keys(weights).sort());

  // it normalises pixels as the data does, and without that takes normalised ones
  const pixels = vectorUniform('pixels', 2 * 75).map(v => (v + 1) / 2);
  const seen = pixels.map((v, i) => (v - moments.mean[Math.floor(i / 25) % 3]!) / moments.std[Math.floor(i / 25) % 3]!);
  const dims = [2, ...shape];
  const want = await evaluated(model, dims, seen, weights);
  const { logits, probabilities } = await runOnnx(file, pixels, dims);
  close('logits of pixels', logits!.data, want, 1e-4);
  close('probabilities', probabilities!.data.slice(0, 1), [1 / (1 + Math.exp(want[1]! - want[0]!))], 1e-4);
  const bare = await exportOnnx(facts, { normalizedInput: true });
  close('logits of normalised pixels', (await runOnnx(bare, seen, dims)).logits!.data, want, 1e-4);
});

test('a mean image and whitening are nodes', async () => {
  const shape: Shape = [1, 3, 3];
  const model = dense(2);
  const matrix = { shape: [9, 9], data: vectorUniform('matrix', 81) };
  const weights = { ...generatedWeights(model, shape), 'whitening.weight': matrix };
  const image = Array.from({ length: 9 }, (_, i) => i / 10);
  const file = await exportOnnx({
    model,
    shape,
    classes: named(2),
    weights,
    normalize: 'zca',
    moments: { mean: [0.4], std: [0.2], image },
  });
  const pixels = vectorUniform('pixels', 18);
  const white = pixels.map((_, i) => {
    const row = pixels.subarray(Math.floor(i / 9) * 9).map((v, k) => v - image[k % 9]!);
    return Array.from({ length: 9 }, (_, k) => row[k]! * matrix.data[k * 9 + (i % 9)]!).reduce((a, b) => a + b);
  });
  const own = { ...weights, 'whitening.weight': undefined! };
  delete (own as Record<string, unknown>)['whitening.weight'];
  close('logits', (await runOnnx(file, pixels, [2, ...shape])).logits!.data, await evaluated(model, [2, ...shape], white, own), 1e-4);
});

test('what cannot be exported is refused by name', async () => {
  const shape: Shape = [2, 8, 8];
  const said = (model: Layer, more = {}, options = {}) =>
    refusal(() =>
      exportOnnx({ model, shape, classes: named(4), weights: generatedWeights(model, shape), normalize: 'none', ...more }, options),
    );
  const own: Layer = (g, x) => g.record([x], g.map('v * v', x), dy => [dy]);
  assert.match(await said(between(own)), 'onnx: the layer layer has no ONNX form; leave it out, or have its g.record say { onnx }');
  assert.match(await said(between((g, x) => g.map('v', x))), 'onnx: out reads values that no layer says it gives; have');
  assert.match(await said(between(fractionalMaxPool(1.5))), 'onnx: the layer layer has no ONNX form');
  assert.match(await said(between(lrn({ size: 4 }))), 'onnx: the layer layer has no ONNX form');
  assert.match(await said(dense(3)), 'onnx: the model gives [1, 3] for one input; its output must be one logit for each of 4 classes');
  assert.match(await said(dense(4), { weights: {} }), "weights: tensor 'weight' [4, 128] is missing");
  assert.match(await said(dense(4), { normalize: 'meanstd' }), 'meanstd: the moments of the training images are not known; give');
  const moments = { mean: [0, 0], std: [1, 1] };
  assert.match(
    await said(dense(4), { normalize: 'zca', moments }, { normalizedInput: true }),
    'normalizedInput: the matrix of zca is part of the net; leave it out',
  );
});

test.run();
