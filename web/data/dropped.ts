/** Files of known data sets as a user brings them: plain, gzipped, or all in the archive that they are published in. */
import { datasets } from '../../datasets/index.ts';
import { tarFiles } from '../../datasets/tar.ts';
import { check, DescentError, faultOf, say } from '../../engine/check.ts';
import type { FolderFile } from './folder.ts';
import { sha256 } from './sha256.ts';

/** What was dropped on the page. A worker gets references, not copies. */
export interface Dropped {
  /** Files of known sets, decompressed, by `set/file`. */
  readonly files: Record<string, Blob>;
  /** Folders of images by class. */
  readonly folders: Record<string, readonly FolderFile[]>;
}

const isArchive = (name: string): boolean => /\.(tar|tar\.gz|tgz)$/i.test(name);
const plainName = (name: string): string => name.replace(/\.gz$/, '');
/** The files of known sets that are called `name`, gzipped or not. */
const known = (name: string) =>
  Object.entries(datasets).flatMap(([set, { files }]) => files.filter(f => f.name === plainName(name)).map(f => ({ ...f, set })));
/** Bytes of the largest of them; undefined where no set needs such a file. */
function mostBytes(name: string): number | undefined {
  const sizes = known(name).map(f => f.bytes);
  return sizes.length ? Math.max(...sizes) : undefined;
}

/** Whether a file has the name of one that a known set needs, gzipped or not, or that of an archive. */
export const isDataFile = (name: string): boolean => isArchive(name) || mostBytes(name) !== undefined;

/**
 * Keeps a file, or all of an archive, for the sets that they belong to. Returns what each of these sets still lacks; throws where a
 * file is not one that was published.
 */
export async function keepData(file: File, dropped: Dropped): Promise<Map<string, readonly string[]>> {
  const kept = new Set<string>();
  if (isArchive(file.name)) {
    for await (const inner of unpacked(file)) kept.add(await keepFile(`${file.name}: ${inner.name}`, inner, dropped));
    const published = Object.values(datasets)
      .flatMap(d => d.sources)
      .flatMap(s => (s.kind === 'archive' ? [s.url.split('/').at(-1)] : []));
    check(kept.size, `${file.name}: holds no file of a known data set`, `archives that do are ${published.join(', ')}`);
  } else {
    kept.add(await keepFile(file.name, file, dropped));
  }
  const lacks = (name: string) => datasets[name]!.files.map(f => f.name).filter(f => !(`${name}/${f}` in dropped.files));
  return new Map([...kept].map(name => [name, lacks(name)]));
}

/** Keeps one file and returns the name of its set. Files of several sets share names: the content tells. `who` is its name in messages. */
async function keepFile(who: string, file: File, dropped: Dropped): Promise<string> {
  const plain = plainName(file.name);
  const blob = plain === file.name ? file : await decompressed(who, file, mostBytes(plain)!);
  const candidates = known(plain);
  const size = (n: number) => n.toLocaleString('en-US');
  const sizes = [...new Set(candidates.map(c => c.bytes))];
  check(
    sizes.includes(blob.size),
    `${who}: has ${size(blob.size)} bytes, ${sizes.map(size).join(' or ')} are expected`,
    'it is cut short or another file, fetch it again',
  );
  const hash = await sha256(await blob.arrayBuffer());
  const found = candidates.find(c => c.sha256 === hash);
  check(
    found,
    `${who}: its content is that of none of ${candidates.map(c => c.set).join(', ')}`,
    'it is damaged or of another set, fetch it again',
  );
  dropped.files[`${found.set}/${plain}`] = blob;
  return found.set;
}

/** What is wrong, said of `who`. */
function about(who: string, error: unknown): DescentError {
  const { problem, advice } = faultOf(error);
  return new DescentError(say`${who}: ${problem}`, ...advice);
}

/** The files of an archive that known sets need, one at a time: together they are more than a page should hold. */
async function* unpacked(archive: File): AsyncGenerator<File> {
  const base = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  try {
    for await (const { path, bytes } of tarFiles(chunksOf(archive), path => mostBytes(base(path)))) yield new File([bytes], base(path));
  } catch (error) {
    // of the archive: what is wrong with a file in it is thrown where the file is used
    throw about(archive.name, error);
  }
}

/** The content of a .gz, which can hold thousands of times as much as it has bytes. */
async function decompressed(who: string, file: File, most: number): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  try {
    let bytes = 0;
    for await (const chunk of chunksOf(file)) {
      bytes += chunk.length;
      check(bytes <= most, `unpacks to more than ${most.toLocaleString('en-US')} bytes`, 'it is another file, fetch it again');
      chunks.push(chunk);
    }
  } catch (error) {
    throw about(who, error);
  }
  return new Blob(chunks);
}

/** What a file holds, decompressed where it is gzipped. */
async function* chunksOf(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const plain = !/gz$/i.test(file.name);
  const reader = (plain ? file.stream() : file.stream().pipeThrough(new DecompressionStream('gzip'))).getReader();
  const unreadable = (): never => {
    throw plain
      ? new DescentError('cannot be read', 'drop it again')
      : new DescentError('is damaged, it does not decompress', 'fetch it again');
  };
  try {
    for (;;) {
      // Safari's streams are not iterable
      const { value, done } = await reader.read().catch(unreadable);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // of an archive with more behind its end
  }
}
