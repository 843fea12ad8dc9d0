/** `descent data fetch|list|verify`. */
import { readdir } from 'node:fs/promises';
import { check, lookUp } from '../../engine/check.ts';
import { datasets } from '../../datasets/index.ts';
import { datasetFolder, fault, isComplete } from '../../datasets/node/cache.ts';
import { fetchDataset, verifyDataset } from '../../datasets/node/fetch.ts';
import { reporter } from '../../datasets/node/progress.ts';
import { table } from '../output.ts';

export interface DataOptions {
  readonly dataDir?: string | undefined;
  readonly quiet?: boolean | undefined;
  readonly json?: boolean | undefined;
}

type Print = (line: string) => void;

const needFiles = () => Object.keys(datasets).filter(name => datasets[name]!.files.length);

/** Fetches what is not in the cache yet; each name ends with a line, or with `json` an object, that says where it lies. */
export async function dataFetch(names: readonly string[], options: DataOptions, print: Print): Promise<void> {
  check(names.length, 'data fetch: no data set named', `known: ${needFiles().join(', ')}`);
  for (const name of names) {
    const info = lookUp('dataset', name, datasets);
    const folder = await fetchDataset(name, { dataDir: options.dataDir, ...(options.quiet ? {} : reporter()) });
    if (options.json) print(JSON.stringify({ name, ...(info.files.length && { folder }) }));
    else if (!options.quiet) {
      print(info.files.length ? `${name}: complete in ${folder}` : `${name}: is computed, needs no download`);
    }
  }
}

/** How much of a data set the cache has. */
async function state(name: string, dataDir?: string): Promise<string> {
  const { files } = datasets[name]!;
  const folder = datasetFolder(name, dataDir);
  if (!files.length) return 'computed';
  if (await isComplete(folder, files)) return 'complete';
  const faults = await Promise.all(files.map(f => fault(folder, f, false)));
  const good = faults.filter(f => !f).length;
  if (good === files.length) return 'unchecked';
  return good ? `${good} of ${files.length} files` : 'not fetched';
}

/** One line a data set: what it holds and how much of it the cache has. With `json`, one object a line. */
export async function dataList(options: DataOptions, print: Print): Promise<void> {
  const rows = await Promise.all(
    Object.entries(datasets).map(async ([name, info]) => ({
      name,
      title: info.title,
      shape: info.shape,
      classes: info.classes.length,
      ...(info.outputs && { outputs: info.outputs.length }),
      train: info.train,
      test: info.test,
      bytes: info.files.reduce((sum, f) => sum + f.bytes, 0),
      state: await state(name, options.dataDir),
    })),
  );
  if (options.json) {
    return rows.forEach(row => print(JSON.stringify({ ...row, folder: datasetFolder(row.name, options.dataDir) })));
  }
  const head = ['name', 'shape', 'classes', 'train', 'test', 'MB', 'state', 'title'];
  const cells = rows.map(r => [
    r.name,
    r.shape.join('x'),
    r.classes || '-',
    r.train,
    r.test,
    r.bytes ? (r.bytes / 1e6).toFixed(0) : '-',
    r.state,
    r.title,
  ]);
  print(table([head, ...cells.map(row => row.map(String))]));
  print(`\ncache: ${datasetFolder('', options.dataDir)}`);
}

/** Compares the hashes of the stored files of the named data sets (if none is named: of all in the cache). Throws when one is wrong. */
export async function dataVerify(names: readonly string[], options: DataOptions, print: Print): Promise<void> {
  const known = needFiles();
  const stored = await readdir(datasetFolder('', options.dataDir)).catch((): string[] => []);
  const chosen = names.length ? names : known.filter(name => stored.includes(name));
  check(
    chosen.length,
    `data verify: nothing in ${datasetFolder('', options.dataDir)}`,
    `'descent data fetch <name>' fetches: ${known.join(', ')}`,
  );
  const wrong: string[] = [];
  for (const name of chosen) {
    const count = lookUp('dataset', name, datasets).files.length;
    const faults = await verifyDataset(name, options.dataDir);
    const fine = count ? `${count} files, all as published` : 'is computed, nothing to verify';
    if (options.json) print(JSON.stringify({ name, files: count, faults }));
    else if (!options.quiet || faults.length) print(`${name}: ${faults.length ? faults.join(', ') : fine}`);
    if (faults.length) wrong.push(name);
  }
  check(
    !wrong.length,
    `data verify: ${wrong.join(', ')} not as published`,
    `'descent data fetch ${wrong.join(' ')}' fetches the broken files again`,
  );
}
