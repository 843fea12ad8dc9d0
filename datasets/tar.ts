/** Reads tar archives (ustar, with GNU and pax long names skipped over) from a stream: the archives here hold short names. */
import { check, DescentError } from '../engine/check.ts';

/** A regular file of an archive. */
export interface TarFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const LATIN = new TextDecoder('latin1');
const text = (block: Uint8Array, from: number, length: number) => LATIN.decode(block.subarray(from, from + length)).replace(/\0.*$/s, '');

/**
 * The regular files of an archive for whose path `most` gives a number: the bytes that such a file may have, since each is held in memory
 * whole while it is used and a header can claim anything.
 */
export async function* tarFiles(stream: AsyncIterable<Uint8Array>, most: (path: string) => number | undefined): AsyncGenerator<TarFile> {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  /** The next `length` bytes, or undefined at the end of the stream; skipped bytes are not kept. */
  const take = async (length: number, keep: boolean): Promise<TarFile['bytes'] | undefined> => {
    const out = new Uint8Array(keep ? length : 0);
    for (let filled = 0; filled < length; ) {
      if (!rest.length) {
        const { value, done } = await chunks.next();
        if (done) return undefined;
        rest = value;
      }
      const part = rest.subarray(0, length - filled);
      if (keep) out.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
    return out;
  };
  try {
    for (;;) {
      const header = await take(512, true);
      if (!header || header.every(byte => byte === 0)) return;
      const size = parseInt(text(header, 124, 12).trim(), 8);
      check(size >= 0 && text(header, 257, 5) === 'ustar', 'not a tar archive', 'the download is corrupt');
      const prefix = text(header, 345, 155);
      const name = text(header, 0, 100);
      const path = (prefix ? `${prefix}/${name}` : name).replace(/^\.\//, '');
      const limit = header[156] === 0 || header[156] === 48 ? most(path) : undefined; // '0' and NUL mark regular files
      const keep = limit !== undefined;
      check(!keep || size <= limit, `${path}: the archive says ${size} bytes, ${limit} are expected at most`, 'the download is corrupt');
      const bytes = await take(size, keep);
      const padding = await take(bytes ? -size & 511 : 0, false); // to whole blocks of 512
      if (!bytes || !padding) {
        throw new DescentError(`${path}: the archive ends before its ${size} bytes`, 'the download is truncated');
      }
      if (keep) yield { path, bytes };
    }
  } finally {
    await chunks.return?.(); // the stream may go on behind the archive, or behind what is broken
  }
}
