/** `descent predict` and `descent eval` with a report or an ensemble on saved weights, against the trainer that they were saved from. */
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateAll } from '../../cli/run/ensemble.ts';
import { predict } from '../../cli/run/predict.ts';
import { writeReport } from '../../cli/run/report.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import { combine } from '../../train/run/swag.ts';
import { close, deviceFor } from '../support/check.ts';
import { called } from '../support/process/called.ts';
import { fit } from '../../node.ts';
import { decodeSafetensors } from '../../train/run/read-safetensors.ts';
import { words } from '../support/process/command.ts';
import { printed } from '../support/process/printed.ts';
import { refusal } from '../support/refusal.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('predict');
const folder = scratchFolders(test);
const IMAGES = 5;

const linesOf = async (run: () => Promise<void>): Promise<string[]> => (await printed(run)).trimEnd().split('\n');

/** Weights of a small net after a few steps, and its probabilities of the first test images. */
async function saved(file: string, normalize: string, seed: string) {
  const config = parseConfig('mlp:hidden=16', {
    dataset: 'fashion-mnist',
    normalize,
    seed,
    batchSize: '20',
    lr: '0.05',
    optimizer: 'momentum',
    valSplit: '0',
  });
  const dataset = await openDataset('fashion-mnist', { limitTrain: 100, limitTest: IMAGES, quiet: true });
  const { trainer, metadata } = await openTrainer(recipeOf(config), dataset, await deviceFor());
  try {
    for (let step = 0; step < 5; step++) await trainer.step();
    await writeFile(file, encodeSafetensors(await trainer.weights(), metadata));
    return {
      probabilities: softmaxRows(await trainer.logits('test'), 10),
      labels: [...dataset.test.labels],
      images: dataset.test.images,
      classes: dataset.classes,
    };
  } finally {
    trainer.destroy();
  }
}

for (const normalize of ['meanstd', 'meanstd:mean=0.3,std=0.25', 'pca', 'zca']) {
  test(`a file of weights is enough to predict by, images normalised by ${normalize}`, async () => {
    const root = await folder();
    const file = join(root, 'net.safetensors');
    const { probabilities, images, classes } = await saved(file, normalize, '1');
    const paths: string[] = [];
    for (let i = 0; i < IMAGES; i++) {
      paths.push(join(root, `${i}.png`));
      await sharp(Buffer.from(images.slice(i * 784, (i + 1) * 784)), { raw: { width: 28, height: 28, channels: 1 } })
        .toColourspace('b-w')
        .toFile(paths[i]!);
    }
    const lines = await linesOf(() => predict(file, paths, { top: '10', json: true }));
    assert.is(lines.length, IMAGES);
    lines.forEach((line, i) => {
      const { image, predictions } = JSON.parse(line) as { image: string; predictions: { class: string; probability: number }[] };
      assert.is(image, paths[i]);
      close(
        `image ${i}`,
        classes.map(name => predictions.find(p => p.class === name)!.probability),
        probabilities.subarray(i * 10, (i + 1) * 10),
        1e-5,
      );
    });
  });
}

test('a file that a program saved says what is needed to predict by it, whatever it was trained on, as safetensors and as ONNX', async () => {
  const root = await folder();
  const images = Array.from({ length: 20 }, (_, i) => new Uint8Array(16).fill(i % 2 ? 200 : 20));
  const run = fit(
    'mlp:hidden=4',
    { images, labels: images.map((_, i) => (i % 2 ? 'light' : 'dark')), shape: [1, 4, 4] },
    { epochs: 8, lr: 0.05, batchSize: 4 },
  );
  const model = await run.model;
  const raw = { width: 4, height: 4, channels: 1 } as const;
  const picture = join(root, 'light.png');
  await sharp(images[1]!, { raw }).toColourspace('b-w').toFile(picture);
  const { tensors, metadata } = decodeSafetensors(await model.bytes());
  assert.is(metadata.dataset, 'samples');
  const { dataset: _, ...without } = metadata;
  const files = {
    'net.safetensors': await model.bytes(),
    'net.onnx': await model.onnx(),
    'bare.safetensors': encodeSafetensors(tensors, without),
  };
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(root, name), bytes);
    const { out, refusal: said } = await called(words(`predict ${name} light.png --top 1`), root);
    assert.match(out, /^light\.png: light \d/, said);
    assert.match(
      (await called(words(`eval ${name}`), root)).refusal,
      `${name}: was trained on 'samples', which is not here; give the data with --dataset`,
    );
  }
  model.destroy();
});

test('folders are predicted file by file, as comma-separated values too', async () => {
  const root = await folder();
  const file = join(root, 'net.safetensors');
  const { probabilities, images, classes } = await saved(file, 'meanstd', '1');
  await mkdir(join(root, 'photos', 'deep, "down"'), { recursive: true });
  const names = ['b.png', 'deep, "down"/a.png', 'z.png'];
  for (const [i, name] of names.entries()) {
    const raw = { width: 28, height: 28, channels: 1 } as const;
    await sharp(Buffer.from(images.slice(i * 784, (i + 1) * 784)), { raw })
      .toColourspace('b-w')
      .toFile(join(root, 'photos', name));
  }
  await writeFile(join(root, 'photos', 'notes.txt'), 'no image');
  const photos = join(root, 'photos');
  const lines = await linesOf(() => predict(file, [photos], { top: '1', csv: true }));
  assert.is(lines[0], `image,answer,probability,${classes.join(',')}`);
  assert.is(lines.length, 4);
  assert.ok(lines[2]!.startsWith(`"${photos}/deep, ""down""/a.png",`), lines[2]);
  names.forEach((_, i) => {
    const cells = lines[i + 1]!.replace(/^".*",/, '').split(',');
    close(`row ${i}`, cells.slice(-10).map(Number), probabilities.subarray(i * 10, (i + 1) * 10), 1e-5);
  });
  await mkdir(join(root, 'links'));
  await symlink(join(photos, 'deep, "down"'), join(root, 'links', 'here'));
  assert.match((await linesOf(() => predict(file, [join(root, 'links')], { top: '1', quiet: true })))[0]!, /^\S/, 'linked folders too');
  await symlink(root, join(root, 'links', 'round'));
  assert.match(
    await refusal(() => predict(file, [join(root, 'links')], { top: '1' })),
    /links: \S+ leads to a folder that is read already; remove the link/,
  );
  const broken = join(root, 'broken.png');
  await writeFile(broken, Buffer.concat([(await readFile(join(photos, 'b.png'))).subarray(0, 8), Buffer.alloc(30)]));
  assert.match(
    await refusal(() => predict(file, [broken], { top: '1' })),
    /broken.png: cannot be read as an image \(Input file has corrupt header\); give a PNG/,
  );
  assert.match(
    await refusal(() => predict(file, [photos], { top: '1', csv: true, json: true })),
    /--csv and --json are two forms of one answer; give one/,
  );
  await mkdir(join(root, 'empty'));
  assert.match(
    await refusal(() => predict(file, [join(root, 'empty')], { top: '1' })),
    /empty: there is no PNG, JPEG, WebP, GIF, AVIF or TIFF image in this folder; give one/,
  );
});

test('a report says per class what eval says in all, with pictures, and predictions go to a file', async () => {
  const root = await folder();
  const file = join(root, 'net.safetensors');
  const { probabilities, labels, classes } = await saved(file, 'meanstd', '1');
  const predictions = join(root, 'test.csv');
  const options = { split: 'test', limitTest: String(IMAGES), json: true, report: true, predictions };
  const [plain, whole] = (await linesOf(() => evaluateAll([file], options))).map(line => JSON.parse(line));
  close('loss', [whole.loss, whole.accuracy], [plain.loss, plain.accuracy], 1e-5);
  assert.is(whole.report, join(root, 'net-report'));
  const pictures = ['report.svg', 'report.png', 'mistakes.png'].map(name => join(whole.report, name));
  assert.equal(whole.pictures, pictures);
  assert.equal((await readdir(whole.report)).sort(), ['mistakes.png', 'report.json', 'report.png', 'report.svg']);
  assert.is(
    JSON.parse(await readFile(join(whole.report, 'report.json'), 'utf8'))
      .confusion.flat()
      .reduce((a: number, b: number) => a + b),
    IMAGES,
  );
  const rows = (await readFile(predictions, 'utf8')).trimEnd().split('\n').slice(1);
  assert.is(rows.length, IMAGES);
  for (const [i, row] of rows.entries()) {
    const cells = row.split(',');
    assert.equal(cells.slice(0, 2), [String(i), classes[labels[i]!]]);
    close(`row ${i}`, cells.slice(4).map(Number), probabilities.subarray(i * 10, (i + 1) * 10), 1e-5);
  }
  const told = await printed(() => evaluateAll([file], { ...options, json: false, out: join(root, 'elsewhere') }));
  assert.match(told, /top-5 accuracy .* balanced accuracy .* expected calibration error/);
  assert.match(told, /class +precision +recall +F1 +images\n/);
  assert.match(told, /label \\ answer +0 +1/);
  assert.match(
    await refusal(() => evaluateAll([file], { ...options, report: false, out: 'x' })),
    '--out: names the folder of a report; give --report too',
  );
  assert.match(
    await refusal(() => evaluateAll([file], { ...options, predictions: 'x.txt' })),
    '--predictions: x.txt is no .csv file; let it end in .csv',
  );
});

test('a report of over 1,000 classes has the confusions that there are, since the table of all would be too long for a file', async () => {
  const root = await folder();
  const k = 1001;
  const classes = Array.from({ length: k }, (_, i) => `c${i}`);
  const labels = Uint16Array.of(0, 7, 1000, 1000);
  const logits = new Float32Array(4 * k);
  for (const [i, answer] of [0, 1000, 3, 3].entries()) logits[i * k + answer] = 5;
  const split = { images: new Float32Array(8), labels, n: 4 };
  const part = { part: 'test', source: 'test', n: 4, labels, from: split, indices: Uint32Array.of(0, 1, 2, 3) } as const;
  const dataset: Dataset = { name: 'many', shape: [2, 1, 1], dtype: 'float32', classes, train: split, test: split };
  await writeReport('net.safetensors', {}, { part, dataset, logits }, { out: root, quiet: true });
  const { confusion, confusions } = JSON.parse(await readFile(join(root, 'report.json'), 'utf8'));
  assert.is(confusion, undefined);
  assert.equal(confusions, [
    { label: 0, answer: 0, images: 1 },
    { label: 7, answer: 1000, images: 1 },
    { label: 1000, answer: 3, images: 2 },
  ]);
});

test('a net trained on points in the plane says the class of a point by its coordinates, and of those in a table', async () => {
  const root = await folder();
  const said = async (line: string) => {
    const { out, refusal } = await called(words(line), root);
    return refusal || out.trimEnd();
  };
  await said('train mlp:hidden=8 --dataset gauss --limit-train 200 --epochs 3 --lr 0.05 --quiet --out run');
  assert.match(await said('predict run -2,-2.5 2,2.5'), /^x1 -2, x2 -2.5: orange 9\d\.\d%\nx1 2, x2 2.5: blue 9\d\.\d%$/);
  await writeFile(join(root, 'points.csv'), 'x,y\n2,2\n-2,-2\n');
  assert.is(await said('predict run points.csv --quiet'), 'blue\norange');
  assert.is(await said('predict run 7,1'), 'predict: 7 lies outside the plane; give coordinates from -6 to 6');
  assert.is(await said('predict run -1,2,3'), "predict: '-1,2,3' has 3 values, the model takes 2; give rows as 0,0.5, or a .csv file");
});

test('a file is called as it is, also where its name looks like a row of numbers', async () => {
  const root = await folder();
  await saved(join(root, 'net.safetensors'), 'none', '1');
  const raw = { width: 28, height: 28, channels: 1 } as const;
  await sharp(Buffer.alloc(784, 90), { raw }).toFile(join(root, '-1,2.png'));
  for (const line of ['predict net.safetensors -1,2.png', 'predict net.safetensors -- -1,2.png']) {
    const { out, refusal } = await called(words(line), root);
    assert.is(refusal, '');
    assert.match(out, /^-1,2\.png: /);
  }
  assert.is((await called(words('predict net.safetensors -1,3'), root)).refusal, '-1,3: there is no such file; give an image file');
});

test('a folder of images names the classes, sizes and moments of a file that does not', async () => {
  const root = await folder();
  const photos = join(root, 'photos');
  for (const [i, name] of ['ant', 'bee', 'cat'].entries()) {
    await mkdir(join(photos, name), { recursive: true });
    for (let k = 0; k < 4; k++) {
      const background = { r: 80 * i, g: 60 * k, b: 200 - 40 * i };
      await sharp({ create: { width: 24, height: 20, channels: 3, background } })
        .png()
        .toFile(join(photos, name, `${k}.png`));
    }
  }
  const dataset = await openDataset(photos, { imageSize: 16, dataDir: root, quiet: true });
  const config = parseConfig('mlp:hidden=8', { dataset: photos, valSplit: '0', batchSize: '4' });
  const { trainer, metadata } = await openTrainer(recipeOf(config), dataset, await deviceFor());
  const weights = await trainer.weights();
  trainer.destroy();
  const [bare, sized] = ['bare', 'sized'].map(name => join(root, `${name}.safetensors`));
  await writeFile(bare!, encodeSafetensors(weights));
  await writeFile(sized!, encodeSafetensors(weights, { shape: metadata.shape! }));
  const images = [join(photos, 'ant/0.png'), join(photos, 'cat/3.png')];
  const given = { top: '3', json: true, quiet: true, model: 'mlp:hidden=8', dataset: photos, dataDir: root };
  const meanstd = { ...given, normalize: 'meanstd' };
  const whole = await linesOf(() => predict(sized!, images, meanstd));
  assert.equal(await linesOf(() => predict(bare!, images, { ...meanstd, imageSize: '16' })), whole);
  const { predictions } = JSON.parse(whole[0]!) as { predictions: { class: string }[] };
  assert.equal(predictions.map(p => p.class).sort(), ['ant', 'bee', 'cat']);
  assert.match(
    await refusal(() => predict(bare!, images, { ...meanstd, imageSize: 'x' })),
    /^--image-size: 'x' is no size; give pixels from 1 to 1024, as 64, or height x width/,
  );
  assert.match(await refusal(() => predict(bare!, images, { ...meanstd, dataset: './nowhere' })), /^dataset: \.\/nowhere is not there; /);
});

test('a file that another program wrote, under a prefix of its own, is taken as --init takes it', async () => {
  const root = await folder();
  const file = join(root, 'net.safetensors');
  await saved(file, 'none', '1');
  const { tensors } = readSafetensors(file);
  const wrapped = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`module.${name}`, tensor]));
  await writeFile(join(root, 'theirs.safetensors'), encodeSafetensors(wrapped));
  const given = words('--model mlp:hidden=16 --dataset fashion-mnist --normalize none --quiet');
  const ask = (...args: string[]) => called([...args, ...given], root);
  const evalOf = (name: string) => ask('eval', name, '--limit-test', String(IMAGES));
  const theirs = await evalOf('theirs.safetensors');
  assert.match(theirs.out, /^test loss/, theirs.refusal);
  assert.equal(theirs, await called(['eval', 'net.safetensors', '--quiet', '--limit-test', String(IMAGES)], root));
  assert.is((await ask('export', 'theirs.safetensors', '--to', 'onnx')).refusal, '');
  assert.equal((await called(['eval', 'theirs.onnx', '--quiet', '--limit-test', String(IMAGES)], root)).out, theirs.out);
  await writeFile(
    join(root, 'theirs.safetensors'),
    encodeSafetensors({ ...wrapped, 'module.more': { shape: [1], data: new Float32Array(1) } }),
  );
  assert.match((await evalOf('theirs.safetensors')).refusal, /^theirs\.safetensors: tensor 'more' is not in this model; which has /);
});

test('an ensemble predicts the mean of its members', async () => {
  const root = await folder();
  const files = [join(root, 'a.safetensors'), join(root, 'b.safetensors')];
  const a = await saved(files[0]!, 'meanstd', '1');
  const b = await saved(files[1]!, 'zca', '2');
  const { mean } = combine([a.probabilities, b.probabilities]);
  const options = { split: 'test', limitTest: String(IMAGES), json: true, quiet: true };
  const lines = await linesOf(() => evaluateAll(files, { ...options, ensemble: true }));
  const rows = lines.map(line => JSON.parse(line) as { name: string; loss: number; accuracy: number });
  assert.equal(
    rows.map(r => r.name),
    [...files, 'ensemble of 2'],
  );
  [a.probabilities, b.probabilities, mean].forEach((p, k) => {
    const loss = a.labels.reduce((sum, label, i) => sum - Math.log(p[i * 10 + label]!) / IMAGES, 0);
    const right = a.labels.filter((label, i) => {
      const row = [...p.subarray(i * 10, (i + 1) * 10)];
      return row.indexOf(Math.max(...row)) === label;
    }).length;
    close(`loss of ${rows[k]!.name}`, [rows[k]!.loss], [loss], 1e-5);
    assert.is(rows[k]!.accuracy, right / IMAGES);
  });
  assert.match(await refusal(() => evaluateAll(files, options)), /eval: 2 checkpoints are named; give one, or --ensemble/);
  assert.match(
    await refusal(() => evaluateAll([files[0]!], { ...options, ensemble: true })),
    /eval: --ensemble needs several checkpoints; name at least two/,
  );
});

test.run();
