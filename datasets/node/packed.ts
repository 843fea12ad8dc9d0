/** Decoded images of a folder as one file: images, labels (u16 each), header (JSON), header length (u32); little-endian. */
import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DescentError } from '../../engine/check.ts';
import type { Stored } from '../dataset.ts';
import { readRuns } from '../runs.ts';
import { plain, writeWhole } from './cache.ts';

export interface Header {
  readonly format: 2;
  readonly classes: readonly string[];
  readonly shape: readonly [c: number, h: number, w: number];
  readonly train: number;
  readonly test: number;
  /** Images that could not be read, and why; they are none of those above. */
  readonly broken: readonly (readonly [path: string, error: string])[];
  /** Grey images among coloured ones. */
  readonly grey: number;
}

/** `images` of all are in memory where they have at most as many bytes as was said, else the file is read where they are needed. */
export interface Packed {
  readonly header: Header;
  readonly labels: Uint16Array;
  readonly images: Uint8Array;
  readonly stored?: (first: number) => Stored;
}

const imageSize = ({ shape }: Header) => shape.reduce((a, b) => a * b);

/**
 * Writes the file while `images` come, some at a time, so that they need not be in memory together. Labels and header are asked for when all
 * are there.
 */
export async function writePacked(
  path: string,
  images: AsyncIterable<Uint8Array>,
  end: () => readonly [Header, Uint16Array],
): Promise<void> {
  const content = async function* () {
    yield* images;
    const [header, labels] = end();
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    yield Buffer.concat([Buffer.from(labels.buffer, labels.byteOffset, labels.byteLength), json, length]);
  };
  await writeWhole(path, content());
}

/** Days after which a file that nothing has read goes. */
const UNREAD_DAYS = 7;
const DAY_MS = 86_400_000;

/** Opens a file, which counts as read now. */
async function toRead(path: string): Promise<FileHandle> {
  const handle = await open(path, 'r');
  const now = new Date();
  await handle.utimes(now, now).catch(() => undefined); // a store that others have made is read all the same
  return handle;
}

/**
 * Removes the files of a folder that nothing has read for a week: each change of a folder of images leaves the file of how it was before,
 * and a process that was killed what it had written.
 */
export async function removeUnread(folder: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: now })); // another process has removed it
    if (now - mtimeMs > UNREAD_DAYS * DAY_MS) await rm(path, { force: true }).catch(() => undefined); // of another user, say
  }
}

/** What writePacked wrote; fails when there is no such file or it is not whole. */
export async function readPacked(path: string, resident: number): Promise<Packed> {
  const handle = await toRead(path);
  try {
    const { size: total } = await handle.stat();
    const length = Buffer.from(await bytesAt(handle, total - 4, 4)).readUInt32LE();
    if (length + 4 > total) throw new Error('not whole');
    const header = JSON.parse(Buffer.from(await bytesAt(handle, total - 4 - length, length)).toString()) as Header;
    const n = header.train + header.test;
    const size = imageSize(header);
    if (header.format !== 2 || total !== n * (size + 2) + length + 4) throw new Error('not whole');
    const raw = Buffer.from(await bytesAt(handle, n * size, 2 * n));
    const labels = Uint16Array.from({ length: n }, (_, i) => raw.readUInt16LE(2 * i));
    if (n * size <= resident) return { header, labels, images: await bytesAt(handle, 0, n * size) };
    return { header, labels, images: new Uint8Array(), stored: first => storedAt(path, first * size, size) };
  } finally {
    await handle.close();
  }
}

/** Bytes of a file from a place on. */
export async function bytesAt(handle: FileHandle, from: number, count: number): Promise<Uint8Array> {
  const out = Buffer.alloc(count);
  for (let at = 0; at < count; ) {
    const { bytesRead } = await handle.read(out, at, Math.min(count - at, 2 ** 30), from + at);
    if (!bytesRead) throw new Error(`it ends at byte ${from + at}`);
    at += bytesRead;
  }
  return plain(out);
}

/** Images of `size` bytes from byte `from` of a file on. Neighbours are read in one go. */
function storedAt(path: string, from: number, size: number): Stored {
  return {
    async read(indices) {
      try {
        const handle = await toRead(path);
        try {
          return await readRuns(indices, size, (at, count) => bytesAt(handle, from + at, count));
        } finally {
          await handle.close();
        }
      } catch (e) {
        throw new DescentError(
          `the decoded images in ${path} cannot be read (${(e as Error).message})`,
          'run again to have them decoded anew',
        );
      }
    },
  };
}
