/** Data sets of what a program has in its hands, and what it is told where they do not fit. */
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

test('a picture that does not fit is named', async () => {
  const of = (w: number, h: number) => ({ data: new Uint8Array(4 * w * h), width: w, height: h });
  const labels = [0, 1];
  writeFileSync(join(folder, 'bad.png'), 'no picture');
  const bad = join(folder, 'bad.png');
  assert.match(
    await said({ images: [of(8, 8), of(9, 8)], labels }),
    /^images\[1\]: it is of 9x8 pixels, the first one of 8x8; give shape: \[3, 8, 8\], to which/,
  );
  assert.match(await said({ images: [of(2000, 1)], labels }), /^images\[0\]: it is of 2000x1 pixels; give shape: \[3, height, width\]/);
  assert.match(await said({ images: [of(8, 8), bad], labels }), /^images\[1\] .*bad\.png: cannot be read as an image \(.*\); give a PNG/);
  assert.match(await said({ images: [`${bad}x`, bad], labels }), /^images\[0\] .*bad\.pngx: there is no such file; give an image file$/);
  assert.match(
    await said({ images: [of(8, 8), of(8, 8)], labels, shape: [4, 8, 8] }),
    /^images\[0\]: a picture has 1 or 3 channels, 4 are asked for; /,
  );
  assert.match(
    await said({ images: [{ data: new Uint8Array(3), width: 1, height: 1 }, of(1, 1)], labels }),
    /^images\[0\]: it has 3 values for 1x1 pixels; four a pixel/,
  );
  assert.match(
    await said({ images: [of(8, 8), of(0, 8)], labels, shape: [3, 8, 8] }),
    /^images\[1\]: it has no pixels; give it a width and a height$/,
  );
});

const six = new Uint8Array(6 * 256);
const images = { images: six, shape: [1, 16, 16], labels: [0, 1, 2, 0, 1, 2] };
const mistakes: readonly [what: string, samples: unknown, message: string][] = [
  ['no samples', undefined, 'data: it is undefined; give { images, labels } or { images, targets }, or the name of a data set'],
  ['an array of samples', [1], 'data: it is of the class Array; give { images, labels } or { images, targets }, or the name of a data set'],
  [
    'a part that is misspelt',
    { ...table, lables: [] },
    "unknown part of data 'lables'; did you mean 'labels'? known: images, labels, targets, shape, classes, outputs, test, validation, ignoreLabel, name",
  ],
  [
    'no images',
    { images: undefined, labels: [] },
    'images: it is undefined; give an array of pictures, a Uint8Array or Float32Array of values, or samples',
  ],
  ['none', { images: [], labels: [] }, 'images: there are none; give some'],
  ['no labels', { images: six, shape: [1, 16, 16] }, 'labels: there are none; give a label for each image'],
  [
    'no labels of rows',
    { images: rows },
    'labels: there are none, and images[0] is of the class Array; give labels, or each image as { image, label }',
  ],
  ['labels that are no list', { ...table, labels: 3 }, 'labels: it is 3; give an array of numbers or names'],
  [
    'labels of a generator',
    { ...table, labels: (function* () {})() },
    'labels: it is of a class without a name; give an array of numbers or names',
  ],
  ['too few labels', { ...table, labels: [0, 1] }, 'labels: 2 for 6 images; give one for each'],
  [
    'a label beyond the classes',
    { ...images, labels: [0, 1, 7, 0, 1, 2], classes: ['a', 'b', 'c'] },
    'labels[2]: 7 is none of the 3 classes a, b, c; give one of them, or a whole number from 0 to 2',
  ],
  [
    'a label that is not whole',
    { ...table, labels: [0, 1, 0.5, 1, 0, 1] },
    'labels[2]: it is 0.5; give whole numbers from 0 to 65534, or names',
  ],
  ['a label above all', { ...table, labels: [0, 1, 7e4, 1, 0, 1] }, 'labels[2]: it is 70000; give whole numbers from 0 to 65534, or names'],
  [
    'labels that are bigints',
    { ...table, labels: [0n, 1n, 0n, 1n, 0n, 1n] },
    'labels[0]: it is 0n; give whole numbers from 0 to 65534, or names',
  ],
  [
    'a label that is NaN',
    { ...table, labels: [0, 1, NaN, 1, 0, 1], classes: ['a', 'b'] },
    'labels[2]: NaN is none of the 2 classes a, b; give one of them, or a whole number from 0 to 1',
  ],
  [
    'a name among numbers',
    { ...table, labels: [0, 1, 'cat', 1, 0, 1] },
    "labels[2]: it is 'cat'; give whole numbers from 0 to 65534, or names",
  ],
  ['a number among names', { ...table, labels: ['a', 'b', 3, 'b', 'a', 'b'] }, "labels[2]: it is 3; give a name, as labels[0] is: 'a'"],
  [
    'a name that is no class',
    { ...table, labels: ['cat', 'pigon', 'cat', 'cat', 'cat', 'cat'], classes: ['cat', 'pigeon'] },
    "labels[1]: 'pigon' is none of the 2 classes cat, pigeon; did you mean 'pigeon'? give one of them, or a whole number from 0 to 1",
  ],
  ['one class', { ...table, labels: [1, 1, 1, 1, 1, 1] }, 'labels: all 6 are 1; give images of at least two classes'],
  [
    'classes counted from 1',
    { ...table, labels: [1, 2, 1, 2, 1, 2] },
    'labels: none of them is 0, the highest is 2; count classes from 0, or give classes',
  ],
  ['classes that are no names', { ...table, classes: 2 }, 'classes: they are 2; give an array of at least two different names'],
  ['a class twice', { ...table, classes: ['a', 'a'] }, 'classes: they are [a, a]; give an array of at least two different names'],
  [
    'RGBA in one array',
    { ...images, images: new Uint8Array(4 * 6 * 256) },
    'images: 6144 values for 6 labels, shape [1, 16, 16] takes 1536; four values a pixel are RGBA: give the ImageData itself, whose colours are converted',
  ],
  [
    'RGBA in an array each',
    { ...images, images: [1, 2, 3, 4, 5, 6].map(() => new Uint8ClampedArray(4 * 256)) },
    'images[0]: it has 1024 values, shape [1, 16, 16] takes 256; four values a pixel are RGBA: give the ImageData itself, whose colours are converted',
  ],
  [
    'a row too short',
    { ...table, images: [[1, 2], [1], [1, 2], [1, 2], [1, 2], [1, 2]] },
    'images[1]: it has 1 values, shape [2, 1, 1] takes 2; give as many values as the shape takes, channel after channel',
  ],
  [
    'no shape',
    { ...images, shape: undefined },
    'shape: it is needed where all values are in one array; give [channels, height, width], or [features] of a table',
  ],
  ['a shape of two', { ...images, shape: [16, 16] }, 'shape: it is [16, 16]; give [channels, height, width], or [features] of a table'],
  ['a shape that is a number', { ...images, shape: 256 }, 'shape: it is 256; give [channels, height, width], or [features] of a table'],
  [
    'NaN',
    {
      ...table,
      images: [
        [1, 2],
        [1, NaN],
        [1, 2],
        [1, 2],
        [1, 2],
        [1, 2],
      ],
    },
    'images[1]: holds NaN at 1; give finite numbers',
  ],
  [
    'a word among numbers',
    {
      ...table,
      images: [
        [1, 2],
        [1, 'x'],
        [1, 2],
        [1, 2],
        [1, 2],
        [1, 2],
      ],
    },
    "images[1]: value 1 is 'x'; give numbers, of nested rows image.flat(Infinity)",
  ],
  [
    'rows within an image',
    { ...table, images: Array(6).fill([[1], [2]]), shape: [1, 2, 1] },
    'images[0]: value 0 is of the class Array; give numbers, of nested rows image.flat(Infinity)',
  ],
  [
    'an infinity in one array',
    { images: Float32Array.of(1, Infinity), shape: [1], labels: [0, 1] },
    'images: holds Infinity at 1; give finite numbers',
  ],
  [
    'whole numbers of another type',
    { images: new Int16Array(2), shape: [1], labels: [0, 1] },
    'images: it is of the class Int16Array; give a Uint8Array, whose bytes mean 0 to 1, or Float32Array.from(it)',
  ],
  [
    'doubles',
    { images: [new Float64Array(2), new Float64Array(2)], labels: [0, 1] },
    'images[0]: it is of the class Float64Array; give a picture, a Uint8Array, a Float32Array or an array of numbers',
  ],
  [
    'bytes among floats',
    { images: [Float32Array.of(1), Uint8Array.of(1)], labels: [0, 1] },
    'images[1]: its values are uint8, those before it are float32; give all in a Uint8Array, or all in a Float32Array',
  ],
  [
    'nothing among pictures',
    { images: [rows[0], null], labels: [0, 1] },
    'images[1]: it is null; give a picture, a Uint8Array, a Float32Array or an array of numbers',
  ],
  ['a share above 1', { ...table, test: 20 }, 'test: it is 20; give a share from 0 to below 1, or { images, labels }'],
  [
    'a test label that is no class',
    { ...table, test: { images: rows, labels: [0, 1, 2, 0, 1, 0] } },
    'test.labels[2]: 2 is none of the 2 classes 0, 1; give one of them, or a whole number from 0 to 1',
  ],
  [
    'a test row too long',
    { ...table, test: { images: [[1, 2, 3]], labels: [0] } },
    'test.images[0]: it has 3 values, shape [2, 1, 1] takes 2; give as many values as the shape takes, channel after channel',
  ],
  [
    'a label that is missing',
    { ...table, labels: ['a', 'b', undefined, 'b', 'a', 'b'] },
    "labels[2]: it is undefined; give a name, as labels[0] is: 'a'",
  ],
  [
    'a label that is missing where classes are given',
    { ...table, labels: [0, 1, undefined, 1, 0, 1], classes: ['a', 'b'] },
    'labels[2]: undefined is none of the 2 classes a, b; give one of them, or a whole number from 0 to 1',
  ],
  [
    'numbers to predict of the test images alone',
    { ...table, test: { images: rows, targets: [1, 2, 3, 4, 5, 6] } },
    'test.targets: of a regression, and the images have no targets; give targets, or leave it out',
  ],
  [
    'names of numbers to predict, and none of these',
    { ...table, outputs: ['y'] },
    'outputs: of a regression, and the images have no targets; give targets, or leave it out',
  ],
  [
    'an ignored label among numbers to predict',
    { images: rows, targets: [1, 2, -1, 4, 5, -1], ignoreLabel: -1 },
    'ignoreLabel: given beside targets, which are of no class; leave out one of the two',
  ],
  [
    'a share to validate on',
    { ...table, validation: 0.2 } as unknown as Samples,
    'validation: it is 0.2; give { images, labels }; a share of the training images is valSplit',
  ],
  [
    'a validation label beyond the classes',
    { ...table, validation: { images: rows, labels: [0, 1, 2, 0, 1, 0] } },
    'validation.labels[2]: 2 is none of the 2 classes 0, 1; give one of them, or a whole number from 0 to 1',
  ],
  [
    'targets of several numbers one after the other',
    { images: Float32Array.from(rows.flat()), targets: Float32Array.from(rows.flat()), shape: [2] },
    'images: 12 values for 12 targets, shape [2, 1, 1] takes 24; they are 6: give one for each, or of several numbers rows of them, as [[0.1, 0.2], …]',
  ],
  [
    'the same beside rows',
    { images: rows, targets: rows.flat() },
    'targets: 12 for 6 images; give one for each, or of several numbers rows of them, as [[0.1, 0.2], …]',
  ],
  [
    'a part of the test images that is misspelt',
    { ...table, test: { images: rows, labels: table.labels, shape: [2] } },
    "unknown part of test 'shape'; known: images, labels, targets",
  ],
];
for (const [what, samples, message] of mistakes) {
  test(`${what}: an error that says so`, async () => assert.is(await said(samples), message));
}

test.run();
