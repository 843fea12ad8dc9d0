import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check } from '../../engine/check.ts';
import type { Dataset, Limits } from '../dataset.ts';
import { datasets, loadDataset } from '../index.ts';
import { fetchDataset, type FetchOptions } from './fetch.ts';
import { reporter } from './progress.ts';

export interface OpenOptions extends FetchOptions, Limits {
  /** Says nothing while fetching. */
  readonly quiet?: boolean | undefined;
}

/** The data set of a name, fetched into the cache if it is not there. */
export async function openDataset(name: string, options: OpenOptions = {}): Promise<Dataset> {
  for (const [flag, value] of [['--limit-train', options.limitTrain], ['--limit-test', options.limitTest]] as const) {
    check(value === undefined || Number.isInteger(value) && value > 0, `${flag} ${value}: a whole number above 0 is accepted`);
  }
  if (!Object.hasOwn(datasets, name)) return loadDataset(name, async () => new Uint8Array());
  const folder = await fetchDataset(name, options.quiet ? options : { ...reporter(), ...options });
  return loadDataset(name, file => readFile(join(folder, file)), options);
}
