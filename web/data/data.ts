/** Data sets in the browser: computed, served beside the page, or dropped on it. */
import type { Dataset } from '../../datasets/dataset.ts';
import { datasets, knownName, loadDataset } from '../../datasets/index.ts';
import { check, DescentError } from '../../engine/check.ts';
import type { RunConfig } from '../../train/config/config.ts';
import type { Dropped } from './dropped.ts';
import { publishedFor } from './published.ts';

/** The names of the data sets that can be had now: the computed ones, those of the server and those dropped. */
export async function available({ files: dropped, folders }: Dropped, base: string): Promise<Set<string>> {
  const answer = await fetch(new URL('data/index.json', base)).catch(() => undefined);
  const served = answer?.ok ? ((await answer.json().catch(() => [])) as string[]) : [];
  const here = Object.keys(datasets).filter(
    name => served.includes(name) || datasets[name]!.files.every(f => `${name}/${f.name}` in dropped),
  );
  return new Set([...Object.keys(folders), ...here]);
}

/** Told how much of the files of a set has come. */
type OnBytes = (done: number, of: number) => void;

export async function openDataset(config: RunConfig, { files, folders }: Dropped, base: string, onBytes?: OnBytes): Promise<Dataset> {
  const { dataset: name, limitTrain, limitTest } = config;
  if (Object.hasOwn(folders, name)) return (await import('./folder.ts')).openFolder(name, folders[name]!, config);
  check(
    knownName(name) !== undefined || Object.keys(folders).length || !/[^\w-]/.test(name),
    `${name}: is not here`,
    'drop the folder on the page, one subfolder of images a class',
  );
  const of = datasets[name]?.files.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  let done = 0;
  const counted = (bytes: number) => onBytes?.((done += bytes), of);
  return loadDataset(
    name,
    async file => {
      const blob = files[`${name}/${file}`];
      return blob ? new Uint8Array(await blob.arrayBuffer()) : fetched(name, file, base, counted);
    },
    { limitTrain, limitTest },
  );
}

/** A file of a set as the site has it: gzipped, and counted as it is once it is unpacked. */
async function fetched(name: string, file: string, base: string, counted: (bytes: number) => void): Promise<Uint8Array> {
  const answer = await fetch(new URL(`data/${name}/${file}.gz`, base)).catch((e: Error) => {
    throw new DescentError(`${name}: ${file} did not come (${e.message})`, 'is the server still running?');
  });
  const needed = datasets[name]!.files.map(f => f.name).join(', ');
  check(
    answer.ok && answer.headers.get('content-type') !== 'text/html',
    `${name}: this site does not have ${file}`,
    ...(publishedFor(name) ? ['fetch it by the button below the data set'] : []),
    `run 'descent data fetch ${name}' and npm run web, or drop the files ${needed} on the page`,
  );
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      counted(chunk.length);
      out.enqueue(chunk);
    },
  });
  // a host that says that it is a gzipped file has had it unpacked by the browser
  const plain = answer.headers.get('content-encoding') ? answer.body! : answer.body!.pipeThrough(new DecompressionStream('gzip'));
  try {
    return new Uint8Array(await new Response(plain.pipeThrough(count)).arrayBuffer());
  } catch {
    throw new DescentError(`${name}: ${file} came damaged or in part`, 'reload the page to fetch it again');
  }
}
