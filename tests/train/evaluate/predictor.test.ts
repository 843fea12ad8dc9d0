/** A predictor answers as evaluations do, whoever asks, however many at a time. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../../engine/graph.ts';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { maxPool } from '../../../layers/pool.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { rules } from '../../../optim/index.ts';
import { openData } from '../../../train/data/data.ts';
import type { Normalize } from '../../../train/data/statistics.ts';
import { Inference } from '../../../train/evaluate/inference.ts';
import type { EvaluationOptions } from '../../../train/evaluate/evaluation-options.ts';
import { Predictor, type PredictOptions, type PredictorOptions } from '../../../train/evaluate/predictor.ts';
import type { LoadOptions } from '../../../train/evaluate/match.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { softmaxRows } from '../../../train/study/probabilities.ts';
import { close, deviceFor } from '../../support/check.ts';
import { pictureBytes, type PictureOptions } from '../../../datasets/pictures.ts';
import { useHost } from '../../../datasets/host.ts';
import { nodeHost } from '../../../datasets/node/host.ts';
import { usePlatform } from '../../../engine/platform.ts';
import { nodePlatform } from '../../../train/run/node/platform.ts';
import { encodeSafetensors } from '../../../train/run/safetensors.ts';
import { scratchFolders } from '../../support/process/scratch.ts';
import { buffersOf } from '../../support/buffers-of.ts';
import { refusal } from '../../support/refusal.ts';
import { tinyImages } from '../../support/tiny-images.ts';
import { exportOnnx } from '../../../train/onnx/open.ts';
import { generatedWeights } from '../../support/onnx.ts';

const test = suite('predictor');
const folder = scratchFolders(test);
const N = 100;
const dataset = tinyImages(N);
const { shape, classes, test: images } = dataset;
const SIZE = 144;
const model: Layer = sequential({ conv1: conv2d(4, 3), bn1: batchNorm(), act1: relu(), pool1: maxPool(2), fc: dense(3) });

/** A net after a few steps: its weights and moments, and the logits of the test images by evaluation in batches of `n`. */
async function trained(normalize: Normalize, seed = 3) {
  const device = await deviceFor();
  const data = await openData(dataset, { normalize });
  const trainer = await Trainer.create({ device, data, model, batchSize: 10, optimizer: optimizer(rules.adam!), seed });
  for (let i = 0; i < 12; i++) await trainer.step();
  const weights = await trainer.weights();
  trainer.destroy();
  const evaluated = async (n: number) => {
    const inference = new Inference({ device, model, data, batchSize: n }, weights);
    const logits = await inference.logits('test');
    inference.destroy();
    return logits;
  };
  const { moments } = normalize === 'none' ? { moments: undefined } : data.normalisation;
  const options: PredictorOptions = { device, model: () => model, shape, classes, weights, normalize, moments };
  return { options, evaluated };
}
const { options, evaluated } = await trained('meanstd');
const image = (i: number) => images.images.slice(i * SIZE, (i + 1) * SIZE) as Uint8Array;

for (const normalize of ['none', 'meanstd', 'meanimage', 'zca'] as const) {
  test(`answers as an evaluation does, to the bit, images normalised by ${normalize}`, async () => {
    const { options, evaluated } = await trained(normalize);
    const predictor = await Predictor.create(options);
    const many = await predictor.logits(images.images.subarray(0, 64 * SIZE));
    assert.equal(many, (await evaluated(64)).subarray(0, 64 * 3));
    assert.equal(await predictor.logits(image(70)), (await evaluated(1)).subarray(70 * 3, 71 * 3));
    close('of all sizes', await predictor.logits(images.images), await evaluated(64), 1e-5);
    predictor.destroy();
  });
}

test('a thousand calls at once get their own answers', async () => {
  const predictor = await Predictor.create(options);
  const logits = await evaluated(1);
  const asked = Array.from({ length: 1000 }, (_, call) => ({ from: (call * 37) % N, n: 1 + (call % 3 === 0 ? call % 7 : 0) }));
  const answers = await Promise.all(
    asked.map(({ from, n }) => predictor.logits(images.images.subarray(from * SIZE, Math.min(N, from + n) * SIZE))),
  );
  for (const [call, { from, n }] of asked.entries()) {
    close(`call ${call}`, answers[call]!, logits.subarray(from * 3, Math.min(N, from + n) * 3), 1e-5);
  }
  predictor.destroy();
});

test('gives the likeliest classes by name, of one image or of several, whatever they are held in', async () => {
  const predictor = await Predictor.create(options);
  const p = softmaxRows(await evaluated(1), 3);
  const one = await predictor.predict(image(4));
  assert.equal(
    one.map(a => a.probability),
    [...p.subarray(12, 15)].sort((a, b) => b - a),
  );
  for (const { label, index, probability } of one) assert.equal([label, probability], [classes[index], p[12 + index]]);
  assert.equal(await predictor.predict([...image(4)], { top: 1 }), one.slice(0, 1));
  assert.equal(await predictor.predict(new Uint8ClampedArray(image(4))), one);
  const three = await predictor.predict([image(4), image(5), image(6)], { top: 1 });
  assert.equal(
    three.map(answers => answers.map(a => a.label)),
    [4, 5, 6].map(i => [classes[p.subarray(i * 3, i * 3 + 3).indexOf(Math.max(...p.subarray(i * 3, i * 3 + 3)))]]),
  );
  assert.equal(await predictor.predict([]), []);
  predictor.destroy();
});

test('takes pictures, which are cropped about the middle and made of its channels', async () => {
  usePlatform(nodePlatform);
  useHost(nodeHost);
  const predictor = await Predictor.create(options);
  const rgba = Uint8ClampedArray.from({ length: 4 * SIZE }, (_, at) => (at % 4 === 3 ? 255 : image(7)[at >> 2]!));
  const picture = { data: rgba, width: 12, height: 12 };
  const wanted = await predictor.predict(image(7));
  assert.equal(await predictor.predict(picture), wanted);
  assert.equal(await predictor.predict([picture, image(8)]), [wanted, await predictor.predict(image(8))]);
  assert.equal(await predictor.predict(picture, { invert: true }), await predictor.predict(image(7).map(v => 255 - v)));
  assert.match(await refusal(() => predictor.predict(['nowhere.png'])), /nowhere\.png/);
  assert.is(
    await refusal(() => pictureBytes(picture, shape, { inverted: true } as PictureOptions)),
    "unknown option of pictureBytes 'inverted'; did you mean 'invert'? known: invert, resize, who",
  );
  predictor.destroy();
});

test('an image may be written to as soon as it is asked for', async () => {
  const predictor = await Predictor.create(options);
  const frame = image(1);
  const first = predictor.predict(frame);
  frame.set(image(2));
  assert.equal(await first, await predictor.predict(image(1)));
  predictor.destroy();
});

test('more images than the device has room for at once are answered in smaller parts', async () => {
  const device = options.device.withProfile({ maxBinding: 16_000 }); // 64 images after the convolution take 102,400 bytes
  const predictor = await Predictor.create({ ...options, device });
  close('logits', await predictor.logits(images.images), await evaluated(1), 1e-5);
  predictor.destroy();
});

test('weights are swapped between two calls, without compiling', async () => {
  const other = (await trained('meanstd', 4)).options;
  const [predictor, wanted] = [await Predictor.create(options), await Predictor.create(other)];
  const { gpu } = options.device;
  const before = predictor.predict(image(3));
  const create = gpu.createComputePipelineAsync;
  await before;
  gpu.createComputePipelineAsync = () => Promise.reject(new Error('it compiles'));
  const [old, swapped, fresh] = [predictor.predict(image(3)), predictor.swap(other.weights), predictor.predict(image(3))];
  assert.equal(await old, await before);
  await swapped;
  gpu.createComputePipelineAsync = create;
  assert.equal(await fresh, await wanted.predict(image(3)));
  assert.match(await refusal(() => predictor.swap({})), /tensor 'conv1\.weight' .* is missing/);
  for (const made of [predictor, wanted]) made.destroy();
});

test('a call allocates nothing on the device once its size was used', async () => {
  const predictor = await Predictor.create(options);
  const sizes = [1, 3, 16, 64, 100];
  for (const n of sizes) await predictor.logits(images.images.subarray(0, n * SIZE));
  const alive = buffersOf(options.device.gpu);
  for (const n of sizes) await predictor.logits(images.images.subarray(0, n * SIZE));
  assert.is(alive(), 0);
  assert.is(alive.made, 0);
  predictor.destroy();
});

test('answers by the weights of a net in training, between its steps', async () => {
  const { device } = options;
  const data = await openData(dataset, { normalize: 'meanstd' });
  const create = () => Trainer.create({ device, data, model, batchSize: 10, optimizer: optimizer(rules.adam!), seed: 3 });
  const [watched, alone] = [await create(), await create()];
  const predictor = Predictor.over(watched.memory, model, data);
  const asked: Promise<unknown>[] = [];
  for (let i = 0; i < 5; i++) {
    asked.push(watched.step(), predictor.predict(image(i)));
    await alone.step();
  }
  await Promise.all(asked);
  assert.equal(await watched.weights(), await alone.weights());
  assert.equal(await predictor.logits(images.images.subarray(0, 10 * SIZE)), await watched.logits('test', 10));
  for (const made of [predictor, watched, alone]) made.destroy();
});

test('a file of it is enough to make it again, under Node by its path too', async () => {
  const predictor = await Predictor.create({ ...options, dataset: 'tiny' });
  const wanted = await predictor.predict(image(9));
  const path = join(await folder(), 'net.safetensors');
  usePlatform(nodePlatform);
  await predictor.save(path);
  const { device } = options;
  for (const source of [await predictor.bytes(), path, pathToFileURL(path), new Blob([await predictor.bytes()])]) {
    const again = await Predictor.open(device, source, { model: () => model });
    assert.equal([again.shape, again.classes], [shape, classes]);
    assert.equal(await again.predict(image(9)), wanted);
    again.destroy();
  }
  assert.match(await refusal(() => Predictor.open(device, path)), /does not say which model it is of; give \{ model \}$/);
  assert.match(
    await refusal(() => Predictor.open(device, 'nowhere.safetensors')),
    /^nowhere\.safetensors: cannot be read, there is no such file/,
  );
  assert.match(await refusal(() => Predictor.open(device, 'indexeddb://net')), /^indexeddb:\/\/net: there is no IndexedDB here; /);
  assert.match(await refusal(() => Predictor.open(device, new Uint8Array(9).fill(0x80))), /^weights: is a file of torch\.save/);
  const bare = encodeSafetensors(options.weights, { model: './mine.ts', shape: '[1,12,12]' });
  assert.match(await refusal(() => Predictor.open(device, bare)), /^weights: is of the model in \.\/mine\.ts, whose code runs only/);
  const given = { model: () => model, classes, normalize: options.normalize, moments: options.moments };
  const known = await Predictor.open(device, bare, given);
  assert.equal(await known.predict(image(9)), wanted);
  for (const made of [predictor, known]) made.destroy();
});

test('calls after destroy are refused, and those that wait', async () => {
  const predictor = await Predictor.create(options);
  await predictor.predict(image(0));
  const waiting = [predictor.predict(image(0)), predictor.predict(image(1))];
  predictor.destroy();
  for (const call of [...waiting, predictor.predict(image(0)), predictor.swap(options.weights)]) {
    assert.is(await refusal(() => call), 'the model was destroyed; create it again');
  }
});

test('predictors made and destroyed leave nothing on the device', async () => {
  const alive = buffersOf(options.device.gpu);
  for (let i = 0; i < 300; i++) {
    const predictor = await Predictor.create(options);
    if (i % 10 === 0) await predictor.predict(image(i % N));
    predictor.destroy();
  }
  assert.ok(alive.made > 300);
  assert.is(alive(), 0);
});

test('what is no image of its kind, or no fitting option, is named', async () => {
  const predictor = await Predictor.create(options);
  const said = (given: unknown, o?: unknown) => refusal(() => predictor.predict(given as Uint8Array, o as PredictOptions));
  assert.is(await said(new Uint8Array(145)), 'the image: got 145 values, expected those of [1, 12, 12]; which has 144');
  assert.match(await said([image(0), new Uint8Array(7)]), /^image 1: got 7 values/);
  assert.match(await said(new Float32Array(144)), /^the image: got of the class Float32Array; give bytes from 0 to 255/);
  // Their values are no bytes, and would be taken modulo 256.
  for (const wide of [new Uint16Array(144).fill(300), new Int8Array(144).fill(-1), new Float64Array(144).fill(0.5)]) {
    assert.is(await said(wide), `the image: got of the class ${wide.constructor.name}; give bytes from 0 to 255, as Uint8Array`);
  }
  assert.match(
    await refusal(() => predictor.logits(new DataView(new ArrayBuffer(144)) as unknown as Uint8Array)),
    /^the images: got of the class DataView; /,
  );
  const floats = await Predictor.create({ ...options, dtype: 'float32' });
  assert.is(floats.dtype, 'float32');
  for (const none of [new BigInt64Array(144), new DataView(new ArrayBuffer(144))]) {
    assert.is(
      await refusal(() => floats.logits(none as unknown as Float32Array)),
      `the images: got of the class ${none.constructor.name}; give numbers, as Float32Array`,
    );
  }
  assert.is(
    await refusal(() => floats.logits(new Uint8Array(144))),
    'the images: it is bytes, and the model was trained on float32 values; give Float32Array.from(them), on their scale',
  );
  assert.equal(await floats.logits(new Float64Array(144).fill(0.5) as unknown as Float32Array), await floats.logits(Array(144).fill(0.5)));
  floats.destroy();
  assert.match(await said(Array(144).fill(256)), /^the image: value 0 is 256; give whole numbers from 0 to 255$/);
  assert.match(await said(image(0), { top: 0 }), /^top: it is 0; give 1 to 3$/);
  assert.is(await said(image(0), { topp: 1 }), "unknown option of predict 'topp'; did you mean 'top'? known: top, invert");
  assert.is(await said(image(0), null), 'predict: got null; give options as { top, invert }');
  assert.is(
    await refusal(() => predictor.swap(options.weights, { strickt: false } as LoadOptions)),
    "unknown option of loading 'strickt'; did you mean 'strict'? known: strict, skip, rename",
  );
  assert.match(await refusal(() => predictor.logits(new Uint8Array(100))), /got 100 values, expected a multiple/);
  predictor.destroy();
  const wrong = (o: Record<string, unknown>) => refusal(() => Predictor.create({ ...options, ...o } as PredictorOptions));
  assert.match(
    await wrong({ moments: undefined }),
    /^normalize: 'meanstd' goes by moments of the training images, and there are none; give moments: \{ mean, std \}$/,
  );
  assert.match(await wrong({ classes: ['a'] }), /^model: its output is \[1, 3\], expected \[1, 1\] for 1 classes/);
  assert.match(await wrong({ shape: [28, 28] }), /^shape: it is \[28, 28\]; give \[channels, height, width\]$/);
  assert.match(await wrong({ model: model }), /^model: its function fails: .*; give a name/);
  assert.match(await wrong({ model: () => 3 }), /^model: its function returns 3, which is no layer; /);
  assert.match(await wrong({ model: './mine.ts' }), /^model: '\.\/mine\.ts' is a file, /);
  assert.match(await wrong({ moments: { mean: [0, 0], std: [1, 1] } }), /^normalize: 'meanstd' .* these are not of \[1, 12, 12\]; /);
  assert.is(await wrong({ classes: [1, 2, 3] }), 'classes: it is [1, 2, 3]; give the names of the classes in their order');
  assert.is(await wrong({ classes: [] }), 'classes: it is []; give the names of the classes in their order');
  assert.match(await wrong({ batch: 0 }), /^Predictor.create: batch is 0; give a whole number of at least 1$/);
  assert.is(await wrong({ dtype: 'float' }), "dtype: it is 'float'; give uint8 or float32");
  assert.is(await wrong({ resize: -1 }), 'Predictor.create: resize is -1; give a whole number of at least 1');
  assert.match(await wrong({ weights: {} }), /^weights: tensor 'conv1\.weight' .* is missing/);
});

test('data without test images are evaluated on those that there are, and it is said that there are none', async () => {
  const { train } = dataset;
  const data = await openData({ ...dataset, test: { images: new Uint8Array(), labels: new Uint16Array(), n: 0 } }, { valSplit: 0 });
  const inference = new Inference({ device: options.device, model, data, batchSize: 10 }, options.weights);
  assert.is((await inference.logits('train')).length, 3 * train.n);
  assert.is(await refusal(() => inference.evaluate('test')), 'evaluate: there are no test images; give data that have some');
  assert.is(await refusal(() => inference.evaluate('val')), 'evaluate: there are no val images; give a larger valSplit');
  inference.destroy();
});

test('what an evaluation is not made from is named, before anything is on the device', async () => {
  const { device, weights } = options;
  const alive = buffersOf(device.gpu);
  const given = { device, model, data: await openData(dataset), batchSize: 8 };
  const said = (o: unknown) => refusal(() => new Inference(o as EvaluationOptions, weights));
  const { batchSize: _, ...rest } = given;
  assert.match(
    await said({ ...rest, batchsize: 8 }),
    /^unknown option of Inference 'batchsize'; did you mean 'batchSize'\? known: device, /,
  );
  assert.is(await said(rest), 'batchSize: it is undefined; give a whole number from 1 on');
  assert.is(await said({ ...given, data: dataset }), 'data: it is an object of name, shape, classes, train; give await openData(dataset)');
  assert.is(await said({ ...given, device: undefined }), 'device: undefined is none; give what openDevice() returned');
  assert.match(await said(null), /^Inference: got null; give options as \{ device, model, data, batchSize, … \}$/);
  assert.is(alive.made, 0);
});

test("'imagenet' is the moments that torchvision's nets take, in a predictor, its files and an extractor", async () => {
  const device = await deviceFor();
  const rgb = [3, 6, 6] as const;
  const net: Layer = sequential({ conv1: conv2d(4, 3), act1: relu(), pool1: maxPool(4), fc: dense(3) });
  const weights = generatedWeights(net, rgb);
  const common = { device, model: () => net, shape: rgb, classes, weights };
  const moments = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const bytes = Uint8Array.from({ length: 108 }, (_, i) => (i * 41) % 256);
  const spelt = await Predictor.create({ ...common, normalize: 'meanstd', moments });
  const named = await Predictor.create({ ...common, normalize: 'imagenet' });
  const given = { model: () => net, normalize: 'imagenet', shape: rgb, classes } as const;
  const opened = await Predictor.open(device, encodeSafetensors(weights, {}), given);
  const again = await Predictor.open(device, await opened.bytes(), { model: () => net });
  const exported = await Predictor.open(device, await exportOnnx({ model: net, shape: rgb, classes, weights, normalize: 'imagenet' }));
  const want = await spelt.logits(bytes);
  for (const predictor of [named, opened, again]) assert.equal(await predictor.logits(bytes), want);
  close('logits of the ONNX file', await exported.logits(bytes), want, 1e-5);
  for (const predictor of [spelt, named, opened, again, exported]) predictor.destroy();
  assert.match(
    await refusal(() => Predictor.create({ ...common, normalize: 'imagnet' as never })),
    /^normalize: 'imagnet' is not known; give one of none, mean, .*imagenet$/,
  );
});

test.run();
