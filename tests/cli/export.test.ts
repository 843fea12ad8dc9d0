/** `descent export`: what other programs then make of the net. */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exportNet } from '../../cli/export/export.ts';
import { openWeights } from '../../cli/onnx-file.ts';
import { predict } from '../../cli/run/predict.ts';
import { parseConfig } from '../../train/config/config.ts';
import { openModel } from '../../models/index.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { close } from '../support/check.ts';
import { generatedWeights, runOnnx } from '../support/onnx.ts';
import { called } from '../support/process/called.ts';
import { words } from '../support/process/command.ts';
import { printed } from '../support/process/printed.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('export');
const folder = scratchFolders(test);
const SHAPE = [3, 12, 12] as const;
const CLASSES = ['cat', 'dog', 'hen'];

/** A file of a small net that was trained on coloured images. */
async function saved(): Promise<string> {
  const file = join(await folder(), 'net.safetensors');
  const weights = generatedWeights(openModel({ name: 'mlp', options: { hidden: [8] } }, { classes: 3, shape: SHAPE }), SHAPE);
  const moments = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
  const metadata = { model: 'mlp:hidden=8', dataset: './photos', normalize: 'meanstd' };
  const texts = { shape: JSON.stringify(SHAPE), classes: JSON.stringify(CLASSES), moments: JSON.stringify(moments) };
  await writeFile(file, encodeSafetensors(weights, { ...metadata, ...texts }));
  return file;
}

test('the ONNX file of a net says of a picture what predict says', async () => {
  const file = await saved();
  const said = await printed(() => exportNet(file, { to: 'onnx', softmax: true }));
  const out = file.replace('.safetensors', '.onnx');
  assert.match(said, `${out}: mlp:hidden=8 as ONNX, image [batch, 3, 12, 12] of pixels from 0 to 1 -> logits [batch, 3], `);
  const pixels = Uint8Array.from({ length: 432 }, (_, i) => (i * 37) % 256);
  const picture = file.replace('net.safetensors', 'a.png');
  await sharp(pixels, { raw: { width: 12, height: 12, channels: 3 } }).toFile(picture);
  const [, row] = (await printed(() => predict(file, [picture], { top: '1', csv: true }))).split('\n');
  const planes = Float32Array.from(pixels, (_, i) => pixels[(i % 144) * 3 + Math.floor(i / 144)]! / 255);
  const { probabilities } = await runOnnx(await readFile(out), planes, [1, ...SHAPE]);
  close('probabilities', probabilities!.data, row!.split(',').slice(3).map(Number), 1e-4);
});

test('an ONNX file predicts by itself, and gives its weights to the model that it is of', async () => {
  const file = await saved();
  await printed(() => exportNet(file, { to: 'onnx' }));
  const net = file.replace('.safetensors', '.onnx');
  const picture = file.replace('net.safetensors', 'a.png');
  await sharp(Buffer.alloc(432, 90), { raw: { width: 12, height: 12, channels: 3 } }).toFile(picture);
  const said = async (path: string) => {
    const text = await printed(() => predict(path, [picture], { top: '1', csv: true }));
    return text.split(',').slice(-3).map(Number);
  };
  const own = await said(file);
  close('probabilities', await said(net), own, 1e-5);
  const { of: weights } = await openWeights(net, undefined);
  const model = openModel({ name: 'mlp', options: { hidden: [8] } }, { classes: 3, shape: SHAPE });
  assert.equal(weights(model, SHAPE), generatedWeights(model, SHAPE));
  const other = openModel({ name: 'mlp', options: { hidden: [9] } }, { classes: 3, shape: SHAPE });
  assert.match(await refusal(() => weights(other, SHAPE)), `${net}: is another net than the model, whose fc2.weight is [3, 9], not [3, 8]`);
});

test('a run for TensorBoard: a folder for each part', async () => {
  const run = join(await folder(), 'run');
  await mkdir(run);
  const weights = await saved();
  await copyFile(weights, join(run, 'model.safetensors'));
  await writeFile(join(run, 'config.json'), JSON.stringify({ ...parseConfig('mlp:hidden=8', {}), facts: {} }));
  const line = { step: 4, epoch: 0.5, loss: 1.5, accuracy: 0.5, lr: 0.1, images_per_s: 10 };
  await writeFile(join(run, 'metrics.jsonl'), `${JSON.stringify(line)}\n${JSON.stringify({ split: 'val', ...line })}\n{"cut`);
  const said = await printed(() => exportNet(run, { to: 'tensorboard', trust: true }));
  assert.match(said, `${run}/tensorboard: 2 lines of metrics; see them with tensorboard --logdir`);
  assert.equal((await readdir(join(run, 'tensorboard'))).sort(), ['train', 'val']);
  const [events] = await readdir(join(run, 'tensorboard', 'train'));
  assert.match(events!, /^events\.out\.tfevents\.\d+\./);
  const file = await readFile(join(run, 'tensorboard', 'train', events!));
  const png = file.subarray(file.indexOf('\x89PNG', 0, 'latin1'));
  const { width, height } = await sharp(png).metadata();
  assert.ok(file.includes('filters/fc1.weight') && width! > 0 && height! > 0, 'the first layer is pictured');
  assert.match(
    await refusal(() => exportNet(weights, { to: 'tensorboard' })),
    'is not the folder of a run; give one: its metrics are what',
  );
});

test('formats, and files that cannot be written, are named', async () => {
  const file = await saved();
  assert.match(
    await refusal(() => exportNet(file, { to: 'onxx' })),
    "--to: 'onxx' is not known; did you mean 'onnx'? give one of onnx, timm, tensorboard, webpage",
  );
  assert.match(
    await refusal(() => exportNet(file, { to: 'webpage', softmax: true })),
    /^--softmax: is for --to onnx, not for --to webpage; leave it out$/,
  );
  assert.match(
    await refusal(() => exportNet(file, { to: 'onnx', out: '/nowhere/x.onnx' })),
    '/nowhere/x.onnx: cannot be written, there is no such file or folder; choose another place',
  );
});

test('the ONNX file of a net of a table takes values, predicts and is evaluated on a table; a page of pictures is refused', async () => {
  const root = await folder();
  const said = async (line: string) => {
    const { out, refusal } = await called(words(line), root);
    return refusal || out.trimEnd();
  };
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${i % 5},${i % 7 > 3 ? 'high' : 'low'}`);
  await writeFile(join(root, 't.csv'), ['a,b,kind', ...rows].join('\n'));
  await said('train mlp:hidden=4 --dataset t.csv --target kind --epochs 2 --batch-size 16 --quiet --out run');
  assert.match(
    await said('export run --to onnx --out net.onnx'),
    /^net.onnx: mlp:hidden=4 as ONNX, image \[batch, 2, 1, 1\] of values -> /,
  );
  assert.match(await said('export run --to onnx --normalized-input --out bare.onnx'), / of normalised values -> /);
  assert.is(
    await said('export run --to webpage'),
    'run: takes numbers, and --to webpage is of pictures; use it by descent predict, or export it --to onnx',
  );
  const [own, test] = [await said('predict run 5,1 --csv'), await said('eval run --quiet')];
  assert.match(own, /^a,b,high,low\n5,1,0\./);
  for (const net of ['net.onnx', 'bare.onnx']) {
    assert.is(await said(`predict ${net} 5,1 --csv`), own);
    assert.is(await said(`eval ${net} --dataset t.csv --target kind --quiet`), test);
  }
});

test.run();
