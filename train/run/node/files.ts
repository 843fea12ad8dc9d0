/** Files that appear whole or not at all, and what the system's refusals mean. */
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { truncateSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeFolders } from '../../../datasets/node/make-folders.ts';
import { DescentError, type Message } from '../../../engine/check.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would exceed the size limit',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'part of the path is a file, not a folder',
  EEXIST: 'a file of that name is in the way',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
};

/** A refusal of the file system as an error that says which path, why, and what to do. */
export function fileError(path: string, verb: 'read' | 'written' | 'made', error: unknown, advice: Message): DescentError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return new DescentError(`${path}: cannot be ${verb}, ${REASONS[code] ?? code}`, advice);
}

export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Writes all of `content` to a file and makes sure that it is on the disk. */
export function writeThrough(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const fd = openSync(path, 'w');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Adds a line at the end of a file. After a failure the file is as it was, and what `refuse` makes of the failure is thrown. */
export function appendLine(path: string, line: string, refuse: (path: string, error: unknown) => Error): void {
  let size = 0;
  try {
    size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    appendFileSync(path, `${line}\n`);
  } catch (error) {
    try {
      truncateSync(path, size);
    } catch {
      /* the first error is the one to tell */
    }
    throw refuse(path, error);
  }
}

/** Makes a rename survive a power cut. Some systems cannot sync a folder: there the rename alone must do. */
export function syncFolder(path: string): void {
  try {
    const fd = openSync(path, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    /* nothing is lost but the guarantee */
  }
}

/** Whether a path is a device or a pipe, as /dev/null and /dev/stdout: it is written to, and stays. */
function isDevice(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isDirectory() && (!found.isFile() || dirname(resolve(path)) === '/dev');
}

/**
 * Replaces a file by `content`: readers see the old or the new one, never a part. After a failure the old one stands,
 * and what `refuse` makes of the failure is thrown.
 */
export function writeWhole(path: string, content: string | Uint8Array, refuse: (path: string, error: unknown) => Error = refused): void {
  const fresh = `${path}.new`;
  try {
    if (isDevice(path)) {
      writeFileSync(path, content);
      return;
    }
    writeThrough(fresh, content);
    renameSync(fresh, path);
  } catch (error) {
    removeQuietly(fresh);
    throw refuse(path, error);
  }
  syncFolder(dirname(path));
}

/**
 * Makes a folder that is to hold files, or says why it cannot be made. What it returns takes the folder away again, and those above it that
 * were missing, where nothing came to lie in them.
 */
export function makeFolder(path: string, advice: Message): () => void {
  let made: string | undefined;
  try {
    made = makeFolders(path);
  } catch (error) {
    throw fileError(path, 'made', error, advice);
  }
  return () => {
    try {
      for (let at = resolve(path); made?.length && at.length >= made.length; at = dirname(at)) rmdirSync(at);
    } catch {
      /* it holds something */
    }
  };
}

/** Throws where `writeWhole` would: said before what is to be written has been computed. */
export function checkWritable(path: string): void {
  const fresh = `${path}.new`;
  try {
    if (isDevice(path)) return;
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw Object.assign(new Error(path), { code: 'EISDIR' });
    closeSync(openSync(fresh, 'w'));
  } catch (error) {
    throw refused(path, error);
  }
  removeQuietly(fresh);
}

/** The usual refusal of a write. */
const refused = (path: string, error: unknown): DescentError =>
  fileError(path, 'written', error, isFull(error) ? 'free some space and try again' : 'choose another place');

/** Cleans up after a failure, whose own error is the one to tell. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    /* see above */
  }
}

/** Writes files into a folder, which is made, with what is missing above it and in it; names may hold slashes. */
export function writeFolder(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    makeFolder(dirname(path), 'choose another place');
    writeWhole(path, content);
  }
}

/** The bytes of a file, or an error that names it. */
export function readWhole(path: string, advice: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(path, 'read', error, advice);
  }
}
