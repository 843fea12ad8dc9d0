/** What a program does with ONNX files: nets of ours are written, files are opened, by path, by bytes, with weights beside them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fit, FeatureExtractor, openDevice, optimizer, Predictor, rules, type PredictorOptions } from '../../../node.ts';
import { Net } from '../../../engine.ts';
import { batchNorm, conv2d, dense, dropout, globalAvgPool, relu, sequential, tanh } from '../../../index.ts';
import { resnet20 } from '../../../models.ts';
import { exportOnnx, openOnnx } from '../../../train/onnx/open.ts';
import { close } from '../../support/check.ts';
import { generatedWeights, runOnnx } from '../../support/onnx.ts';
import { scratchFolders } from '../../support/process/scratch.ts';
import { refusal } from '../../support/refusal.ts';
import { vectorUniform } from '../../vectors/weights.ts';

const test = suite('onnx in a program');
const folder = scratchFolders(test);
const device = await openDevice();
test.after(() => device.close());

const SHAPE = [3, 6, 6] as const;
const SIZE = 108;
const model = sequential({ conv1: conv2d(4, 3), bn1: batchNorm(), act1: relu(), pool: globalAvgPool(), fc: dense(2) });
const classes = ['cat', 'dog'];
const options: PredictorOptions = {
  device,
  model: () => model,
  shape: SHAPE,
  classes,
  weights: generatedWeights(model, SHAPE),
  normalize: 'meanstd',
  moments: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] },
  resize: 8,
};
const bytes = Uint8Array.from({ length: 3 * SIZE }, (_, i) => (i * 37) % 256);
const pixels = Float32Array.from(bytes, v => v / 255);

test('a predictor is written as ONNX by the ending of its name, gives in ONNX Runtime what it gives here, and is opened again', async () => {
  const predictor = await Predictor.create(options);
  const logits = await predictor.logits(bytes);
  const path = join(await folder(), 'net.onnx');
  await predictor.save(path);
  const file = new Uint8Array(await readFile(path));
  close('logits', (await runOnnx(file, pixels, [3, ...SHAPE])).logits!.data, logits, 1e-5);
  for (const source of [path, pathToFileURL(path), file, file.buffer, new File([file], 'net.onnx')]) {
    const again = await Predictor.open(device, source);
    close('logits of the file', await again.logits(bytes), logits, 1e-5);
    assert.equal([again.shape, again.classes], [SHAPE, classes]);
    const second = await again.onnx({ softmax: true });
    const { probabilities } = await runOnnx(second, pixels, [3, ...SHAPE]);
    close('probabilities of the file that was written again', probabilities!.data, await predictor.probabilities(bytes), 1e-5);
    again.destroy();
  }
  const normalised = pixels.map((v, i) => {
    const { mean, std } = options.moments!;
    const channel = Math.floor(i / 36) % 3;
    return (v - mean[channel]!) / std[channel]!;
  });
  const bare = await predictor.onnx({ normalizedInput: true });
  close('logits of normalised pixels', (await runOnnx(bare, normalised, [3, ...SHAPE])).logits!.data, logits, 1e-5);
  predictor.destroy();
});

test('a net of a loop by hand on rows is written as ONNX, and a predictor of rows opens it', async () => {
  const rows = sequential({ fc1: dense(8), act1: tanh(), drop: dropout(0.5), fc2: dense(2) });
  const net = await Net.build(device, rows, { shape: [5], batch: 4 });
  const adam = optimizer(rules.adam, { lr: 0.05 });
  const x = vectorUniform('rows', 20);
  for (let step = 0; step < 3; step++) {
    await net.backward(x, Uint32Array.of(0, 1, 1, 0));
    await net.update(adam);
  }
  const own = { model: rows, shape: [5], weights: await net.weights() };
  const want = await net.forward(x);
  net.destroy();
  close('outputs', (await runOnnx(await exportOnnx(own), x, [4, 5], 'input')).output!.data, want, 1e-5);
  const file = await exportOnnx({ ...own, classes }, { softmax: true });
  const ran = await runOnnx(file, x, [4, 5], 'input');
  close('logits', ran.logits!.data, want, 1e-5);
  const predictor = await Predictor.open(device, file);
  close('logits of the predictor', await predictor.logits(x), want, 1e-5);
  close('its probabilities', await predictor.probabilities(x), ran.probabilities!.data, 1e-5);
  predictor.destroy();
  const numbers = await Predictor.open(device, await exportOnnx({ ...own, outputs: ['width', 'height'] }));
  close('values', await numbers.values(x), want, 1e-5);
  numbers.destroy();
});

test('a file of another program says no classes: they are given; its net goes on training from its weights', async () => {
  const given = { model, shape: SHAPE, weights: generatedWeights(model, SHAPE) };
  const file = await exportOnnx(given);
  const name = new File([file], 'net.onnx');
  assert.is(
    await refusal(() => Predictor.open(device, name)),
    'net.onnx: does not say its classes; give { classes }, or { outputs } of a regression',
  );
  assert.match(
    await refusal(() => Predictor.open(device, name, { classes: ['a', 'b', 'c'] })),
    /^model: its output is \[1, 2\], expected \[1, 3\]/,
  );
  const { model: net, facts, size, weightsOf } = await openOnnx(name);
  assert.equal([facts.shape, facts.normalize, size], [SHAPE, 'none', 2]);
  assert.equal(weightsOf(model, SHAPE), given.weights);

  const images = Array.from({ length: 8 }, (_, i) => vectorUniform(`image ${i}`, SIZE));
  const data = { images, labels: images.map((_, i) => classes[i % 2]!), shape: SHAPE };
  const once = { steps: 1, epochs: undefined, batchSize: 8, valSplit: 0, normalize: 'none', optimizer: 'sgd', lr: 1e-9, device } as const;
  const ours = await fit(() => model, data, { ...once, init: given.weights }).model;
  for (const run of [fit(net, data, once), fit(() => model, data, { ...once, init: file })]) {
    const trained = await run.model;
    close('weights', (await trained.weights())['fc.weight']!.data, given.weights['fc.weight']!.data, 1e-6);
    const values = Float32Array.from(images.flatMap(image => [...image]));
    close('logits', await trained.logits(values), await ours.logits(values), 1e-5);
    trained.destroy();
  }
  ours.destroy();
});

test('weights of a file are those of a model by name too, which an extractor is made of', async () => {
  const shape = [3, 8, 8] as const;
  const layer = resnet20({ classes: 3, shape });
  const file = await exportOnnx({ model: layer, shape, weights: generatedWeights(layer, shape), classes: ['a', 'b', 'c'] });
  const extractor = await FeatureExtractor.open(device, file, { model: 'resnet20' });
  assert.is(extractor.size, 64);
  extractor.destroy();
  assert.match(await refusal(() => FeatureExtractor.open(device, file)), 'model: nothing of it depends on the number of classes, so that');
});

test('what is no ONNX file, or a part of one, is refused in one line', async () => {
  const home = await folder();
  const predictor = await Predictor.create(options);
  const whole = await predictor.onnx();
  predictor.destroy();
  const open = async (name: string, content: Uint8Array | string) => {
    await writeFile(join(home, name), content);
    return (await refusal(() => openOnnx(join(home, name)))).replace(home, '');
  };
  assert.is(await open('cut.onnx', whole.subarray(0, 400)), '/cut.onnx: is no ONNX file, or a damaged one; fetch or write it again');
  assert.is(await open('page.onnx', '<!doctype html>'), '/page.onnx: is no ONNX file, or a damaged one; fetch or write it again');
  assert.is(
    (await refusal(() => Predictor.open(device, join(home, 'page.onnx')))).replace(home, ''),
    '/page.onnx: is no ONNX file, or a damaged one; fetch or write it again',
  );
  assert.match(await refusal(() => openOnnx(join(home, 'none.onnx'))), 'cannot be read, there is no such file or folder');
  assert.match(await refusal(() => openOnnx(new Uint8Array())), 'weights: is no ONNX file with a graph in it');
  assert.is(await refusal(() => openOnnx(3 as never)), 'open: got 3; give the bytes of a safetensors or ONNX file, a File, or where it is');
  assert.match(await refusal(() => exportOnnx({ model, shape: SHAPE, weights: {} })), /^weights: tensor 'conv1.weight' .*is missing/);
  assert.match(await refusal(() => exportOnnx({ model: resnet20 as never, shape: SHAPE, weights: {} })), /^model: /);
  assert.is(
    await refusal(() => exportOnnx({ model, shape: SHAPE } as never)),
    'weights: it is undefined; give tensors, as await net.weights()',
  );
  const listed = { ...options.weights, 'fc.bias': { shape: [2], data: [0.5, 1] } } as never;
  assert.is(
    await refusal(() => exportOnnx({ model, shape: SHAPE, weights: listed })),
    'weights: the data of fc.bias are of the class Array; give a Float32Array',
  );
  assert.is(
    await refusal(() => exportOnnx({ model, shape: SHAPE, weights: {}, classes: 2 as never })),
    'classes: it is 2; give an array of names',
  );
  assert.match(await refusal(() => exportOnnx({ model, shape: [0], weights: {} })), /^shape: it is \[0\]; give that of one input, as/);
});

test.run();
