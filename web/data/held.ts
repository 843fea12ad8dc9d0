/** Data sets of a worker: one that somebody has is not loaded again, and neither is the last one. */
import type { Dataset } from '../../datasets/dataset.ts';
import { readingOf, type RunConfig } from '../../train/config/config.ts';
import { openDataset } from './data.ts';
import type { Dropped } from './dropped.ts';

const known = new Map<string, WeakRef<Dataset>>();
let last: { readonly key: string; readonly dataset: Promise<Dataset> } | undefined;

/** As openDataset. */
export function heldDataset(config: RunConfig, dropped: Dropped, ...rest: [base: string, onBytes?: (done: number, of: number) => void]) {
  const folder = Object.hasOwn(dropped.folders, config.dataset) ? dropped.folders[config.dataset] : undefined;
  // A folder can be dropped again with other images in it; a file of a known set is always the one that was published.
  const files = folder?.map(({ path, file: { size, lastModified } }) => [path, size, lastModified]);
  const key = JSON.stringify([config.dataset, readingOf(config), files]);
  if (last?.key !== key) {
    const held = known.get(key)?.deref();
    const mine = { key, dataset: held ? Promise.resolve(held) : openDataset(config, dropped, ...rest) };
    mine.dataset.then(
      dataset => known.set(key, new WeakRef(dataset)),
      () => {
        if (last === mine) last = undefined; // it may be there the next time
      },
    );
    last = mine;
  }
  return last.dataset;
}
