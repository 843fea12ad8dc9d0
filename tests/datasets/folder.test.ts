import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UNLABELLED, type Dataset, type Split } from '../../datasets/dataset.ts';
import { isImage, isPictureName, splitFolder } from '../../datasets/folder.ts';
import { framed } from '../../datasets/node/decode.ts';
import { nodeHost } from '../../datasets/node/host.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { parseConfig } from '../../train/config/config.ts';
import { BatchProgram } from '../../train/data/batch-program.ts';
import { gatherBatch } from '../../train/data/batch.ts';
import { openData } from '../../train/data/data.ts';
import { DeviceData } from '../../train/data/device-data.ts';
import { digest as pageDigest, openFolder as openDropped } from '../../web/data/folder.ts';
import { deviceFor } from '../support/check.ts';
import { useNode } from '../../train/run/node/platform.ts';
import { paint, picture } from '../support/painted.ts';
import { refusal } from '../support/refusal.ts';
import { same } from '../support/same-split.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { readJson } from '../vectors/read.ts';

const test = suite('folder');
const folder = scratchFolders(test);
const quiet = { quiet: true };

const grey = async (path: string) => {
  await picture('#808080').toColourspace('b-w').toFile(path);
};

test('folder: classes, a stratified fifth for testing, pixels in planes, a cache that follows changes', async () => {
  const root = await folder();
  const dataDir = await folder();
  const notes: string[] = [];
  const options = { dataDir, onNote: (line: string) => line.includes('decoded') && notes.push(line), onProgress: () => {} };
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
  const by = { digest, reads: isImage };
  const few = await splitFolder('x', [...files(40), ...hidden], by);
  const many = await splitFolder('x', files(48), by);
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
    { digest: pageDigest, reads: isPictureName },
  );
  const number = (items: typeof page.train) => items.map(({ label, path }) => [label, Number.parseInt(basename(path), 10)]);
  assert.equal(page.classes, read.classes);
  assert.equal([number(page.train), number(page.test)], [red(read.train), red(read.test)]);
});

test('folder: the page leaves out what its decoder does not read, and broken images where it is asked to', async () => {
  useNode();
  const root = await folder();
  for (const name of ['a', 'b']) await paint(root, name, 5, 0);
  for (const name of ['a/no.bmp', 'a/notes.txt', 'b/broken.png']) await writeFile(join(root, name), 'no picture');
  const paths = (await readdir(root, { recursive: true })).filter(path => path.includes('.'));
  const files = await Promise.all(paths.map(async path => ({ path, file: new File([await readFile(join(root, path))], basename(path)) })));
  const config = (more: object) => parseConfig('mlp', { dataset: 'photos', imageSize: '3x4', ...more });
  const set = await openDropped('photos', files, config({ skipBroken: true, resize: '5' }));
  assert.equal([set.shape, set.train.n + set.test.n], [[3, 3, 4], 10]);
  assert.equal(set.notes, [
    'photos: 2 files are left out, since only what the browser decodes in a folder for each class (of train/, val/ and test/, where there are these) is read: a/no.bmp, a/notes.txt; ' +
      'convert the pictures among them',
    'photos: 1 broken image is left out: b/broken.png',
  ]);
  const message = await refusal(() => openDropped('photos', files, config({})));
  assert.match(message, /^photos\/b\/broken\.png: cannot be read as an image .*; or give skipBroken true$/);
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

test('folder: val/ beside train/ and test/ validates in place of a share, whatever is limited or broken, on the page too', async () => {
  useNode();
  const root = await folder();
  const counts = { 'train/a': 6, 'train/b': 6, 'val/a': 3, 'val/b': 2, 'test/a': 1, 'test/b': 1 };
  for (const [name, count] of Object.entries(counts)) await paint(root, name, count, name.startsWith('val') ? 200 : 90);
  await writeFile(join(root, 'val/b/broken.png'), 'no picture');
  const options = { dataDir: await folder(), ...quiet, imageSize: 4, skipBroken: true };
  const paths = (await readdir(root, { recursive: true })).filter(path => path.endsWith('.png'));
  const files = await Promise.all(paths.map(async path => ({ path, file: new File([await readFile(join(root, path))], basename(path)) })));
  const config = parseConfig('mlp', { dataset: 'photos', imageSize: '4', skipBroken: true, limitTrain: '5' });
  const greens = ({ from, indices }: { from: Split; indices: Uint32Array }) => [...indices].map(i => from.images[i * 48 + 16]);
  for (const [set, train] of [
    [await openDataset(root, options), 12],
    [await openDataset(root, { ...options, limitTrain: 5 }), 5],
    [await openDropped('photos', files, config), 5],
  ] as const) {
    const { parts } = await openData(set, { valSplit: 0.1 });
    assert.equal([greens(parts.train), greens(parts.val)], [Array(train).fill(90), Array(5).fill(200)]);
    assert.equal([parts.val.labels.filter(label => label === 0).length, parts.test.n], [3, 2]);
    assert.is((await openData(set, { folds: 5, fold: 0 })).parts.train.n, train + 5 - Math.floor((train + 5) / 5), 'folds are of all');
  }
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

/** A picture of 60x40 whose red grows to the right and green downwards. */
const slope = () => {
  const pixels = Uint8Array.from({ length: 60 * 40 * 3 }, (_, i) => [4 * (Math.floor(i / 3) % 60), 6 * Math.floor(i / 180), 100][i % 3]!);
  return sharp(pixels, { raw: { width: 60, height: 40, channels: 3 } });
};

test('folder: every format that sharp reads, whatever its colours, depth and turn; what is left out is told', async () => {
  const root = await folder();
  await mkdir(join(root, 'a'));
  await paint(root, 'b', 2, 100);
  const to = (name: string) => join(root, 'a', name);
  await slope().toFile(to('plain.png'));
  await slope().tiff().toFile(to('plain.tif'));
  await slope().webp({ lossless: true }).toFile(to('plain.webp'));
  await slope().avif({ lossless: true }).toFile(to('plain.avif'));
  await slope().gif().toFile(to('plain.gif'));
  await slope().jpeg({ quality: 95 }).toFile(to('plain.jfif'));
  await slope().toColourspace('rgb16').png().toFile(to('16 bits.png'));
  await slope().toColourspace('cmyk').jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toFile(to('cmyk.jpg'));
  await slope().rotate(90).withMetadata({ orientation: 8 }).jpeg({ quality: 95 }).toFile(to('turned.jpg'));
  await slope().ensureAlpha(1).png().toFile(to('alpha.png'));
  await slope().toColourspace('grey16').png().toFile(to('grey.png'));
  for (const name of ['notes.txt', 'phone.heic']) await writeFile(to(name), 'x');
  await slope().toFile(join(root, 'loose.png'));
  const { train, test: tested, shape, notes } = await openDataset(root, { dataDir: await folder(), ...quiet, imageSize: '4x6' });
  assert.equal(shape, [3, 4, 6]);
  assert.equal(notes, [
    `${basename(root)}: 3 files are left out, since only PNG, JPEG, WebP, GIF, AVIF or TIFF in a folder for each class (of train/, val/ and test/, where there are these) is read: ` +
      'a/notes.txt, a/phone.heic, loose.png; convert the pictures among them',
    `${basename(root)}: 1 grey image is taken as coloured, as the others are`,
  ]);
  const images = new Map<string, Uint8Array>();
  for (const { names, images: all } of [train, tested]) {
    for (const [i, name] of names!.entries()) images.set(name, (all as Uint8Array).subarray(72 * i, 72 * i + 72));
  }
  assert.is(images.size, 13);
  const plain = images.get('a/plain.png')!;
  const off = (name: string) => Math.max(...plain.map((v, i) => Math.abs(v - images.get(name)![i]!)));
  for (const name of ['tif', 'webp', 'avif', 'gif'].map(ending => `a/plain.${ending}`)) assert.ok(off(name) <= 3, `${name}: ${off(name)}`);
  assert.ok(off('a/16 bits.png') <= 1 && off('a/alpha.png') <= 1);
  const mean = (name: string) => plain.reduce((sum, v, i) => sum + Math.abs(v - images.get(name)![i]!), 0) / plain.length;
  for (const name of ['a/plain.jfif', 'a/turned.jpg', 'a/cmyk.jpg']) assert.ok(mean(name) < 15, `${name}: ${mean(name)}`); // inks lack some colours
  const grey = images.get('a/grey.png')!;
  for (let p = 0; p < 24; p++) {
    const colours = [0, 1, 2].map(k => plain[24 * k + p]!);
    assert.ok(grey[p] === grey[24 + p] && grey[p] === grey[48 + p]);
    assert.ok(grey[p]! >= Math.min(...colours) - 2 && grey[p]! <= Math.max(...colours) + 2);
  }
});

test('folder: --skip-broken leaves broken images out, the others keep their side; without it the cached ones are refused too', async () => {
  const root = await folder();
  const dataDir = await folder();
  for (const name of ['a', 'b']) await paint(root, name, 10, 0);
  const whole = await openDataset(root, { dataDir, ...quiet });
  await writeFile(join(root, 'a/broken.png'), 'no picture');
  await truncate(join(root, 'b/3.png'), 90);
  const set = await openDataset(root, { dataDir, ...quiet, skipBroken: true });
  assert.equal(set.notes, [`${set.name}: 2 broken images are left out: ${brokenOf(set)}`]);
  assert.is(set.train.n + set.test.n, 19);
  for (const part of ['train', 'test'] as const) {
    const kept = set[part].names!.filter(name => whole[part].names!.includes(name));
    assert.is(kept.length, set[part].names!.length, 'no image changes its side');
  }
  const again = await openDataset(root, { dataDir, ...quiet, skipBroken: true, resident: 0 });
  assert.equal([again.train.n, again.notes], [set.train.n, set.notes]);
  assert.equal(await again.train.stored!.read(Uint32Array.of(3)), set.train.images.slice(3 * 3072, 4 * 3072));
  const message = await refusal(() => openDataset(root, { dataDir, ...quiet }));
  assert.match(message, /cannot read the image (a\/broken|b\/3)\.png \(.*\); replace or remove it, or give skipBroken true$/);
});
const brokenOf = ({ notes }: Dataset) => (notes![0]!.includes('a/broken.png, b') ? 'a/broken.png, b/3.png' : 'b/3.png, a/broken.png');

test('folder: what a subfolder without labels holds is trained on alone', async () => {
  const root = await folder();
  for (const name of ['a', 'b', 'unknown']) await paint(root, name, 5, 0);
  const options = { dataDir: await folder(), ...quiet };
  const set = await openDataset(root, { ...options, ignoreLabel: 'unknown' });
  assert.equal([set.classes, set.train.n, set.test.n], [['a', 'b'], 13, 2]);
  assert.is(set.train.labels.filter(label => label === UNLABELLED).length, 5);
  for (const [i, name] of set.train.names!.entries()) assert.is(set.train.labels[i], [0, 1, UNLABELLED]['abu'.indexOf(name[0]!)]);
  const wrong = await refusal(() => openDataset(root, { ...options, ignoreLabel: 'unkown' }));
  assert.match(wrong, /^ignoreLabel unkown: .* has no such subfolder; give one of a, b, unknown$/);
});

interface Resized {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly resize: number;
  readonly crop: [h: number, w: number];
  readonly pixels: readonly number[];
}
for (const { name, width, height, resize, crop, pixels } of readJson<{ cases: Resized[] }>('resize.json').cases) {
  test(`folder: --resize shows what torchvision's Resize and CenterCrop do: ${name}`, async () => {
    const at = (x: number, y: number) => [4 * x, 3 * y, (Math.floor(x / 5) + Math.floor(y / 5)) % 2 ? 200 : 40];
    const raw = Uint8Array.from(Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width))).flat());
    const png = await sharp(raw, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const seen = await (await framed(png, [width, height], crop, resize)).raw().toBuffer();
    const off = pixels.map((v, i) => Math.abs(v - seen[i]!));
    assert.ok(Math.max(...off) <= 3 && off.reduce((a, b) => a + b) / off.length < 0.7, `${Math.max(...off)} at most`);
  });
}

test('folder: what was decoded of a folder as it was before goes once nothing has read it for a week', async () => {
  const [root, dataDir] = [await folder(), await folder()];
  const store = join(dataDir, 'folders');
  const open = (imageSize: number) => openDataset(root, { dataDir, imageSize });
  for (const name of ['cats', 'dogs']) await paint(root, name, 3, 100);
  await open(8);
  const [read] = await readdir(store);
  await open(16);
  await writeFile(join(store, 'photos-0.bin.1.tmp'), 'of a process that was killed');
  const then = new Date(Date.now() - 8 * 86_400_000);
  for (const name of await readdir(store)) await utimes(join(store, name), then, then);
  await open(8);
  assert.is((await readdir(store)).length, 3, 'what changes nothing removes nothing');
  await paint(root, 'cows', 3, 50);
  await open(8);
  const left = await readdir(store);
  assert.is(left.length, 2, left.join());
  assert.ok(left.includes(read!), 'the file that was read just now stays');
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

test('a picture that was written over another under its name is the one that is read, of any format', async () => {
  const root = await folder();
  for (const format of ['png', 'jpg', 'gif', 'tiff', 'webp', 'avif']) {
    const path = join(root, `photo.${format}`);
    for (const level of [40, 200]) {
      await writeFile(
        path,
        await picture({ r: level, g: level, b: level })
          .toFormat(format as 'png')
          .toBuffer(),
      );
      const { width, height, rgba } = await nodeHost.open(path);
      const [red] = await rgba(height, width);
      assert.ok(Math.abs(red! - level) < 4, `${format}: ${red}, expected ${level}`);
    }
  }
});

test.run();
