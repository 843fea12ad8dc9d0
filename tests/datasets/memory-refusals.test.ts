/** What a program is told where what it has in its hands makes no data set. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasetOf, type Samples } from '../../datasets/memory.ts';
import { useNode } from '../../train/run/node/platform.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('mistakes with data from memory');
const folder = mkdtempSync(join(tmpdir(), 'descent-refused-'));
test.before(useNode);
test.after(() => rmSync(folder, { recursive: true }));

/** Six rows of two features, of two classes. */
const rows = [0, 1, 2, 3, 4, 5].map(i => [i, 10 * i]);
const table = { images: rows, labels: [0, 1, 0, 1, 0, 1] };
const said = (samples: unknown) => refusal(() => datasetOf(samples as Samples));

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
  [
    'one-hot labels',
    {
      ...table,
      labels: [
        [1, 0],
        [0, 1],
        [1, 0],
        [0, 1],
        [1, 0],
        [0, 1],
      ],
    },
    'labels[0]: it is of the class Array; give whole numbers from 0 to 65534, or names',
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
