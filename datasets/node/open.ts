/** A data set by its name or its folder, for programs under Node. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { check, named, say } from '../../engine/check.ts';
import type { Dataset } from '../dataset.ts';
import { datasets, loadDataset } from '../index.ts';
import { plain } from './cache.ts';
import { fetchDataset, type FetchOptions } from './fetch.ts';
import { openFolder, type FolderOptions } from './folder.ts';
import { reporter } from './progress.ts';

export interface OpenOptions extends FetchOptions, FolderOptions {
  /** Says nothing while fetching or decoding. */
  readonly quiet?: boolean | undefined;
}

/** The data set of a known name, fetched into the cache if it is not there; or that of a folder of images by class (see openFolder). */
export async function openDataset(name: string, options: OpenOptions = {}): Promise<Dataset> {
  const { limitTrain, limitTest } = options;
  for (const [key, value] of Object.entries({ limitTrain, limitTest })) {
    const fits = value === undefined || (Number.isInteger(value) && value > 0);
    check(fits, say`${named(key, value)}: a whole number above 0 is accepted`);
  }
  const told: OpenOptions = options.quiet ? options : { ...reporter(), ...options };
  const found = Object.hasOwn(datasets, name) ? undefined : await stat(name).catch(() => 'absent' as const);
  if (typeof found === 'object' && found.isDirectory()) return openFolder(name, told);
  check(
    !found || (found === 'absent' && !/[/\\]/.test(name)),
    `dataset '${name}' is ${found === 'absent' ? 'not there' : 'not a folder'}`,
    `a folder of images by class is accepted, or a name: ${Object.keys(datasets).join(', ')}`,
  );
  const folder = await fetchDataset(name, told); // says which names are known if this is none
  return loadDataset(name, (file, room) => readInto(join(folder, file), room), options);
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
