/** A data set by its name or its folder, for programs under Node. */
import { readFileSync, statSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { check, DescentError, named, say, suggestion } from '../../engine/check.ts';
import { checkLimits, type Dataset } from '../dataset.ts';
import { datasetFrom, datasets, knownName, loadDataset } from '../index.ts';
import { plain } from './cache.ts';
import { fetchDataset, type FetchOptions } from './fetch.ts';
import { openFolder, type FolderOptions } from './folder.ts';
import { tableSet } from '../tables/csv.ts';
import { reporter } from './progress.ts';
import { sha256 } from './sha256.ts';

export interface OpenOptions extends FetchOptions, FolderOptions {
  /** Says nothing while fetching or decoding. */
  readonly quiet?: boolean | undefined;
  /** Of a table the column to predict, or several with commas between. */
  readonly target?: string | undefined;
  /** Of a table the columns to predict from, in their order; all others without it. */
  readonly inputs?: readonly string[] | undefined;
}

/**
 * The data set of a known name, fetched into the cache if it is not there; that of a folder of images by class (see openFolder); or a table
 * in a .csv file (see tableSet).
 */
export async function openDataset(name: string, options: OpenOptions = {}): Promise<Dataset> {
  checkLimits(options);
  const told: OpenOptions = options.quiet ? options : { ...reporter(), ...options };
  checkDataset(name);
  check(isTable(name) || options.target === undefined, say`${named('target')}: is of a table, and ${name} is none`, 'leave it out');
  const known = knownName(name);
  if (known === undefined || isTable(name)) {
    const dataset = isTable(name) ? await openTable(name, options) : await openFolder(name, told);
    for (const note of dataset.notes ?? []) told.onNote?.(note);
    return dataset;
  }
  const folder = await fetchDataset(known, told);
  return loadDataset(name, (file, room) => readInto(join(folder, file), room), options);
}

async function openTable(path: string, options: OpenOptions): Promise<Dataset> {
  const table = readFileSync(path, 'utf8');
  return { ...(await tableSet(basename(path), table, options.target, options)), digest: sha256(table).slice(0, 16) };
}

/** Whether a data set is known by name, and neither a folder of images nor a table. */
export const isKnown = (name: string): boolean => knownName(name) !== undefined;

/** Whether a data set is a table in a file. */
export const isTable = (name: string): boolean => /\.csv$/i.test(name) && stateOf(name)?.isFile() === true;

/** Whether a data set is known by name, or a folder or a table that is there. */
export const isHere = (name: string): boolean => isKnown(name) || stateOf(name)?.isDirectory() === true || isTable(name);

/** Throws where a name is neither that of a data set, whose options it may give, nor the path of a folder or a table. */
export function checkDataset(name: string): void {
  if (isKnown(name)) return void datasetFrom(name);
  if (isHere(name)) return;
  const found = stateOf(name);
  const names = Object.keys(datasets);
  const isPath = found || /[/\\.]/.test(name);
  throw isPath
    ? new DescentError(
        say`${named('dataset')}: ${name} is ${found ? 'a file' : 'not there'}`,
        `give a folder with a subfolder of images for each class, a table as .csv, or a name: ${names.join(', ')}`,
      )
    : new DescentError(
        `unknown dataset '${name}'`,
        `${suggestion(name, names)}known: ${names.join(', ')}, folders of images by class and tables as .csv`,
      );
}

/** What a path leads to; nothing where no path can be written so. */
function stateOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The bytes of a file, in `room` if they are not too many. */
async function readInto(path: string, room: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    if ((await handle.stat()).size > room.length) return plain(await handle.readFile());
    for (let at = 0; ; ) {
      const { bytesRead } = await handle.read(room, at, room.length - at);
      if (!bytesRead) return room.subarray(0, at);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
