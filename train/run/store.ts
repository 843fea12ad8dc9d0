/** Where the bytes of a model are kept: in a file, as a download, or in the browser under `indexeddb://name`. */
import { check, DescentError, kindOf } from '../../engine/check.ts';
import { platform } from '../../engine/platform.ts';
import { backbone, BACKBONE } from '../tune/backbone.ts';

/**
 * What bytes are read from: themselves, a Blob or File, an address, under Node a path, `indexeddb://name`, or the name of the backbone that
 * comes along.
 */
export type Source = Uint8Array | ArrayBuffer | Blob | URL | string;

/** Whether a value is a source. */
export const isSource = (value: unknown): value is Source =>
  typeof value === 'string' || [Uint8Array, ArrayBuffer, Blob, URL].some(kind => value instanceof kind);

/** A source as a worker finds it, whose own address is another than that of the page. */
export function forWorker(source: Source): Source {
  if (typeof source !== 'string') return source instanceof URL ? source.href : source;
  return source === BACKBONE || keyOf(source) !== undefined ? source : new URL(source, document.baseURI).href;
}

/** What messages call a source. */
export const nameIn = (source: Source): string =>
  typeof source === 'string' || source instanceof URL ? String(source) : source instanceof File ? source.name : 'weights';

const INDEXED_DB = 'indexeddb://';
const STORE = 'models';

const keyOf = (name: string): string | undefined => (name.startsWith(INDEXED_DB) ? name.slice(INDEXED_DB.length) : undefined);

/** Keeps bytes under a name: `indexeddb://name` in the browser, else in the file of that path or as a download. */
export async function save(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  check(typeof name === 'string' && name !== '', `save: the name is ${kindOf(name)}`, `give a file name, or ${INDEXED_DB}name`);
  const key = keyOf(name);
  if (key === undefined) return platform().save(name, bytes);
  await inStore(name, 'readwrite', store => store.put(bytes, key));
}

/** The bytes of a source. Throws where there are none. */
export async function read(source: Source): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array) return source as Uint8Array<ArrayBuffer>;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  check(
    typeof source === 'string' || source instanceof URL,
    `open: got ${kindOf(source)}`,
    'give the bytes of a safetensors or ONNX file, a File, or where it is',
  );
  const name = String(source);
  if (name === BACKBONE) return backbone();
  const key = keyOf(name);
  if (key === undefined) return platform().read(source);
  const kept = await inStore<unknown>(name, 'readonly', store => store.get(key));
  check(kept instanceof Uint8Array, `${name}: nothing is kept under this name`, 'save a model under it first');
  return kept as Uint8Array<ArrayBuffer>;
}

/** Removes what is kept under `indexeddb://name`. */
export async function forget(name: string): Promise<void> {
  const key = typeof name === 'string' ? keyOf(name) : undefined;
  check(key !== undefined, `forget: ${kindOf(name)} is not in the browser`, `give ${INDEXED_DB}name`);
  await inStore(name, 'readwrite', store => store.delete(key));
}

/** What a request to the browser's database gives. */
async function inStore<T>(name: string, mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory };
  check(indexedDB, `${name}: there is no IndexedDB here`, 'give a file name');
  const opening = indexedDB.open('descent', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await resultOf(name, opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const result = await resultOf(name, ask(transaction.objectStore(STORE)));
    if (mode === 'readwrite') {
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(refused(name, transaction.error));
      });
    }
    return result;
  } finally {
    database.close();
  }
}

const refused = (name: string, error: DOMException | null): DescentError =>
  new DescentError(`${name}: the browser refuses (${error?.message ?? 'no reason given'})`, 'free some space', 'save it as a file');

const resultOf = <T>(name: string, request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(refused(name, request.error));
  });
