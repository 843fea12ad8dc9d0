import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { createServer, get, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DatasetInfo, Source } from '../../datasets/info.ts';
import { fetchDataset } from '../../datasets/node/fetch.ts';
import { setVariable } from '../support/process/environment.ts';
import { refusal } from '../support/refusal.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { tarOf } from '../support/tar-of.ts';

const test = suite('fetch');
const folder = scratchFolders(test);
let restore = () => {};
test.before(() => {
  restore = setVariable('DESCENT_OFFLINE', undefined); // the server is on this machine
});
test.after(() => restore());

/** A data set of two small files that a server on this machine has. */
const a = Buffer.from(Array.from({ length: 50000 }, (_, i) => (i * i) >> 3));
const b = Buffer.from('labels');
const contents: Record<string, Buffer> = { 'a.bin': a, 'b.bin': b };
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const files = Object.entries(contents).map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: sha256(bytes) }));
const load = () => {
  throw new Error('not loaded here');
};
const nothing = { title: '', shape: [1, 1, 1], classes: [], train: 0, test: 0 } as const;
const small = (...sources: Source[]): DatasetInfo => ({ ...nothing, files, sources, load });
const zipped = gzipSync(a, { level: 0 });
const archive = gzipSync(tarOf({ 'd/readme': Buffer.from('x'), 'd/a.bin': a, 'd/b.bin': b }));

interface Seen {
  url: string;
  range: string | undefined;
}
type Serve = (name: string, range: number, answer: ServerResponse, seen: Seen[]) => void;
const whole = (name: string) => (name === 'set.tar.gz' ? archive : name === 'a.bin.gz' ? zipped : gzipSync(b));
const ranged: Serve = (name, from, answer) => {
  const bytes = whole(name);
  if (from >= bytes.length) return void answer.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
  answer.setHeader('content-length', bytes.length - from);
  if (from) answer.setHeader('content-range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  answer.writeHead(from ? 206 : 200).end(bytes.subarray(from));
};
const unranged: Serve = (name, _, answer) => void answer.writeHead(200).end(whole(name));

/** Fetches into `dataDir` from a server that answers with `serve`; returns what it was asked for. */
async function fetchFrom(
  serve: Serve,
  dataDir: string,
  sources = (url: string): Source[] => [{ kind: 'gzip', url }],
  notes: string[] = [],
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const server = createServer((ask, answer) => {
    seen.push({ url: ask.url!.slice(1), range: ask.headers.range });
    serve(ask.url!.slice(1), Number(/bytes=(\d+)-/.exec(ask.headers.range ?? '')?.[1] ?? 0), answer, seen);
  });
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    const { port } = server.address() as AddressInfo;
    await fetchDataset('small', { dataDir, onNote: line => notes.push(line) }, small(...sources(`http://127.0.0.1:${port}/`)));
  } finally {
    server.closeAllConnections();
    server.close();
  }
  for (const [name, bytes] of Object.entries(contents)) assert.ok((await readFile(join(dataDir, 'small', name))).equals(bytes), name);
  assert.equal(
    (await readdir(join(dataDir, 'small'))).filter(name => /part|tmp|fetch/.test(name)),
    [],
  );
  return seen;
}
async function place(dir: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(dir, 'small'), { recursive: true });
  await writeFile(join(dir, 'small', name), bytes);
}
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    s => s.size,
    () => 0,
  );
/** Waits until the file has more than `bytes` bytes. */
async function written(path: string, bytes: number): Promise<void> {
  while ((await sizeOf(path)) <= bytes) await new Promise(resolve => setTimeout(resolve, 5));
}
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
  const broken: Serve = (name, from, answer) => {
    const bytes = whole(name);
    if (from) answer.setHeader('content-range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
    answer.writeHead(from ? 206 : 200, { 'content-length': bytes.length - from });
    answer.write(bytes.subarray(from, from + 10000));
    void written(join(dir, 'small', `${name}.part`), from).then(() => answer.destroy());
  };
  const message = await refusal(() => fetchFrom(broken, dir));
  assert.match(message, /^small: 2 files are missing in .*small, and fetching failed \(127\.0\.0\.1:\d+: .*\); put /);
  assert.match(message, /; put a\.bin\.gz, b\.bin\.gz \(from http.*\) there, or use dataset shapes/);
  const had = await sizeOf(join(dir, 'small', 'a.bin.gz.part'));
  const [range, ...others] = ranges(await fetchFrom(ranged, dir));
  const asked = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]);
  assert.ok(had > 0 && asked >= had && asked <= 30000, `${had} bytes on the disk, asked for ${range}`); // the last write may come late
  assert.equal(others, []);
});

for (const [what, serve, expected] of [
  ['an error', (_n, _r, answer) => void answer.writeHead(404).end(), /the server answered 404/],
  ['a web page', (_n, _r, answer) => void answer.writeHead(200).end('<html>log in first</html>'), /incorrect header check/],
  [
    'other content of the same size',
    (_n, _r, answer) => void answer.writeHead(200).end(gzipSync(Buffer.alloc(50000))),
    /a\.bin: SHA-256 [0-9a-f]{64} seen, [0-9a-f]{64} expected/,
  ],
] as [string, Serve, RegExp][]) {
  test(`download: a server that gives ${what} is refused and the next source serves`, async () => {
    const dir = await folder();
    const notes: string[] = [];
    assert.match(await refusal(() => fetchFrom(serve, dir)), expected);
    assert.equal(await readdir(join(dir, 'small')), []);
    const either: Serve = (name, ...rest) => (name.startsWith('bad/') ? serve : ranged)(name, ...rest);
    await fetchFrom(
      either,
      dir,
      url => [
        { kind: 'gzip', url: `${url}bad/` },
        { kind: 'gzip', url },
      ],
      notes,
    );
    assert.match(notes.join('\n'), /^small: 2 files from 127\.0\.0\.1:\d+ in [\d.]+ s, kept in .*small$/);
  });
}

test('download: a busy server and a reset connection are tried again, at the time that Retry-After names', async () => {
  for (const fault of [
    (answer: ServerResponse) => void answer.writeHead(503, { 'retry-after': '1' }).end(),
    (answer: ServerResponse) => void answer.socket!.resetAndDestroy(),
  ]) {
    let faults = 0;
    const start = performance.now();
    const once: Serve = (name, from, answer, seen) => (faults++ ? ranged(name, from, answer, seen) : fault(answer));
    assert.equal(ranges(await fetchFrom(once, await folder())), [undefined, undefined]);
    if (fault.toString().includes('retry-after')) assert.ok(performance.now() - start >= 1000);
  }
});

test('download: what cannot be the file is not kept: an endless answer, a small file that unpacks to gigabytes', async () => {
  const endless: Serve = (_n, _r, answer) => {
    answer.writeHead(200);
    const more = () => {
      while (answer.write(Buffer.alloc(65536)));
    };
    answer.on('drain', more);
    more();
  };
  assert.match(
    await refusal(async () => fetchFrom(endless, await folder())),
    /a\.bin\.gz: \d+ bytes and more are sent where at most 118036 can/,
  );
  const bomb = gzipSync(Buffer.alloc(100_000_000));
  const swollen: Serve = (_n, _r, answer) => void answer.writeHead(200).end(bomb);
  assert.match(await refusal(async () => fetchFrom(swollen, await folder())), /a\.bin unpacks to more than the 50000 bytes expected/);
  const claim = tarOf({ 'd/a.bin': Buffer.alloc(1) });
  claim.write('777777777777', 124, 'latin1'); // 64 GiB
  const claims: Serve = (_n, _r, answer) => void answer.writeHead(200).end(gzipSync(claim));
  const source = (url: string): Source[] => [{ kind: 'archive', url: `${url}set.tar.gz`, folder: 'd', bytes: archive.length }];
  assert.match(
    await refusal(async () => fetchFrom(claims, await folder(), source)),
    /d\/a\.bin: the archive says 68719476735 bytes, 50000 are/,
  );
});

test('download: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment are followed', async () => {
  const asked: string[] = [];
  const proxy = createServer((ask, answer) => {
    asked.push(ask.url!);
    get(ask.url!, { headers: ask.headers }, from => from.pipe(answer.writeHead(from.statusCode!, from.headers)));
  });
  proxy.on('connect', (ask, socket) => {
    asked.push(ask.url!);
    const [host, port] = ask.url!.split(':');
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
  });
  await new Promise<void>(resolve => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  const restoreProxy = setVariable('HTTP_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  const restoreExcept = setVariable('NO_PROXY', undefined);
  try {
    await fetchFrom(ranged, await folder());
    assert.match(asked[0]!, /127\.0\.0\.1:\d+/);
    process.env.NO_PROXY = '127.0.0.1';
    asked.length = 0;
    await fetchFrom(ranged, await folder());
    assert.equal(asked, []);
  } finally {
    restoreExcept();
    restoreProxy();
    proxy.closeAllConnections();
    proxy.close();
  }
});

test('download: an archive gives all files at once, also when a person put it there', async () => {
  const source = (url: string): Source[] => [{ kind: 'archive', url: `${url}set.tar.gz`, folder: 'd', bytes: archive.length }];
  assert.equal(await fetchFrom(ranged, await folder(), source), [{ url: 'set.tar.gz', range: undefined }]);
  const dir = await folder();
  await place(dir, 'set.tar.gz', archive);
  assert.equal(await fetchFrom(ranged, dir, source), []);
  assert.ok(await stat(join(dir, 'small/set.tar.gz')), 'what a person placed stays');
  const other = await folder();
  await place(other, 'set.tar.gz', gzipSync(tarOf({ 'd/a.bin': a }).subarray(0, 9000)));
  assert.match(await refusal(() => fetchFrom(ranged, other, source)), /d\/a\.bin: the archive ends before its 50000 bytes/);
});

test('cache: broken, touched and half-written files are noticed and replaced', async () => {
  const dir = await folder();
  const notes: string[] = [];
  const path = join(dir, 'small/a.bin');
  await fetchFrom(ranged, dir);
  await truncate(path, 100);
  assert.equal(ranges(await fetchFrom(ranged, dir, undefined, notes)), [undefined]);
  assert.is(notes[0], 'small: a.bin has 100 bytes, 50000 expected: fetching it again');
  const bytes = await readFile(path);
  bytes[777]! ^= 1;
  await writeFile(path, bytes); // same size
  await utimes(path, 2, 2); // another time, however coarsely the disk keeps it
  assert.equal(ranges(await fetchFrom(ranged, dir)), [undefined]);
  await utimes(path, 1, 1); // touched only: checked, not fetched
  assert.equal(await fetchFrom(ranged, dir), []);
  await appendFile(path, 'x');
  await place(dir, 'a.bin.999999.tmp', bytes); // what a killed process left
  await mkdir(join(dir, 'small/.fetch-999999-abc'));
  assert.equal(ranges(await fetchFrom(ranged, dir)), [undefined]);
});

test.run();
