/** Data sets in the browser: computed, served beside the page, or dropped on it. */
import type { Dataset } from '../datasets/dataset.ts';
import { datasets, loadDataset } from '../datasets/index.ts';
import { plane, PLANE_SETS } from '../datasets/synthetic.ts';
import { check, DescentError, lookUp } from '../engine/check.ts';
import type { RunConfig } from '../train/config.ts';

/** Files dropped on the page, by name, decompressed. */
export type Dropped = Readonly<Record<string, Uint8Array>>;

/** The names of the data sets that can be had now: the computed ones, those of the server and those dropped. */
export async function available(dropped: Dropped, base: string): Promise<Set<string>> {
  const answer = await fetch(new URL('data/index.json', base)).catch(() => undefined);
  const served = answer?.ok ? await answer.json().catch(() => []) as string[] : [];
  return new Set(Object.entries(datasets).filter(([name, { files }]) => served.includes(name) || files.every(f => f.name in dropped)).map(([name]) => name));
}

export async function openDataset({ dataset: name, limitTrain, limitTest, seed }: RunConfig, dropped: Dropped, base: string, noise?: number): Promise<Dataset> {
  const info = lookUp('dataset', name, datasets);
  if (noise !== undefined && PLANE_SETS.includes(name)) {
    const { title: _, ...facts } = info;
    return { ...facts, name, train: plane(name, limitTrain ?? info.train, 0, { seed, noise }), test: plane(name, limitTest ?? info.test, info.train, { seed, noise }) };
  }
  return loadDataset(name, async file => dropped[file] ?? await fetched(name, file, base), { limitTrain, limitTest });
}

async function fetched(name: string, file: string, base: string): Promise<Uint8Array> {
  const answer = await fetch(new URL(`data/${name}/${file}`, base)).catch((e: Error) => { throw new DescentError(`${name}: ${file} did not come (${e.message}); is the server still running?`); });
  check(answer.ok && answer.headers.get('content-type') !== 'text/html',
    `${name}: this site does not have ${file}; run 'descent data fetch ${name}' and npm run web, or drop the files ${datasets[name]!.files.map(f => f.name).join(', ')} on the page`);
  return new Uint8Array(await answer.arrayBuffer());
}
