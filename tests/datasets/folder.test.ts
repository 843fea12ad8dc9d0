import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset, Split } from '../../datasets/dataset.ts';
import { splitFolder } from '../../datasets/folder.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { BatchProgram } from '../../train/data/batch-program.ts';
import { gatherBatch } from '../../train/data/batch.ts';
import { openData } from '../../train/data/data.ts';
import { DeviceData } from '../../train/data/device-data.ts';
import { digest as pageDigest } from '../../web/data/folder.ts';
import { deviceFor } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';
import { same } from '../support/same-split.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('folder');
const folder = scratchFolders(test);
const quiet = { quiet: true };

const picture = (background: string | { r: number; g: number; b: number }) =>
  sharp({ create: { width: 50, height: 40, channels: 3, background } });
const grey = async (path: string) => {
  await picture('#808080').toColourspace('b-w').toFile(path);
};

/** Writes `count` images of one colour a class: red grows with the number. */
async function paint(root: string, name: string, count: number, green: number, type: 'png' | 'jpg' = 'png'): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  for (let i = 0; i < count; i++) await picture({ r: 10 * i, g: green, b: 0 }).toFile(join(root, name, `${i}.${type}`));
}

test('folder: classes, a stratified fifth for testing, pixels in planes, a cache that follows changes', async () => {
  const root = await folder();
  const dataDir = await folder();
  const notes: string[] = [];
  const options = { dataDir, onNote: (line: string) => notes.push(line), onProgress: () => {} };
  await paint(root, 'cats', 10, 200);
  await paint(root, 'dogs/large', 5, 100, 'jpg'); // deeper folders belong to their class
  await writeFile(join(root, 'cats/.hidden.png'), 'x');
  await writeFile(join(root, 'cats/notes.txt'), 'x');
  const set = await openDataset(root, options);
  assert.equal([set.shape, set.classes, set.train.n, set.test.n], [[3, 32, 32], ['cats', 'dogs'], 12, 3]);
  assert.equal([...set.test.labels].sort(), [0, 0, 1]);
  const plane = 1024;
  const reds = new Set<number>();
  for (const { images, labels, n } of [set.train, set.test]) {
    for (let i = 0; i < n; i++) {
      const green = images[i * 3 * plane + plane]!;
      const blue = images[i * 3 * plane + 2 * plane]!;
      if (labels[i] === 0) {
        assert.equal([green, blue], [200, 0]);
        reds.add(images[i * 3 * plane]!);
      } else assert.ok(Math.abs(green - 100) < 4 && blue < 4);
    }
  }
  assert.equal(
    [...reds].sort((a, b) => a - b),
    [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
  );
  const again = await openDataset(root, options);
  same(again.train, set.train);
  same(again.test, set.test);
  assert.equal([again.name, again.shape, again.classes], [set.name, set.shape, set.classes]);
  assert.is(notes.length, 1, 'the second time comes from the cache');
  assert.equal((await openDataset(root, { ...options, imageSize: 8, limitTrain: 4 })).train.images.length, 4 * 3 * 64);
  await paint(root, 'cows', 2, 50);
  assert.equal((await openDataset(root, options)).classes, ['cats', 'cows', 'dogs']);
  const [cached] = (await readdir(join(dataDir, 'folders'))).filter(name => name.endsWith('.bin'));
  await truncate(join(dataDir, 'folders', cached!), 50);
  await openDataset(root, options);
  assert.is((await openDataset(root, options)).train.n, 13);
});

test('folder: a picture keeps its side of the split when others come', async () => {
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const files = (n: number) => Array.from({ length: n }, (_, i) => ({ path: `${i % 2 ? 'a' : 'b'}/${i}.png` }));
  const hidden = [{ path: 'a/.thumbnails/1.png' }, { path: 'a/notes.txt' }, { path: 'loose.png' }];
  const few = await splitFolder('x', [...files(40), ...hidden], digest);
  const many = await splitFolder('x', files(48), digest);
  assert.equal([few.train.length, few.test.length], [32, 8]);
  const moved = few.train.filter(item => many.test.some(other => other.path === item.path));
  assert.ok(moved.length <= 2, `${moved.length} images changed sides`);
  assert.ok(few.train.every(({ path, label }) => label === ['a', 'b'].indexOf(path[0]!)));
});

test('folder: the page has the same images in the same order, for training and for testing', async () => {
  const root = await folder();
  for (const [name, green] of [
    ['cats', 200],
    ['d\u00f6gs/large', 90],
  ] as const) {
    await paint(root, name, 12, green);
  }
  const size = 3 * 4 * 4;
  const read = await openDataset(root, { dataDir: await folder(), ...quiet, imageSize: 4 });
  const red = ({ images, labels }: Split) => [...labels].map((label, i) => [label, images[i * size]! / 10]);
  const names = await readdir(root, { recursive: true });
  const page = await splitFolder(
    'dropped',
    names.reverse().map(path => ({ path })),
    pageDigest,
  );
  const number = (items: typeof page.train) => items.map(({ label, path }) => [label, Number.parseInt(basename(path), 10)]);
  assert.equal(page.classes, read.classes);
  assert.equal([number(page.train), number(page.test)], [red(read.train), red(read.test)]);
});

test('folder: train/ and test/ are taken as they are; grey images have one channel', async () => {
  const root = await folder();
  const dataDir = await folder();
  for (const [name, count] of [
    ['train/a', 3],
    ['train/b', 2],
    ['test/a', 1],
    ['test/b', 4],
  ] as const) {
    await mkdir(join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) await grey(join(root, name, `${i}.png`));
  }
  const set = await openDataset(root, { dataDir, ...quiet, imageSize: 28 });
  assert.equal([set.shape, set.train.n, set.test.n, set.train.images[0]], [[1, 28, 28], 5, 5, 128]);
});

test('folder: images that stay on disk make the same batches', async () => {
  const root = await folder();
  const dataDir = await folder();
  const size = 3 * 5 * 5;
  const device = await deviceFor();
  for (const [name, green] of [
    ['cats', 200],
    ['dogs', 90],
  ] as const) {
    await paint(root, name, 25, green);
  }
  const whole = await openDataset(root, { dataDir, ...quiet, imageSize: 5 });
  const stored = await openDataset(root, { dataDir, ...quiet, imageSize: 5, resident: 1000 });
  assert.equal([stored.train.n, stored.test.n, stored.train.images.length, [...stored.train.labels]], [40, 10, 0, [...whole.train.labels]]);
  const some = Uint32Array.of(7, 3, 4, 5, 39);
  const images = await stored.train.stored!.read(some);
  assert.equal(images, Uint8Array.from([...some].flatMap(i => [...whole.train.images.subarray(i * size, (i + 1) * size)])));
  // batches through a ring of two pages of four images, the second epoch begun before the first is over
  const batches = async (dataset: Dataset) => {
    const data = await openData(dataset, {
      normalize: 'meanstd',
      augment: parseAugment('flip,cutout:2'),
      valSplit: 0.1,
      maxBinding: dataset === stored ? 4 * 76 : device.profile.maxBinding,
    });
    const out: number[][] = [];
    const memory = new Memory(device);
    const g = new Graph({ training: true, profile: device.profile });
    const batch = gatherBatch(g, new DeviceData(data, memory, 4), 'train');
    g.kept.add(batch.x);
    const program = await BatchProgram.compile(batch);
    for (const [epoch, offsets] of [
      [0, [0, 4, 8, 12]],
      [1, [0, 4, 8, 12, 16, 20, 24, 28, 32]],
      [2, [0]],
    ] as const) {
      program.arrange({ seed: 3, epoch });
      for (const offset of offsets) {
        await program.run({ offset, seed: 3, epoch });
        out.push([...(await program.read(batch.x))]);
      }
    }
    program.destroy();
    memory.destroy();
    return out;
  };
  assert.equal(await batches(stored), await batches(whole));
});

test('folder: decoded images that vanish from the cache are named', async () => {
  const root = await folder();
  const dataDir = await folder();
  for (const name of ['cats', 'dogs']) await paint(root, name, 2, 0);
  const { train } = await openDataset(root, { dataDir, ...quiet, resident: 0 });
  const [cached] = await readdir(join(dataDir, 'folders'));
  await truncate(join(dataDir, 'folders', cached!), 100);
  const message = await refusal(async () => train.stored!.read(Uint32Array.of(0)));
  assert.match(message, /the decoded images in .*\.bin cannot be read \(it ends at byte \d+\); run again to have them decoded anew/);
});

/** Two classes of two coloured images, and what `more` adds or breaks. */
const two = (more: (root: string) => Promise<void>) => async (root: string) => {
  for (const name of ['a', 'b']) await paint(root, name, 2, 0);
  await more(root);
};
const one =
  (...names: string[]) =>
  async (root: string) => {
    for (const name of names) await paint(root, name, 1, 0);
  };

for (const [what, make, expected] of [
  ['one class only', one('cats'), /one class only \('cats'\); at least two subfolders/],
  ['no class', async root => writeFile(join(root, 'x.png'), ''), /: no class; at least two subfolders/],
  [
    'an empty class',
    two(async root => {
      await mkdir(join(root, 'c'));
    }),
    /class 'c' has no PNG, JPEG, WebP, GIF or AVIF image/,
  ],
  [
    'an unreadable image',
    two(root => writeFile(join(root, 'b/bad.jpg'), 'not a jpeg')),
    /cannot read the image b\/bad\.jpg \(.*\); replace or remove it/,
  ],
  ['a truncated image', two(root => truncate(join(root, 'a/1.png'), 90)), /cannot read the image a\/1\.png/],
  [
    'mixed channels',
    two(root => grey(join(root, 'b/grey.png'))),
    /images of mixed channels: (b\/grey\.png is grey, .* is coloured|.* is coloured, b\/grey\.png is grey); convert/,
  ],
  [
    'a test class without training images',
    one('train/a', 'train/b', 'test/a', 'test/c'),
    /class 'c' is in test\/ but not in train\/; known: a, b/,
  ],
  ['too few to hold some back', one('a', 'b'), /2 images leave none for testing/],
  ['no test images', one('train/a', 'train/b'), /2 images leave none for testing; put some into test\//],
  [
    'a link to a folder above it',
    two(root => symlink('..', join(root, 'a/loop'))),
    /a\/loop leads to a folder that is read already; remove/,
  ],
  [
    'a folder that is of two classes',
    two(root => symlink('a', join(root, 'c'))),
    /c leads to a folder that is read already; remove the link/,
  ],
  [
    'a link that leads nowhere',
    two(root => symlink('gone.png', join(root, 'a/x.png'))),
    /a\/x\.png is a link that leads nowhere; rename or/,
  ],
  [
    'a pipe',
    two(async root => void execFileSync('mkfifo', [join(root, 'a/x.png')])),
    /a\/x\.png is a pipe, socket or device, not a file; /,
  ],
  [
    'a name that is not UTF-8',
    two(root => writeFile(Buffer.concat([Buffer.from(join(root, 'a/')), Buffer.from([0xff]), Buffer.from('.png')]), '')),
    /a\/.*\.png has a name that is not UTF-8; rename/,
  ],
] as [string, (root: string) => Promise<void>, RegExp][]) {
  test(`folder says plainly: ${what}`, async () => {
    const root = await folder();
    await make(root);
    const message = await refusal(async () => openDataset(root, { dataDir: await folder(), ...quiet }));
    assert.ok(message.startsWith(root), 'it names the folder');
    assert.match(message, expected);
  });
}

test.run();
