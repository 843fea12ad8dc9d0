import { createHash } from 'node:crypto';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dataFetch, dataList, dataVerify } from '../cli/data.ts';
import { readCifar, writeCifar10 } from '../datasets/cifar.ts';
import { first, makeSplit, type Dataset } from '../datasets/dataset.ts';
import { parseIdxImages, parseIdxLabels } from '../datasets/idx.ts';
import { datasets, loadDataset, type DatasetInfo, type Source } from '../datasets/index.ts';
import { fetchDataset, verifyDataset } from '../datasets/node/fetch.ts';
import { openDataset } from '../datasets/node/open.ts';
import { plane, PLANE_SETS, planeByte, planeValue, SHAPE_CLASSES, shapes } from '../datasets/synthetic.ts';
import { DescentError } from '../engine/check.ts';

const quiet = { quiet: true };
let scratch = '';
const folder = async () => mkdtemp(join(scratch, 'x-'));
const test = suite('datasets');
test.before(async () => { scratch = await mkdtemp(join(tmpdir(), 'descent-datasets-')); });
test.after(() => rm(scratch, { recursive: true }));

/** The message of the DescentError that `work` throws; any other end fails. */
async function refusal(work: () => unknown): Promise<string> {
  try { await work(); } catch (e) {
    if (e instanceof DescentError) return e.message;
    throw e;
  }
  throw new Error('it did not throw');
}
/** Fails without printing thousands of numbers. */
function same(a: Dataset['train'], b: Dataset['train'], what = 'split') {
  assert.ok(a.n === b.n && Buffer.compare(a.images, b.images) === 0 && Buffer.compare(Buffer.from(a.labels), Buffer.from(b.labels)) === 0, `${what} differs`);
}
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
  ['a truncated file', () => parseIdxImages('f', idxFile(0x803, [2, 3, 4], 23)), /^f: 39 bytes seen, 40 expected \(2 x 3 x 4 after a 16-byte header\); the file is truncated$/],
  ['a file that is too long', () => parseIdxImages('f', idxFile(0x803, [2, 3, 4], 25)), /41 bytes seen, 40 expected.*corrupt/],
  ['labels for images', () => parseIdxImages('f', idxFile(0x801, [30], 30)), /magic number 0x00000801 seen, 0x00000803 expected/],
  ['a file still compressed', () => parseIdxLabels('f', gzipSync(idxFile(0x801, [5], 5))), /gunzip it/],
  ['a header that lies', () => parseIdxImages('f', idxFile(0x803, [4e9, 4e9, 4], 9)), /25 bytes seen, .* expected/],
  ['a label beyond the classes', () => makeSplit('f', new Uint8Array(3), Uint16Array.of(0, 10, 1), [1, 1, 1], 10), /label 10 at image 1, but there are 10 classes/],
  ['images without labels', () => makeSplit('f', new Uint8Array(3), Uint16Array.of(0, 1), [1, 1, 1], 10), /3 images of \[1, 1, 1\] but 2 labels/],
  ['CIFAR cut in a record', () => readCifar('f', new Uint8Array(3073 * 2 - 1), 1, new Uint8Array(6144), new Uint16Array(2), 0), /6145 bytes seen, a multiple of 3073 expected/],
  ['a file of another size than published', () => loadDataset('cifar10', async () => new Uint8Array(3073)), /cifar10: data_batch_1.bin: 3073 bytes seen, 30730000 expected.*truncated.*descent data fetch cifar10/],
] as [string, () => unknown, RegExp][]) {
  test(`says plainly: ${what}`, async () => { assert.match(await refusal(parse), expected); });
}

test('CIFAR records: planes from interleaved pixels and back, coarse label skipped', () => {
  const rgb = Uint8Array.from({ length: 2 * 3072 }, (_, i) => i * 7);
  const file = writeCifar10(rgb, [3, 9]);
  assert.equal([file.length, file[0], file[3073]], [6146, 3, 9]);
  const images = new Uint8Array(6144), labels = new Uint16Array(2);
  assert.is(readCifar('f', file, 1, images, labels, 0), 2);
  assert.equal([...labels], [3, 9]);
  for (const [i, c, p] of [[0, 0, 0], [0, 2, 1023], [1, 1, 77]] as const) assert.is(images[i * 3072 + c * 1024 + p], rgb[i * 3072 + 3 * p + c]);
  const fine = new Uint8Array(3074).fill(8);
  fine.set([5, 99]);
  readCifar('f', fine, 2, images, labels, 1);
  assert.equal([labels[1], images[3072], images[6143]], [99, 8, 8]);
});

// Sizes, balance and first labels as published; mean and standard deviation as everyone normalises with them.
for (const [name, n, firstLabels, mean, deviation] of [
  ['fashion-mnist', [60000, 10000], [9, 0, 0, 3, 0, 2, 7, 2], [0.2860], [0.3530]],
  ['cifar10', [50000, 10000], [6, 9, 9, 4, 1, 1, 2, 7], [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]],
] as [string, number[], number[], number[], number[]][]) {
  test(`${name} is the real one`, async () => {
    const set = await openDataset(name, quiet), [c, h, w] = set.shape;
    assert.equal([set.train.n, set.test.n, set.classes.length], [...n, 10]);
    assert.equal([...set.train.labels.subarray(0, 8)], firstLabels);
    for (const split of [set.train, set.test]) {
      const counts = new Array(10).fill(0);
      for (const label of split.labels) counts[label]++;
      assert.equal(counts, new Array(10).fill(split.n / 10));
    }
    for (let channel = 0; channel < c; channel++) {
      let sum = 0, squares = 0;
      for (let i = 0; i < set.train.n; i++) for (let p = (i * c + channel) * h * w, end = p + h * w; p < end; p++) { const v = set.train.images[p]!; sum += v; squares += v * v; }
      const count = set.train.n * h * w, m = sum / count;
      assert.ok(Math.abs(m / 255 - mean[channel]!) < 5e-5 && Math.abs(Math.sqrt(squares / count - m * m) / 255 - deviation[channel]!) < 5e-5, `${m / 255}, ${Math.sqrt(squares / count - m * m) / 255}`);
    }
    const part = await openDataset(name, { ...quiet, limitTrain: 12, limitTest: 5 });
    assert.equal([part.train.n, part.test.n], [12, 5]);
    same(part.train, first(set.train, 12));
    same(part.test, first(set.test, 5));
  });
}

for (const [name, make] of [['shapes', shapes], ...PLANE_SETS.map(set => [set, (n: number, from?: number) => plane(set, n, from)])] as [string, (n: number, from?: number) => ReturnType<typeof shapes>][]) {
  test(`${name}: each sample depends on its index alone, classes are balanced, the test set is new`, async () => {
    const all = make(60), part = make(20, 40), size = all.images.length / 60;
    same({ images: all.images.subarray(40 * size), labels: all.labels.subarray(40), n: 20 }, part);
    const set = await openDataset(name, { limitTrain: 60 }), counts = new Array(set.classes.length).fill(0);
    same(set.train, all);
    for (const label of set.test.labels) counts[label]++;
    assert.equal(counts, new Array(set.classes.length).fill(set.test.n / set.classes.length));
    assert.not.equal([...set.test.images.subarray(0, 2000)], [...set.train.images.subarray(0, 2000)]);
  });
}

test('shapes: every class is drawn, and its mean picture is not enough to know it', () => {
  const train = shapes(2000), held = shapes(500, 12000), classes = SHAPE_CLASSES.length, size = 3072;
  const means = Array.from({ length: classes }, () => new Float64Array(size));
  train.labels.forEach((label, i) => { for (let p = 0; p < size; p++) means[label]![p]! += train.images[i * size + p]! / (train.n / classes); });
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
    'two-moons': (x, y, label) => Math.abs(Math.hypot(x - (label ? 1.5 : -1.5), y - (label ? 0.75 : -0.75)) - 3) < 0.06 && (label ? y < 0.8 : y > -0.8),
    circles: (x, y, label) => label ? Math.hypot(x, y) < 2.55 : Math.hypot(x, y) > 3.45,
    xor: (x, y, label) => (x * y > 0) === Boolean(label),
    gauss: () => true,
    spiral: (x, y, label) => {
      const radius = Math.hypot(x, y), at = radius / 5 * 1.75 * 2 * Math.PI + (label ? 0 : Math.PI);
      return Math.hypot(x - radius * Math.sin(at), y - radius * Math.cos(at)) < 0.4; // a byte's half step turns the angle; the arms are 1.4 apart
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

/** A data set of two small files that a server on this machine has. */
const contents: Record<string, Buffer> = { 'a.bin': Buffer.from(Array.from({ length: 50000 }, (_, i) => i * i >> 3)), 'b.bin': Buffer.from('labels') };
const files = Object.entries(contents).map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }));
const small = (...sources: Source[]): DatasetInfo => ({ title: '', shape: [1, 1, 1], classes: [], train: 0, test: 0, files, sources, load: () => { throw new Error('not loaded here'); } });
const tarOf = (entries: Record<string, Buffer>) => Buffer.concat([...Object.entries(entries).flatMap(([path, bytes]) => {
  const head = Buffer.alloc(512);
  head.write(path, 0); head.write(bytes.length.toString(8).padStart(11, '0'), 124); head.write('0', 156); head.write('ustar\0', 257);
  return [head, bytes, Buffer.alloc(-bytes.length & 511)];
}), Buffer.alloc(1024)]);
const zipped = gzipSync(contents['a.bin']!, { level: 0 }), archive = gzipSync(tarOf({ 'd/readme': Buffer.from('x'), 'd/a.bin': contents['a.bin']!, 'd/b.bin': contents['b.bin']! }));

interface Seen { url: string; range: string | undefined }
type Serve = (name: string, range: number, answer: ServerResponse, seen: Seen[]) => void;
const whole = (name: string) => name === 'set.tar.gz' ? archive : name === 'a.bin.gz' ? zipped : gzipSync(contents['b.bin']!);
const ranged: Serve = (name, from, answer) => {
  const bytes = whole(name);
  if (from >= bytes.length) return void answer.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
  answer.writeHead(from ? 206 : 200, { 'content-length': bytes.length - from, ...from ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {} }).end(bytes.subarray(from));
};
const unranged: Serve = (name, _, answer) => void answer.writeHead(200).end(whole(name));

/** Fetches into `dataDir` from a server that answers with `serve`; returns what it was asked for. */
async function fetchFrom(serve: Serve, dataDir: string, sources: (url: string) => Source[] = url => [{ kind: 'gzip', url }], notes: string[] = []): Promise<Seen[]> {
  const seen: Seen[] = [];
  const server = createServer((ask, answer) => {
    seen.push({ url: ask.url!.slice(1), range: ask.headers.range });
    serve(ask.url!.slice(1), Number(/bytes=(\d+)-/.exec(ask.headers.range ?? '')?.[1] ?? 0), answer, seen);
  });
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  try {
    await fetchDataset('small', { dataDir, onNote: line => notes.push(line) }, small(...sources(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)));
  } finally { server.closeAllConnections(); server.close(); }
  for (const [name, bytes] of Object.entries(contents)) assert.ok((await readFile(join(dataDir, 'small', name))).equals(bytes), name);
  assert.equal((await readdir(join(dataDir, 'small'))).filter(name => /part|tmp|fetch/.test(name)), []);
  return seen;
}
const place = async (dir: string, name: string, bytes: Uint8Array) => { await mkdir(join(dir, 'small'), { recursive: true }); await writeFile(join(dir, 'small', name), bytes); };
const ranges = (seen: Seen[]) => seen.filter(s => s.url === 'a.bin.gz').map(s => s.range);

test('download: whole, then nothing more to ask', async () => {
  const dir = await folder();
  assert.equal((await fetchFrom(ranged, dir)).length, 2);
  assert.equal((await fetchFrom(ranged, dir)).length, 0);
});

for (const [what, serve, part, expected] of [
  ['goes on where it stopped', ranged, zipped.subarray(0, 20000), ['bytes=20000-']],
  ['starts again where the server cannot go on', unranged, zipped.subarray(0, 20000), ['bytes=20000-']],
  ['uses a part that was whole already', ranged, zipped, [`bytes=${zipped.length}-`]],
  ['starts again after a part longer than the file', ranged, Buffer.concat([zipped, zipped]), [`bytes=${2 * zipped.length}-`, undefined]],
  ['starts again after a part of another file', ranged, Buffer.alloc(20000, 7), ['bytes=20000-', undefined]],
] as [string, Serve, Buffer, (string | undefined)[]][]) {
  test(`download: ${what}`, async () => {
    const dir = await folder();
    await place(dir, 'a.bin.gz.part', part);
    assert.equal(ranges(await fetchFrom(serve, dir)), expected);
  });
}

test('download: a broken connection leaves a part, and the next try asks for the rest', async () => {
  const dir = await folder();
  const broken: Serve = (name, _, answer) => {
    answer.writeHead(200, { 'content-length': whole(name).length });
    answer.write(whole(name).subarray(0, 30000), () => setTimeout(() => answer.destroy(), 100));
  };
  assert.match(await refusal(() => fetchFrom(broken, dir)), /^small: 2 files are missing in .*small, and fetching failed \(127\.0\.0\.1:\d+: .*\); put a\.bin\.gz, b\.bin\.gz \(from http.*\) there, or use --dataset shapes/);
  const had = (await stat(join(dir, 'small', 'a.bin.gz.part'))).size;
  assert.ok(had > 0 && had <= 30000);
  assert.equal(ranges(await fetchFrom(ranged, dir)), [`bytes=${had}-`]);
});

for (const [what, serve, expected] of [
  ['an error', (_n, _r, answer) => void answer.writeHead(404).end(), /the server answered 404/],
  ['a web page', (_n, _r, answer) => void answer.writeHead(200).end('<html>log in first</html>'), /incorrect header check/],
  ['other content of the same size', (_n, _r, answer) => void answer.writeHead(200).end(gzipSync(Buffer.alloc(50000))), /a\.bin: SHA-256 [0-9a-f]{64} seen, [0-9a-f]{64} expected/],
] as [string, Serve, RegExp][]) {
  test(`download: a server that gives ${what} is refused and the next source serves`, async () => {
    const dir = await folder(), notes: string[] = [];
    assert.match(await refusal(() => fetchFrom(serve, dir)), expected);
    assert.equal((await readdir(join(dir, 'small'))), []);
    await fetchFrom((name, range, answer, seen) => (name.startsWith('bad/') ? serve : ranged)(name, range, answer, seen), dir, url => [{ kind: 'gzip', url: `${url}bad/` }, { kind: 'gzip', url }], notes);
    assert.match(notes.join('\n'), /^small: 2 files from 127\.0\.0\.1:\d+ in [\d.]+ s, kept in .*small$/);
  });
}

test('download: an archive gives all files at once, also when a person put it there', async () => {
  const source = (url: string): Source[] => [{ kind: 'archive', url: `${url}set.tar.gz`, folder: 'd', bytes: archive.length }];
  assert.equal(await fetchFrom(ranged, await folder(), source), [{ url: 'set.tar.gz', range: undefined }]);
  const dir = await folder();
  await place(dir, 'set.tar.gz', archive);
  assert.equal(await fetchFrom(ranged, dir, source), []);
  assert.ok(await stat(join(dir, 'small/set.tar.gz')), 'what a person placed stays');
  const other = await folder();
  await place(other, 'set.tar.gz', gzipSync(tarOf({ 'd/a.bin': contents['a.bin']! }).subarray(0, 9000)));
  assert.match(await refusal(() => fetchFrom(ranged, other, source)), /d\/a\.bin: the archive ends before its 50000 bytes/);
});

test('cache: broken, touched and half-written files are noticed and replaced', async () => {
  const dir = await folder(), notes: string[] = [], a = join(dir, 'small/a.bin');
  await fetchFrom(ranged, dir);
  await truncate(a, 100);
  assert.equal(ranges(await fetchFrom(ranged, dir, undefined, notes)), [undefined]);
  assert.is(notes[0], 'small: a.bin has 100 bytes, 50000 expected: fetching it again');
  const bytes = await readFile(a);
  bytes[777]! ^= 1;
  await writeFile(a, bytes); // same size
  assert.equal(ranges(await fetchFrom(ranged, dir)), [undefined]);
  await utimes(a, 1, 1); // touched only: checked, not fetched
  assert.equal(await fetchFrom(ranged, dir), []);
  await appendFile(a, 'x');
  await place(dir, 'a.bin.999999.tmp', bytes); // what a killed process left
  await mkdir(join(dir, 'small/.fetch-999999-abc'));
  assert.equal(ranges(await fetchFrom(ranged, dir)), [undefined]);
});

test('offline: the error names the files, the folder and the way on; files put there are used', async () => {
  const dataDir = await folder(), wanted = { dataDir, ...quiet };
  process.env.DESCENT_OFFLINE = '1';
  try {
    for (const [name, file] of [['mnist', 'train-images-idx3-ubyte.gz, .* \\(from https:'], ['cifar100', 'cifar-100-binary.tar.gz \\(from https:']] as const) {
      assert.match(await refusal(() => openDataset(name, wanted)), new RegExp(`^${name}: . files are missing in ${join(dataDir, name)}, and fetching failed \\(.*DESCENT_OFFLINE is set.*put ${file}.*--dataset shapes`));
    }
    await cp(await fetchDataset('fashion-mnist'), join(dataDir, 'fashion-mnist'), { recursive: true });
    assert.is((await openDataset('fashion-mnist', wanted)).train.n, 60000);
    await truncate(join(dataDir, 'fashion-mnist/t10k-labels-idx1-ubyte'), 5000);
    assert.match(await refusal(() => openDataset('fashion-mnist', wanted)), /t10k-labels-idx1-ubyte has 5000 bytes, 10008 expected in /);
    await writeFile(join(dataDir, 'fashion-mnist/t10k-labels-idx1-ubyte.gz'), gzipSync(await readFile(join(await fetchDataset('fashion-mnist'), 't10k-labels-idx1-ubyte'))));
    assert.is((await openDataset('fashion-mnist', wanted)).test.n, 10000);
  } finally { delete process.env.DESCENT_OFFLINE; }
});

test('descent data: list, verify, fetch', async () => {
  const lines: string[] = [], print = (line: string) => { lines.push(line); }, dataDir = await folder();
  await dataList({ dataDir, json: true }, print);
  const rows = lines.splice(0).map(line => JSON.parse(line));
  assert.equal(rows.map(r => r.name), Object.keys(datasets));
  assert.equal([rows[0].state, rows[4].state, rows[0].train], ['not fetched', 'computed', 60000]);
  await dataList({ dataDir }, print);
  assert.match(lines.splice(0).join('\n'), /\nfashion-mnist +1x28x28 +10 +60000 +10000 +55 +not fetched +Fashion-MNIST/);
  assert.match(await refusal(() => dataVerify([], { dataDir }, print)), /nothing in .*descent data fetch/);
  assert.match(await refusal(() => dataFetch([], { dataDir }, print)), /no data set named; known: fashion-mnist/);
  assert.match(await refusal(() => dataFetch(['mnits'], { dataDir }, print)), /did you mean 'mnist'/);
  await cp(await fetchDataset('fashion-mnist'), join(dataDir, 'fashion-mnist'), { recursive: true });
  await dataVerify([], { dataDir }, print);
  assert.equal(lines.splice(0), ['fashion-mnist: 4 files, all as published']);
  const labels = join(dataDir, 'fashion-mnist/train-labels-idx1-ubyte'), { mtime, atime } = await stat(labels), bytes = await readFile(labels);
  bytes[9]! ^= 1;
  await writeFile(labels, bytes);
  await utimes(labels, atime, mtime); // damage that leaves size and time alone
  assert.equal(await verifyDataset('fashion-mnist', dataDir).then(faults => faults.map(f => f.slice(0, 36))), ['train-labels-idx1-ubyte has SHA-256 ']);
  assert.match(await refusal(() => dataVerify([], { dataDir }, print)), /fashion-mnist not as published; 'descent data fetch fashion-mnist'/);
});

/** Writes `count` images of one colour a class: red grows with the number. */
async function paint(root: string, name: string, count: number, green: number, type: 'png' | 'jpg' = 'png'): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  for (let i = 0; i < count; i++) await sharp({ create: { width: 50, height: 40, channels: 3, background: { r: 10 * i, g: green, b: 0 } } }).toFile(join(root, name, `${i}.${type}`));
}

test('folder: classes, a stratified fifth for testing, pixels in planes, a cache that follows changes', async () => {
  const root = await folder(), dataDir = await folder(), notes: string[] = [], options = { dataDir, onNote: (line: string) => notes.push(line), onProgress: () => {} };
  await paint(root, 'cats', 10, 200);
  await paint(root, 'dogs/large', 5, 100, 'jpg'); // deeper folders belong to their class
  await writeFile(join(root, 'cats/.hidden.png'), 'x');
  await writeFile(join(root, 'cats/notes.txt'), 'x');
  const set = await openDataset(root, options);
  assert.equal([set.shape, set.classes, set.train.n, set.test.n], [[3, 32, 32], ['cats', 'dogs'], 12, 3]);
  assert.equal([...set.test.labels].sort(), [0, 0, 1]);
  const plane = 1024, reds = new Set<number>();
  for (const { images, labels, n } of [set.train, set.test]) for (let i = 0; i < n; i++) {
    const green = images[i * 3 * plane + plane]!, blue = images[i * 3 * plane + 2 * plane]!;
    if (labels[i] === 0) { assert.equal([green, blue], [200, 0]); reds.add(images[i * 3 * plane]!); }
    else assert.ok(Math.abs(green - 100) < 4 && blue < 4);
  }
  assert.equal([...reds].sort((a, b) => a - b), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
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

test('folder: train/ and test/ are taken as they are; grey images have one channel', async () => {
  const root = await folder(), dataDir = await folder();
  for (const [name, count] of [['train/a', 3], ['train/b', 2], ['test/a', 1], ['test/b', 4]] as const) {
    await mkdir(join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) await sharp({ create: { width: 30, height: 30, channels: 3, background: '#808080' } }).toColourspace('b-w').toFile(join(root, name, `${i}.png`));
  }
  const set = await openDataset(root, { dataDir, ...quiet, imageSize: 28 });
  assert.equal([set.shape, set.train.n, set.test.n, set.train.images[0]], [[1, 28, 28], 5, 5, 128]);
});

for (const [what, make, expected] of [
  ['one class only', async root => paint(root, 'cats', 2, 0), /one class only \('cats'\); at least two subfolders/],
  ['no class', async root => writeFile(join(root, 'x.png'), ''), /: no class; at least two subfolders/],
  ['an empty class', async root => { await paint(root, 'a', 2, 0); await mkdir(join(root, 'b')); }, /class 'b' has no PNG or JPEG image/],
  ['an unreadable image', async root => { await paint(root, 'a', 2, 0); await paint(root, 'b', 2, 0); await writeFile(join(root, 'b/bad.jpg'), 'not a jpeg'); }, /cannot read the image b\/bad\.jpg \(.*\); replace or remove it/],
  ['a truncated image', async root => { await paint(root, 'a', 2, 0); await paint(root, 'b', 2, 0); await truncate(join(root, 'a/1.png'), 90); }, /cannot read the image a\/1\.png/],
  ['mixed channels', async root => { await paint(root, 'a', 3, 0); await paint(root, 'b', 2, 0); await sharp({ create: { width: 9, height: 9, channels: 3, background: '#888' } }).toColourspace('b-w').toFile(join(root, 'b/grey.png')); },
    /images of mixed channels: (b\/grey\.png is grey, .* is coloured|.* is coloured, b\/grey\.png is grey); convert/],
  ['a test class without training images', async root => { for (const name of ['train/a', 'train/b', 'test/a', 'test/c']) await paint(root, name, 1, 0); }, /class 'c' is in test\/ but not in train\/; known: a, b/],
  ['too few to hold some back', async root => { await paint(root, 'a', 1, 0); await paint(root, 'b', 1, 0); }, /2 images leave none for testing/],
] as [string, (root: string) => Promise<void>, RegExp][]) {
  test(`folder says plainly: ${what}`, async () => {
    const root = await folder();
    await make(root);
    const message = await refusal(async () => openDataset(root, { dataDir: await folder(), ...quiet }));
    assert.ok(message.startsWith(root), 'it names the folder');
    assert.match(message, expected);
  });
}

for (const [name, options, expected] of [
  ['cifar11', {}, /unknown dataset 'cifar11'; did you mean 'cifar10'\?/],
  ['./nowhere/', {}, /dataset '\.\/nowhere\/' is not there; a folder of images by class is accepted/],
  ['package.json', {}, /dataset 'package\.json' is not a folder/],
  ['shapes', { limitTrain: 0 }, /--limit-train 0: a whole number above 0/],
  ['shapes', { limitTest: NaN }, /--limit-test NaN/],
  ['tests', { imageSize: 1.5 }, /--image-size 1\.5: a whole number from 1 to 1024/],
] as [string, object, RegExp][]) {
  test(`openDataset refuses ${name} ${JSON.stringify(options)}`, async () => { assert.match(await refusal(() => openDataset(name, { ...options, ...quiet })), expected); });
}

test.run();
