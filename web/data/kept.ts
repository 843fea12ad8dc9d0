/** What outlasts a reload: runs with their curves and last checkpoints, and data that was dropped, in the browser's database. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { faultOf, words } from '../../engine/check.ts';
import type { MetricsLine } from '../../train/step/metrics.ts';
import type { Texts } from '../form/texts.ts';
import type { Branched, Timed } from '../views/runs.ts';
import type { Dropped } from './dropped.ts';
import type { FolderFile } from './folder.ts';

/** A run without its lines and its checkpoint. */
export interface KeptRun {
  /** Later ones are larger. */
  readonly id: string;
  /** As it is called, and the number of its colour. */
  readonly number: number;
  readonly hue: number;
  readonly hidden: boolean;
  /** What was noted of it. */
  readonly notes?: string;
  readonly branched?: Branched | undefined;
  /** The id of the run that it was branched from, whose number may be another once it comes back. */
  readonly origin?: string | undefined;
  readonly config: Texts;
  readonly evalEvery: number;
  /** Whether it has come to its end. */
  readonly done: boolean;
  /** Whether there are curves alone, and no net to go on with. */
  readonly curvesOnly: boolean;
  /** Whether it was deleted, and can be brought back as long as the page that deleted it says so. */
  readonly deleted: boolean;
}

interface Schema extends DBSchema {
  runs: { key: string; value: KeptRun };
  /** Lines of a run by the number of those before them. */
  lines: { key: [run: string, from: number]; value: readonly Timed<MetricsLine>[] };
  /** Files as encodeCheckpoint writes them. */
  checkpoints: { key: string; value: Uint8Array<ArrayBuffer> };
  files: { key: string; value: Blob };
  folders: { key: string; value: readonly FolderFile[] };
}

let database: Promise<IDBPDatabase<Schema>> | undefined;
/** Opened at the first call; where that fails, again at the next one. */
function opened(): Promise<IDBPDatabase<Schema>> {
  database ??= openDB<Schema>('descent-runs', 1, {
    upgrade(made) {
      made.createObjectStore('runs', { keyPath: 'id' });
      for (const name of ['lines', 'checkpoints', 'files', 'folders'] as const) made.createObjectStore(name);
    },
    // another release, or a test, waits until nobody has it open
    blocking(_, __, event) {
      database = undefined;
      (event.target as IDBDatabase).close();
    },
  });
  database.catch(() => (database = undefined));
  return database;
}

/** All lines of a run. */
const linesOf = (id: string) => IDBKeyRange.bound([id, 0], [id, Infinity]);

/** Keeps a run and those of its lines that follow the first `from`; what was kept beyond these is forgotten. */
export async function putRun(run: KeptRun, lines: readonly Timed<MetricsLine>[], from: number): Promise<void> {
  const transaction = (await opened()).transaction(['runs', 'lines'], 'readwrite');
  const kept = transaction.objectStore('lines');
  await Promise.all([
    transaction.objectStore('runs').put(run),
    kept.delete(IDBKeyRange.bound([run.id, from], [run.id, Infinity])),
    ...(lines.length > from ? [kept.put(lines.slice(from), [run.id, from])] : []),
    transaction.done,
  ]);
}

/** The runs that are kept, in the order in which they were begun. */
export const keptRuns = async (): Promise<KeptRun[]> => (await opened()).getAll('runs');

export const keptLines = async (id: string): Promise<Timed<MetricsLine>[]> => (await (await opened()).getAll('lines', linesOf(id))).flat();

/** Forgets a run, its lines and its checkpoint. */
export async function forgetRun(id: string): Promise<void> {
  const transaction = (await opened()).transaction(['runs', 'lines', 'checkpoints'], 'readwrite');
  await Promise.all([
    transaction.objectStore('runs').delete(id),
    transaction.objectStore('lines').delete(linesOf(id)),
    transaction.objectStore('checkpoints').delete(id),
    transaction.done,
  ]);
}

export const putCheckpoint = async (id: string, file: Uint8Array<ArrayBuffer>): Promise<unknown> =>
  (await opened()).put('checkpoints', file, id);
export const keptCheckpoint = async (id: string): Promise<Uint8Array<ArrayBuffer> | undefined> => (await opened()).get('checkpoints', id);

/** Keeps all data that was dropped. */
export async function putDropped({ files, folders }: Dropped): Promise<void> {
  const transaction = (await opened()).transaction(['files', 'folders'], 'readwrite');
  await Promise.all([
    ...Object.entries(files).map(([name, file]) => transaction.objectStore('files').put(file, name)),
    ...Object.entries(folders).map(([name, folder]) => transaction.objectStore('folders').put(folder, name)),
    transaction.done,
  ]);
}

export async function keptDropped(): Promise<Dropped> {
  const stores = (await opened()).transaction(['files', 'folders']);
  const all = async <T>(store: { getAllKeys(): Promise<string[]>; getAll(): Promise<T[]> }): Promise<Record<string, T>> => {
    const [names, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
    return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
  };
  const [files, folders] = await Promise.all([all(stores.objectStore('files')), all(stores.objectStore('folders'))]);
  return { files, folders };
}

/** Why the browser keeps nothing. */
export function reason(error: unknown): string {
  if (!globalThis.indexedDB) return 'it has no IndexedDB';
  const { name } = Object(error) as Partial<Error>;
  return name === 'QuotaExceededError' ? 'it has no space left for this page' : words(faultOf(error).problem).replace(/\.$/, '');
}

/** That the browser keeps nothing, why, and what can be done, in a line. */
export const refusal = (what: string, error: unknown): string =>
  `${what} will not outlast a reload, as the browser does not keep it: ${reason(error)}. All else goes on; Save runs and Export weights give files.`;

const releases = new Map<string, () => void>();

/** Takes a run for this tab as long as it is open, or until it is released; false where another tab has it. */
export function taken(id: string): Promise<boolean> {
  return new Promise(resolve => {
    const held = (): Promise<void> => {
      resolve(true);
      return new Promise(release => releases.set(id, release));
    };
    // The page before a reload may still be about to give it back.
    navigator.locks.request(`descent-run ${id}`, { signal: AbortSignal.timeout(2000) }, held).catch(() => resolve(false));
  });
}

export function release(id: string): void {
  releases.get(id)?.();
  releases.delete(id);
}
