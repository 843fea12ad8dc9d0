/** Gets the files of a data set into the cache, from the first source that has them. */
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DescentError, lookUp, named, say } from '../../engine/check.ts';
import { datasets } from '../index.ts';
import type { DataFile, DatasetInfo, Source } from '../info.ts';
import { STAMP } from './cache-dir.mjs';
import { datasetFolder, fault, isComplete, makeFolder, store, sweep, writeStamp } from './cache.ts';
import type { OnProgress } from './http.ts';
import { ask, describe } from './sources.ts';

export interface FetchOptions {
  readonly dataDir?: string | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Told what was done, a line at a time. */
  readonly onNote?: ((line: string) => void) | undefined;
}

/**
 * Makes sure that the files of a data set lie in the cache, whole and of the pinned content, and returns their folder. Files untouched
 * since their last check are not read again; broken ones are replaced. Sources are tried in order; the error says what each answered.
 */
export async function fetchDataset(name: string, options: FetchOptions = {}, info = lookUp('dataset', name, datasets)): Promise<string> {
  const folder = datasetFolder(name, options.dataDir);
  if (!info.files.length || (await isComplete(folder, info.files))) return folder;
  await sweep(await makeFolder(folder));
  const start = performance.now();
  const reasons: string[] = [];
  const missing = async () => {
    const faults = await Promise.all(info.files.map(f => fault(folder, f, true)));
    return info.files.flatMap((file, i) => (faults[i] ? [{ file, fault: faults[i] }] : []));
  };
  let left = await missing();
  for (const { fault } of left) {
    if (!fault.endsWith('is missing')) options.onNote?.(`${name}: ${fault}: fetching it again`);
  }
  for (const source of info.sources) {
    if (!left.length) break;
    const files = left.map(l => l.file);
    const give = (file: DataFile, bytes: Uint8Array) => store(folder, file, bytes);
    try {
      await ask(source, files, folder, give, options.onProgress);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const what = `${files.length} file${files.length > 1 ? 's' : ''}`;
      options.onNote?.(`${name}: ${what} from ${describe(source)} in ${seconds} s, kept in ${folder}`);
    } catch (e) {
      reasons.push(reason(source, e));
    }
    left = await missing();
  }
  if (left.length) {
    const wanted = byHand(
      info,
      left.map(l => l.file.name),
    );
    throw new DescentError(
      `${name}: ${inWords(left)} in ${folder}, and fetching failed (${reasons.join('; ')})`,
      `put ${wanted} there`,
      say`use ${named('dataset', 'shapes')}, which needs no download`,
    );
  }
  await writeStamp(folder, info.files);
  return folder;
}

/** The faults in one phrase; several missing files are counted. */
function inWords(left: readonly { fault: string }[]): string {
  const faults = left.map(l => l.fault);
  const absent = faults.filter(fault => fault.endsWith('is missing'));
  const broken = faults.filter(fault => !absent.includes(fault));
  return [...broken, ...(absent.length > 1 ? [`${absent.length} files are missing`] : absent)].join(', ');
}

/** What a person without a network has to bring. */
function byHand(info: DatasetInfo, files: readonly string[]): string {
  const source = info.sources[0];
  if (source?.kind === 'archive') return `${basename(source.url)} (from ${dirname(source.url)}/)`;
  return `${files.map(f => `${f}.gz`).join(', ')}${source?.kind === 'gzip' ? ` (from ${source.url})` : ''}`;
}

function reason(source: Source, e: unknown): string {
  const { cause, message } = e as Error & { cause?: { message?: string; code?: string } };
  const text = cause?.message || cause?.code || message;
  return text.includes(describe(source)) ? text : `${describe(source)}: ${text}`;
}

/** Reads every file again and compares its hash with the pinned one; returns what is wrong, one phrase a file. */
export async function verifyDataset(name: string, dataDir?: string): Promise<string[]> {
  const info = lookUp('dataset', name, datasets);
  const folder = datasetFolder(name, dataDir);
  const faults = (await Promise.all(info.files.map(f => fault(folder, f, true)))).filter(f => f !== undefined);
  if (faults.length)
    await rm(join(folder, STAMP), { force: true }); // so that the next fetch looks closer
  else if (info.files.length) await writeStamp(folder, info.files);
  return faults;
}
