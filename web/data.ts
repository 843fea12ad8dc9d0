/** Data sets in the browser: computed, served beside the page, or dropped on it. */
import type { Dataset } from '../datasets/dataset.ts';
import { datasets, loadDataset } from '../datasets/index.ts';
import { plane, PLANE_SETS } from '../datasets/synthetic.ts';
import { check, DescentError, lookUp } from '../engine/check.ts';
import type { RunConfig } from '../train/config.ts';
import { openFolder, type FolderFile } from './folder.ts';

/** What was dropped on the page. A worker gets references, not copies. */
export interface Dropped {
  /** Files of known sets, decompressed, by `set/file`. */
  readonly files: Record<string, Blob>;
  /** Folders of images by class. */
  readonly folders: Record<string, readonly FolderFile[]>;
}

/** The names of the data sets that can be had now: the computed ones, those of the server and those dropped. */
export async function available({ files: dropped, folders }: Dropped, base: string): Promise<Set<string>> {
  const answer = await fetch(new URL('data/index.json', base)).catch(() => undefined);
  const served = answer?.ok ? await answer.json().catch(() => []) as string[] : [];
  return new Set([...Object.keys(folders),
    ...Object.entries(datasets).filter(([name, { files }]) => served.includes(name)
    || files.every(f => `${name}/${f.name}` in dropped)).map(([name]) => name)]);
}

/** Whether a file, gzipped or not, has the name of one that a known set needs. */
export const isDataFile = (name: string): boolean =>
  Object.values(datasets).some(d => d.files.some(f => f.name === name.replace(/\.gz$/, '')));

/**
 * Keeps a file for the set that it belongs to, and gives that set's name and the files that it still lacks. Files of several sets share
 * names: the content tells.
 */
export async function keepFile(file: File, dropped: Dropped): Promise<{ name: string; missing: string[] }> {
  const plain = file.name.replace(/\.gz$/, ''), stream = plain === file.name
    ? undefined : file.stream().pipeThrough(new DecompressionStream('gzip'));
  const blob = stream ? await new Response(stream).blob().catch(() => { throw new DescentError(`${file.name}: is damaged, it does not decompress; fetch it again`); }) : file;
  const candidates = Object.entries(datasets).flatMap(([name, { files }]) =>
    files.filter(f => f.name === plain).map(f => ({ name, bytes: f.bytes, sha256: f.sha256 })));
  const sizes = [...new Set(candidates.map(c => c.bytes))];
  check(sizes.includes(blob.size),
    `${file.name}: has ${blob.size.toLocaleString('en-US')} bytes, ${sizes.map(n => n.toLocaleString('en-US')).join(' or ')} are expected; it is cut short or another file, fetch it again`);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())),
    sha256 = [...digest].map(b => b.toString(16).padStart(2, '0')).join('');
  const found = candidates.find(c => c.sha256 === sha256);
  check(found, `${file.name}: its content is that of none of ${candidates.map(c => c.name).join(', ')}; it is damaged or of another set, fetch it again`);
  dropped.files[`${found.name}/${plain}`] = blob;
  return { name: found.name, missing: datasets[found.name]!.files.map(f => f.name).filter(f => !(`${found.name}/${f}` in dropped.files)) };
}

export async function openDataset(config: RunConfig, { files, folders }: Dropped, base: string, noise?: number): Promise<Dataset> {
  const { dataset: name, limitTrain, limitTest, seed } = config;
  if (Object.hasOwn(folders, name)) return openFolder(name, folders[name]!, config);
  check(Object.hasOwn(datasets, name) || Object.keys(folders).length || !/[^\w-]/.test(name),
    `${name}: is not here; drop the folder on the page, one subfolder of images a class`);
  const info = lookUp('dataset', name, datasets);
  if (noise !== undefined && PLANE_SETS.includes(name)) {
    const { title: _, ...facts } = info;
    return { ...facts, name, train: plane(name, limitTrain ?? info.train, 0, { seed, noise }),
      test: plane(name, limitTest ?? info.test, info.train, { seed, noise }) };
  }
  return loadDataset(name, async file => {
    const blob = files[`${name}/${file}`];
    return blob ? new Uint8Array(await blob.arrayBuffer()) : fetched(name, file, base);
  }, { limitTrain, limitTest });
}

async function fetched(name: string, file: string, base: string): Promise<Uint8Array> {
  const answer = await fetch(new URL(`data/${name}/${file}`,
    base)).catch((e: Error) => { throw new DescentError(`${name}: ${file} did not come (${e.message}); is the server still running?`); });
  check(answer.ok && answer.headers.get('content-type') !== 'text/html',
    `${name}: this site does not have ${file}; run 'descent data fetch ${name}' and npm run web, or drop the files ${datasets[name]!.files.map(f => f.name).join(', ')} on the page`);
  return new Uint8Array(await answer.arrayBuffer());
}
