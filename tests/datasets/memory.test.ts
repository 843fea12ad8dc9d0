/** Data sets of what a program has in its hands. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { imagesOf, UNLABELLED, valuesOf } from '../../datasets/dataset.ts';
import { datasetOf, type Samples } from '../../datasets/memory.ts';
import { pictureBytes } from '../../datasets/pictures.ts';
import { useNode } from '../../train/run/node/platform.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('data from memory');
const folder = mkdtempSync(join(tmpdir(), 'descent-memory-'));
test.before(useNode);
test.after(() => rmSync(folder, { recursive: true }));

/** Six rows of two features, of two classes. */
const rows = [0, 1, 2, 3, 4, 5].map(i => [i, 10 * i]);
const table = { images: rows, labels: [0, 1, 0, 1, 0, 1] };
const said = (samples: unknown) => refusal(() => datasetOf(samples as Samples));

test('rows of numbers, one array of values, arrays of values and samples give one data set', async () => {
  const flat = Float32Array.from(rows.flat());
  async function* samples() {
    for (const [i, image] of rows.entries()) yield { image, label: table.labels[i]! };
  }
  const given: Samples[] = [
    table,
    { ...table, images: flat, shape: [2] },
    { ...table, images: rows.map(row => Float32Array.from(row)), labels: Uint8Array.from(table.labels) },
    { images: samples() },
    { images: new Set(rows), labels: table.labels, classes: ['0', '1'] },
  ];
  for (const one of given) {
    const { train, test: held, shape, classes, dtype } = await datasetOf(one);
    assert.equal([...train.images], [...flat]);
    assert.equal([...train.labels], table.labels);
    assert.equal([shape, classes, dtype, held.n], [[2, 1, 1], ['0', '1'], 'float32', 0]);
  }
});

test('names become classes in alphabetical order, or in the order that is given', async () => {
  const labels = ['dog', 'cat', 'dog', 'cat', 'dog', 'cat'];
  const sorted = await datasetOf({ ...table, labels });
  assert.equal(
    [sorted.classes, [...sorted.train.labels]],
    [
      ['cat', 'dog'],
      [1, 0, 1, 0, 1, 0],
    ],
  );
  const given = await datasetOf({ ...table, labels, classes: ['dog', 'cat', 'fish'] });
  assert.equal([...given.train.labels], [0, 1, 0, 1, 0, 1]);
});

test('images of the ignored label have none, and are not held out', async () => {
  const labels = [0, -1, 1, 0, 1, -1];
  const set = await datasetOf({ ...table, labels, ignoreLabel: -1, test: 0.4 });
  assert.equal([set.classes, set.train.n, set.test.n], [['0', '1'], 4, 2]);
  assert.equal([...set.train.labels].sort(), [0, 1, UNLABELLED, UNLABELLED]);
  const names = await datasetOf({
    ...table,
    labels: ['a', '?', 'b', 'a', 'b', '?'],
    ignoreLabel: '?',
    test: { images: rows, labels: ['a', '?', 'b', 'a', 'b', '?'] },
  });
  assert.equal(
    [names.classes, [...names.train.labels], [...names.test.labels]],
    [
      ['a', 'b'],
      [0, UNLABELLED, 1, 0, 1, UNLABELLED],
      [0, 1, 0, 1],
    ],
  );
  assert.match(await said({ ...table, labels }), /^labels\[1\]: it is -1; give whole numbers from 0 to 65534, or names$/);
});

test('a share of each class is held out, the same one each time; images of their own are taken as they are', async () => {
  const n = 100;
  const images = Uint8Array.from({ length: n }, (_, i) => i);
  const labels = Array.from({ length: n }, (_, i) => (i < 90 ? 'often' : 'rare'));
  const samples: Samples = { images, labels, shape: [1], test: 0.2 };
  const { train, test: held } = await datasetOf(samples);
  assert.equal([train.n, held.n, [...held.labels].filter(l => l === 1).length], [80, 20, 2]);
  assert.equal(
    [...train.images, ...held.images].sort((a, b) => a - b),
    [...images],
  );
  assert.ok(
    [...held.images].some((v, i) => v !== held.images[0]! + i),
    'drawn, not cut off',
  );
  assert.equal([...(await datasetOf(samples)).test.images], [...held.images]);
  const apart = await datasetOf({ ...samples, test: { images: images.subarray(5, 7), labels: ['rare', 'often'] } });
  assert.equal([apart.train.n, [...apart.test.images], [...apart.test.labels]], [100, [5, 6], [1, 0]]);
});

test('images of their own to validate on stand before those that are trained on, in memory, on the disk, and of a regression', async () => {
  const [images, more] = [0, 50].map(first => Array.from({ length: 20 }, (_, i) => Float32Array.from([first + i, i, 0, 1]))) as [
    Float32Array[],
    Float32Array[],
  ];
  const labels = images.map((_, i) => (i % 2 ? 'odd' : 'even'));
  const samples: Samples = { images, labels, validation: { images: more.slice(0, 3), labels: ['odd', 'even', 'even'] }, test: 0.2 };
  for (const resident of [undefined, 100]) {
    const { train, validation, test: held } = await datasetOf(samples, resident);
    assert.equal([train.n, validation, held.n, Boolean(train.stored)], [19, 3, 4, resident !== undefined]);
    assert.equal([...train.labels.subarray(0, 3)], [1, 0, 0]);
    const wanted = Uint32Array.from([5, 0, 2, 18, 1]);
    const values = valuesOf((await imagesOf(train, 16, wanted)).slice(), 'float32');
    const firsts = Array.from(wanted, (_, i) => values[4 * i]!);
    assert.equal([firsts[1], firsts[2], firsts[4]], [50, 52, 51]);
    for (const i of [0, 3]) assert.equal(labels[firsts[i]!], ['even', 'odd'][train.labels[wanted[i]!]!]);
  }
  const some = { ...samples, validation: { images: more, labels: more.map((_, i) => (i % 4 ? '?' : 'odd')) }, ignoreLabel: '?' };
  assert.is((await datasetOf(some)).validation, 5);
  const targets = images.map((_, i) => [i, -i]);
  const { train, validation, outputs } = await datasetOf({ images, targets, validation: { images: more, targets: targets.toReversed() } });
  assert.equal([train.n, validation, outputs, train.targets!.length], [40, 20, ['y1', 'y2'], 80]);
  assert.equal([...train.targets!.subarray(0, 2), ...train.targets!.subarray(40, 44)], [19, -19, 0, -0, 1, -1]);
});

test('more than memory is to hold goes to the disk, and comes back as it was', async () => {
  const images = Array.from({ length: 50 }, (_, i) => Float32Array.from({ length: 40 }, (_, k) => 100 * i + k));
  const labels = images.map((_, i) => i % 5);
  const small = await datasetOf({ images, labels, test: 0.2 });
  const large = await datasetOf({ images, labels, test: 0.2 }, 1000);
  for (const part of ['train', 'test'] as const) {
    const { stored, n } = large[part];
    assert.ok(stored);
    const wanted = Uint32Array.from({ length: n }, (_, i) => (i * 7) % n);
    const bytes = (split: typeof large.train) => imagesOf(split, 160, wanted);
    assert.equal([...valuesOf(await bytes(large[part]), 'float32')], [...valuesOf(await bytes(small[part]), 'float32')]);
    assert.equal([...large[part].labels], [...small[part].labels]);
  }
});

test('pictures: a path, an address, a Blob and ImageData, in colours and grey, cropped and resized', async () => {
  const data = Uint8Array.from({ length: 4 * 64 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));
  const drawn = { data, width: 8, height: 8 };
  const path = join(folder, 'a.png');
  const png = await sharp(data, { raw: { width: 8, height: 8, channels: 4 } })
    .png()
    .toBuffer();
  writeFileSync(path, png);
  const planes = [0, 1, 2].flatMap(k => Array.from({ length: 64 }, (_, p) => data[4 * p + k]!));
  const pictures = [drawn, path, pathToFileURL(path), new Blob([Uint8Array.from(png)]), `data:image/png;base64,${png.toString('base64')}`];
  for (const picture of pictures) {
    const { train, shape } = await datasetOf({ images: [picture, picture], labels: ['x', 'y'] });
    assert.equal(shape, [3, 8, 8]);
    assert.equal([...train.images.subarray(192)], planes);
    assert.is((await pictureBytes(picture, [1, 5, 3])).length, 15);
    const luma = Array.from({ length: 64 }, (_, p) => Math.round(0.299 * planes[p]! + 0.587 * planes[64 + p]! + 0.114 * planes[128 + p]!));
    assert.equal([...(await pictureBytes(picture, [1, 8, 8]))], luma);
  }
  const grey = await pictureBytes(drawn, [1, 8, 8]);
  const canvas = { width: 8, height: 8, getContext: () => ({ getImageData: () => drawn }) };
  assert.equal(
    [...(await pictureBytes(canvas as unknown as HTMLCanvasElement, [1, 8, 8], { invert: true }))],
    [...grey].map(v => 255 - v),
  );
  const clear = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
  assert.equal([...(await pictureBytes(clear, [3, 1, 1]))], [255, 255, 255]);
  for (const side of [2, 4]) {
    const white = { data: new Uint8ClampedArray(64).fill(255), width: 4, height: 4 };
    const reading = pictureBytes(white, [1, side, side]);
    white.data.fill(0);
    assert.is((await reading)[0], 255, 'it may be drawn over as soon as it was given');
  }
});

test.run();
