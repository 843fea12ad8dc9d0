import { cp, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dataFetch, dataList, dataVerify } from '../../cli/show/data.ts';
import { readCifar, writeCifar10 } from '../../datasets/cifar.ts';
import { first, makeSplit, type Split } from '../../datasets/dataset.ts';
import { parseIdxImages, parseIdxLabels } from '../../datasets/idx.ts';
import { datasets, loadDataset } from '../../datasets/index.ts';
import { fetchDataset, verifyDataset } from '../../datasets/node/fetch.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { PLANE_SETS } from '../../datasets/plane-sets.ts';
import { SHAPE_CLASSES, shapes } from '../../datasets/shapes.ts';
import { plane, planeByte, planeValue } from '../../datasets/plane.ts';
import { setVariable } from '../support/process/environment.ts';
import { refusal } from '../support/refusal.ts';
import { same } from '../support/same-split.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('datasets');
const folder = scratchFolders(test);
const quiet = { quiet: true };

const idxFile = (magic: number, sizes: number[], data: number) => {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  [magic, ...sizes].forEach((v, i) => head.writeUInt32BE(v, 4 * i));
  return Buffer.concat([head, Buffer.from(Array.from({ length: data }, (_, i) => i))]);
};

test('idx: sizes and bytes of images, labels', () => {
  const { n, h, w, data } = parseIdxImages('f', idxFile(0x803, [2, 3, 4], 24));
  assert.equal([n, h, w, [...data]], [2, 3, 4, Array.from({ length: 24 }, (_, i) => i)]);
  assert.equal([...parseIdxLabels('f', idxFile(0x801, [5], 5))], [0, 1, 2, 3, 4]);
});

for (const [what, parse, expected] of [
  ['an empty file', () => parseIdxImages('f', new Uint8Array()), /^f: 0 bytes seen, at least 16 expected .* truncated$/],
  [
    'a truncated file',
    () => parseIdxImages('f', idxFile(0x803, [2, 3, 4], 23)),
    /^f: 39 bytes seen, 40 expected \(2 x 3 x 4 after a 16-byte header\); the file is truncated$/,
  ],
  ['a file that is too long', () => parseIdxImages('f', idxFile(0x803, [2, 3, 4], 25)), /41 bytes seen, 40 expected.*corrupt/],
  ['labels for images', () => parseIdxImages('f', idxFile(0x801, [30], 30)), /magic number 0x00000801 seen, 0x00000803 expected/],
  ['a file still compressed', () => parseIdxLabels('f', gzipSync(idxFile(0x801, [5], 5))), /gunzip it/],
  ['a header that lies', () => parseIdxImages('f', idxFile(0x803, [4e9, 4e9, 4], 9)), /25 bytes seen, .* expected/],
  [
    'a label beyond the classes',
    () => makeSplit('f', new Uint8Array(3), Uint16Array.of(0, 10, 1), [1, 1, 1], 10),
    /label 10 at image 1, but there are 10 classes/,
  ],
  [
    'images without labels',
    () => makeSplit('f', new Uint8Array(3), Uint16Array.of(0, 1), [1, 1, 1], 10),
    /3 images of \[1, 1, 1\] but 2 labels/,
  ],
  [
    'CIFAR cut in a record',
    () => readCifar('f', new Uint8Array(3073 * 2 - 1), 1, new Uint8Array(6144), new Uint16Array(2), 0),
    /6145 bytes seen, a multiple of 3073 expected/,
  ],
  [
    'a file of another size than published',
    () => loadDataset('cifar10', async () => new Uint8Array(3073)),
    /cifar10: data_batch_1.bin: 3073 bytes seen, 30730000 expected.*truncated.*descent data fetch cifar10/,
  ],
] as [string, () => unknown, RegExp][]) {
  test(`says plainly: ${what}`, async () => {
    assert.match(await refusal(parse), expected);
  });
}

test('CIFAR records: planes from interleaved pixels and back, coarse label skipped', () => {
  const rgb = Uint8Array.from({ length: 2 * 3072 }, (_, i) => i * 7);
  const file = writeCifar10(rgb, [3, 9]);
  assert.equal([file.length, file[0], file[3073]], [6146, 3, 9]);
  const images = new Uint8Array(6144);
  const labels = new Uint16Array(2);
  assert.is(readCifar('f', file, 1, images, labels, 0), 2);
  assert.equal([...labels], [3, 9]);
  for (const [i, c, p] of [
    [0, 0, 0],
    [0, 2, 1023],
    [1, 1, 77],
  ] as const) {
    assert.is(images[i * 3072 + c * 1024 + p], rgb[i * 3072 + 3 * p + c]);
  }
  const fine = new Uint8Array(3074).fill(8);
  fine.set([5, 99]);
  readCifar('f', fine, 2, images, labels, 1);
  assert.equal([labels[1], images[3072], images[6143]], [99, 8, 8]);
});

// Sizes, balance and first labels as published; mean and standard deviation as everyone normalises with them.
for (const [name, n, firstLabels, mean, deviation] of [
  ['fashion-mnist', [60000, 10000], [9, 0, 0, 3, 0, 2, 7, 2], [0.286], [0.353]],
  ['cifar10', [50000, 10000], [6, 9, 9, 4, 1, 1, 2, 7], [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]],
] as [string, number[], number[], number[], number[]][]) {
  test(`${name} is the real one`, async () => {
    const set = await openDataset(name, quiet);
    const [c, h, w] = set.shape;
    assert.equal([set.train.n, set.test.n, set.classes.length], [...n, 10]);
    assert.equal([...set.train.labels.subarray(0, 8)], firstLabels);
    for (const split of [set.train, set.test]) {
      const counts = new Array(10).fill(0);
      for (const label of split.labels) counts[label]++;
      assert.equal(counts, new Array(10).fill(split.n / 10));
    }
    for (let channel = 0; channel < c; channel++) {
      const histogram = new Float64Array(256);
      const plane = h * w;
      const count = set.train.n * plane;
      for (let i = 0; i < set.train.n; i++) {
        for (let p = (i * c + channel) * plane, end = p + plane; p < end; p++) histogram[set.train.images[p]!]!++;
      }
      const m = histogram.reduce((sum, n, v) => sum + n * v, 0) / count;
      const s = Math.sqrt(histogram.reduce((sum, n, v) => sum + n * (v - m) ** 2, 0) / count);
      assert.ok(Math.abs(m / 255 - mean[channel]!) < 5e-5, `mean ${m / 255}`);
      assert.ok(Math.abs(s / 255 - deviation[channel]!) < 5e-5, `standard deviation ${s / 255}`);
    }
    const part = await openDataset(name, { ...quiet, limitTrain: 12, limitTest: 5 });
    assert.equal([part.train.n, part.test.n], [12, 5]);
    same(part.train, first(set.train, 12));
    same(part.test, first(set.test, 5));
  });
}

type Make = (count: number, from?: number) => Split;
const makers: [string, Make][] = [['shapes', shapes], ...PLANE_SETS.map((set): [string, Make] => [set, (n, from) => plane(set, n, from)])];
for (const [name, make] of makers) {
  test(`${name}: each sample depends on its index alone, classes are balanced, the test set is new`, async () => {
    const all = make(60);
    const part = make(20, 40);
    const size = all.images.length / 60;
    same({ images: all.images.subarray(40 * size), labels: all.labels.subarray(40), n: 20 }, part);
    const set = await openDataset(name, { limitTrain: 60 });
    const counts = new Array(set.classes.length).fill(0);
    same(set.train, all);
    for (const label of set.test.labels) counts[label]++;
    assert.equal(counts, new Array(set.classes.length).fill(set.test.n / set.classes.length));
    assert.not.equal([...set.test.images.subarray(0, 2000)], [...set.train.images.subarray(0, 2000)]);
  });
}

test('shapes: every class is drawn, and its mean picture is not enough to know it', () => {
  const train = shapes(2000);
  const held = shapes(500, 12000);
  const classes = SHAPE_CLASSES.length;
  const size = 3072;
  const means = Array.from({ length: classes }, () => new Float64Array(size));
  train.labels.forEach((label, i) => {
    for (let p = 0; p < size; p++) means[label]![p]! += train.images[i * size + p]! / (train.n / classes);
  });
  let right = 0;
  held.labels.forEach((label, i) => {
    const distances = means.map(mean => mean.reduce((sum, m, p) => sum + (m - held.images[i * size + p]!) ** 2, 0));
    right += Number(distances.indexOf(Math.min(...distances)) === label);
  });
  assert.ok(right / held.n < 0.3, `a linear look at the mean gets ${right / held.n}`);
  for (let i = 0; i < 50; i++) assert.ok(new Set(held.images.subarray(i * size, i * size + size)).size > 20);
});

test('points in the plane: bytes hold [-6, 6], and without noise each set obeys its formula', () => {
  assert.equal([-6, 0, 6, 7, -9].map(planeByte), [0, 128, 255, 255, 0]);
  for (let byte = 0; byte < 256; byte++) assert.is(planeByte(planeValue(byte)), byte);
  const holds: Record<string, (x: number, y: number, label: number) => boolean> = {
    'two-moons': (x, y, label) => {
      const side = label ? 1 : -1;
      return Math.abs(Math.hypot(x - side * 1.5, y - side * 0.75) - 3) < 0.06 && side * y < 0.8;
    },
    circles: (x, y, label) => (label ? Math.hypot(x, y) < 2.55 : Math.hypot(x, y) > 3.45),
    xor: (x, y, label) => x * y > 0 === Boolean(label),
    gauss: () => true,
    spiral: (x, y, label) => {
      const radius = Math.hypot(x, y);
      const at = (radius / 5) * 1.75 * 2 * Math.PI + (label ? 0 : Math.PI);
      // half a byte's step turns the angle; arms are 1.4 apart
      return Math.hypot(x - radius * Math.sin(at), y - radius * Math.cos(at)) < 0.4;
    },
  };
  for (const set of PLANE_SETS) {
    const { images, labels } = plane(set, 300, 0, { noise: 0 });
    labels.forEach((label, i) => assert.ok(holds[set]!(planeValue(images[2 * i]!), planeValue(images[2 * i + 1]!), label), `${set} ${i}`));
  }
  const { images, labels } = plane('gauss', 4000, 0, { noise: 0 });
  const mean = [0, 1].map(axis => labels.reduce((sum, label, i) => sum + (label ? planeValue(images[2 * i + axis]!) / 2000 : 0), 0));
  mean.forEach(m => assert.ok(Math.abs(m - 2) < 0.1, `${m}`));
});

test('offline: the error names the files, the folder and the way on; files put there are used', async () => {
  const dataDir = await folder();
  const wanted = { dataDir, ...quiet };
  const restore = setVariable('DESCENT_OFFLINE', '1');
  try {
    for (const [name, files] of [
      ['mnist', 'put train-images-idx3-ubyte.gz, '],
      ['cifar100', 'put cifar-100-binary.tar.gz (from https:'],
    ] as const) {
      const message = await refusal(() => openDataset(name, wanted));
      assert.match(message, /^[\w]+: . files are missing in .*, and fetching failed \(.*DESCENT_OFFLINE is set\); .*dataset shapes/);
      for (const part of [name, join(dataDir, name), files]) assert.ok(message.includes(part), part);
    }
    await cp(await fetchDataset('fashion-mnist'), join(dataDir, 'fashion-mnist'), { recursive: true });
    assert.is((await openDataset('fashion-mnist', wanted)).train.n, 60000);
    const labels = join(dataDir, 'fashion-mnist/t10k-labels-idx1-ubyte');
    const good = gzipSync(await readFile(labels));
    await truncate(labels, 5000);
    assert.match(await refusal(() => openDataset('fashion-mnist', wanted)), /t10k-labels-idx1-ubyte has 5000 bytes, 10008 expected in /);
    await writeFile(`${labels}.gz`, good);
    assert.is((await openDataset('fashion-mnist', wanted)).test.n, 10000);
  } finally {
    restore();
  }
});

test('descent data: list, verify, fetch', async () => {
  const lines: string[] = [];
  const print = (line: string) => {
    lines.push(line);
  };
  const dataDir = await folder();
  await dataList({ dataDir, json: true }, print);
  const rows = new Map(
    lines
      .splice(0)
      .map(line => JSON.parse(line))
      .map(row => [row.name, row]),
  );
  assert.equal([...rows.keys()], Object.keys(datasets));
  assert.equal([rows.get('fashion-mnist').state, rows.get('fashion-mnist').train], ['not fetched', 60000]);
  assert.is(rows.get('shapes').state, 'computed');
  await dataList({ dataDir }, print);
  assert.match(lines.splice(0).join('\n'), /\nfashion-mnist +1x28x28 +10 +60000 +10000 +55 +not fetched +Fashion-MNIST/);
  assert.match(await refusal(() => dataVerify([], { dataDir }, print)), /nothing in .*descent data fetch/);
  assert.match(await refusal(() => dataFetch([], { dataDir }, print)), /no data set named; known: fashion-mnist/);
  assert.match(await refusal(() => dataFetch(['mnits'], { dataDir }, print)), /did you mean 'mnist'/);
  await cp(await fetchDataset('fashion-mnist'), join(dataDir, 'fashion-mnist'), { recursive: true });
  await dataVerify([], { dataDir }, print);
  assert.equal(lines.splice(0), ['fashion-mnist: 4 files, all as published']);
  const labels = join(dataDir, 'fashion-mnist/train-labels-idx1-ubyte');
  const bytes = await readFile(labels);
  const { mtime, atime } = await stat(labels);
  bytes[9]! ^= 1;
  await writeFile(labels, bytes);
  await utimes(labels, atime, mtime); // damage that leaves size and time alone
  const [found, ...others] = await verifyDataset('fashion-mnist', dataDir);
  assert.match(found!, /^train-labels-idx1-ubyte has SHA-256 /);
  assert.is(others.length, 0);
  assert.match(
    await refusal(() => dataVerify([], { dataDir }, print)),
    /fashion-mnist not as published; 'descent data fetch fashion-mnist'/,
  );
});

for (const [name, options, expected] of [
  ['cifar11', {}, /unknown dataset 'cifar11'; did you mean 'cifar10'\?/],
  [
    './nowhere/',
    {},
    /^dataset: \.\/nowhere\/ is not there; give a folder with a subfolder of images for each class, a table as .csv, or a name: fashion-mnist, /,
  ],
  ['package.json', {}, /^dataset: package\.json is a file; give a folder/],
  ['shapes', { limitTrain: 0 }, /limitTrain 0: a whole number above 0/],
  ['shapes', { limitTest: NaN }, /limitTest NaN/],
  ['tests', { imageSize: 1.5 }, /^imageSize: '1\.5' is no size; give pixels from 1 to 1024/],
] as [string, object, RegExp][]) {
  test(`openDataset refuses ${name} ${JSON.stringify(options)}`, async () => {
    assert.match(await refusal(() => openDataset(name, { ...options, ...quiet })), expected);
  });
}

test.run();
