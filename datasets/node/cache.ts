/** The local store of data sets: `<data dir>/<data set>/<file>`, each file whole and checked or not there. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { check, DescentError, named, say } from '../../engine/check.ts';
import { makeFolders } from './make-folders.ts';
import type { DataFile } from '../info.ts';
import { cacheDir, STAMP } from './cache-dir.mjs';
import { sha256 } from './sha256.ts';

export const datasetFolder = (name: string, dataDir = process.env.DESCENT_DATA ?? cacheDir()): string => join(dataDir, name);

/** What is wrong with a stored file: nothing, or a phrase for a message. `content` reads and hashes it too. */
export async function fault(folder: string, file: DataFile, content: boolean): Promise<string | undefined> {
  const path = join(folder, file.name);
  const found = await stat(path).catch(() => undefined);
  if (!found) return `${file.name} is missing`;
  if (found.size !== file.bytes) return `${file.name} has ${found.size} bytes, ${file.bytes} expected`;
  if (!content) return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  const seen = hash.digest('hex');
  return seen === file.sha256 ? undefined : `${file.name} has SHA-256 ${seen}, ${file.sha256} expected`;
}

/** What each file was when its content was last checked. */
type Stamp = Readonly<Record<string, readonly [bytes: number, mtimeMs: number]>>;

/** Whether the stamp says that all files were checked and none was touched since. */
export async function isComplete(folder: string, files: readonly DataFile[]): Promise<boolean> {
  try {
    const stamp = JSON.parse(await readFile(join(folder, STAMP), 'utf8')) as Stamp;
    const states = await Promise.all(files.map(file => stat(join(folder, file.name))));
    return files.every(({ name, bytes }, i) => {
      const [stampedBytes, stampedTime] = stamp[name] ?? [];
      const { size, mtimeMs } = states[i]!;
      return stampedBytes === bytes && size === bytes && stampedTime === mtimeMs;
    });
  } catch {
    return false;
  }
}

export async function writeStamp(folder: string, files: readonly DataFile[]): Promise<void> {
  const states = await Promise.all(files.map(file => stat(join(folder, file.name))));
  const stamp: Stamp = Object.fromEntries(files.map(({ name, bytes }, i) => [name, [bytes, states[i]!.mtimeMs]]));
  await writeWhole(join(folder, STAMP), Buffer.from(JSON.stringify(stamp)));
}

/** Writes a file beside its place and moves it there: it appears whole or not at all. What `bytes` throw while they come is passed on. */
export async function writeWhole(path: string, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      for await (const part of bytes instanceof Uint8Array ? [bytes] : bytes) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (e) {
    await rm(temporary, { force: true });
    if (e instanceof DescentError) throw e;
    throw new DescentError(
      `cannot write ${path}: ${(e as Error).message}`,
      say`free space or choose another folder with ${named('dataDir')}`,
    );
  }
}

/** Puts the content of `file` into the cache after comparing it with its pinned size and hash. */
export async function store(folder: string, file: DataFile, bytes: Uint8Array): Promise<void> {
  check(bytes.length === file.bytes, `${file.name}: ${bytes.length} bytes seen, ${file.bytes} expected`);
  const seen = sha256(bytes);
  check(seen === file.sha256, `${file.name}: SHA-256 ${seen} seen, ${file.sha256} expected`);
  await writeWhole(join(folder, file.name), bytes);
}

/** The folder of a data set, made if need be; the error names it when it cannot be. */
export async function makeFolder(folder: string): Promise<string> {
  try {
    makeFolders(folder);
  } catch (error) {
    throw new DescentError(`cannot make the folder ${folder}: ${(error as Error).message}`, say`choose another with ${named('dataDir')}`);
  }
  return folder;
}

/** Removes what processes that were killed left in a folder: scratch folders and half-written files carry their process's number. */
export async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const owner = /^\.fetch-(\d+)-|\.(\d+)\.tmp$/.exec(name);
    const pid = Number(owner?.[1] ?? owner?.[2]);
    if (owner && pid !== process.pid && !alive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Whether a process of this machine is there, be it another user's. */
export function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A Buffer's bytes as the plain array that the browser too would have. */
export const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
