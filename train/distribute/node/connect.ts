/** The exchange between the processes that mpirun or srun started, on the side of the main thread, which never calls MPI. */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { DescentError } from '../../../engine/check.ts';
import { alone } from '../alone.ts';
import type { Centre, Exchange } from '../exchange.ts';
import type { Answer, Begun, Call, Route, Start } from './calls.ts';
import { launchedBy } from './library.ts';

export interface Connected {
  readonly exchange: Exchange;
  /** As in `Open MPI v4.1.4`; undefined where one process was started, and no MPI is loaded. */
  readonly library: string | undefined;
}

/**
 * UCX, below many an MPI, replaces functions of the C library (mmap, malloc) and handlers of signals in the whole process, which V8 and Dawn
 * have their own ways with. Without that it looks up what memory it may reach at each call.
 */
const QUIET = { UCX_MEM_MMAP_HOOK_MODE: 'none', UCX_MEM_MALLOC_HOOKS: 'no', UCX_MEM_MALLOC_RELOC: 'no', UCX_HANDLE_ERRORS: 'none' };

/** Milliseconds that a thread inside a call of MPI is given to end the job. */
const PATIENCE = 1000;

/** Joins the other processes of the job. Throws, in one line that says what to do, where there is no MPI or one that does not fit. */
export async function connect(route: Route = 'rma', env: NodeJS.ProcessEnv = process.env): Promise<Connected> {
  if (!launchedBy(env)) return { exchange: alone(), library: undefined };
  for (const [name, value] of Object.entries(QUIET)) process.env[name] ??= value;
  const wake = new Int32Array(new SharedArrayBuffer(4));
  const start: Start = { route, wake };
  const worker = new Worker(threadFile(), { workerData: start });
  const begun = await new Promise<Begun>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  if ('fault' in begun) {
    await worker.terminate();
    throw new DescentError(begun.fault.problem, ...begun.fault.advice);
  }
  return { exchange: exchangeWith(worker, wake, begun), library: begun.library };
}

/** The thread's file: beside this one, or in a bundle beside the command line. */
function threadFile(): URL {
  const places = ['./thread.mjs', './mpi-thread.js'].map(name => new URL(name, import.meta.url));
  return places.find(url => existsSync(url))!;
}

interface Waiting {
  readonly resolve: (value: number | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Asks the thread, which answers calls in any order; once it has failed all are rejected for the same reason. */
function askerOf(worker: Worker, wake: Int32Array<SharedArrayBuffer>): (call: Call) => Promise<number | undefined> {
  const waiting = new Map<number, Waiting>();
  let calls = 0;
  let failed: DescentError | undefined;
  const fail = (error: DescentError) => {
    failed ??= error;
    for (const { reject } of waiting.values()) reject(failed);
    waiting.clear();
    worker.unref();
  };
  worker.on('message', (answer: Answer | Begun) => {
    if (!('id' in answer)) return 'fault' in answer && fail(new DescentError(answer.fault.problem, ...answer.fault.advice));
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (!waiting.size) worker.unref();
    if ('fault' in answer) asker?.reject(new DescentError(answer.fault.problem, ...answer.fault.advice));
    else asker?.resolve(answer.value);
  });
  worker.on('error', (error: Error) => fail(new DescentError(`MPI: its thread ended: ${error.message}`)));
  worker.unref(); // the process lives as long as something is asked

  return call =>
    new Promise((resolve, reject) => {
      if (failed) return reject(failed);
      waiting.set(calls, { resolve, reject });
      worker.ref();
      worker.postMessage({ id: calls++, call });
      Atomics.add(wake, 0, 1);
      Atomics.notify(wake, 0);
    });
}

/** Values that threads share. */
const vector = (n: number) => new Float32Array(new SharedArrayBuffer(4 * n));

/** Does `f` with `x` where threads share it, and puts back what became of it. */
async function throughShared<T extends Float32Array | Uint8Array>(x: T, f: (shared: T) => Promise<void>): Promise<void> {
  if (x.buffer instanceof SharedArrayBuffer) return f(x);
  const shared = (x instanceof Uint8Array ? new Uint8Array(new SharedArrayBuffer(x.length)) : vector(x.length)) as T;
  shared.set(x);
  await f(shared);
  x.set(shared);
}

/** What each rank gave: first how long it is, then each text in turn. */
async function textsBy(
  { rank, size, mean, broadcast }: Pick<Exchange, 'rank' | 'size' | 'mean' | 'broadcast'>,
  own: string,
): Promise<string[]> {
  const bytes = new TextEncoder().encode(own);
  const lengths = new Float32Array(size);
  lengths[rank] = bytes.length;
  await mean(lengths, 1);
  const all: string[] = [];
  for (const [from, length] of lengths.entries()) {
    const text = from === rank ? bytes : new Uint8Array(length);
    if (length > 0) await broadcast(text, from);
    all.push(new TextDecoder().decode(text));
  }
  return all;
}

function exchangeWith(worker: Worker, wake: Int32Array<SharedArrayBuffer>, { rank, size }: { rank: number; size: number }): Exchange {
  const ask = askerOf(worker, wake);
  const done = async (call: Call): Promise<void> => void (await ask(call));
  const mean = (x: Float32Array, weight = 1 / size) => throughShared(x, shared => done({ name: 'mean', x: shared, weight }));
  const broadcast = (x: Float32Array | Uint8Array, root = 0) => throughShared(x, shared => done({ name: 'broadcast', x: shared, root }));

  return {
    rank,
    size,
    vector,
    mean,
    broadcast,
    texts: own => textsBy({ rank, size, mean, broadcast }, own),
    async centre(n, regions) {
      const centre = (await ask({ name: 'centre', n, regions }))!;
      return {
        read: (x, region = 0) => throughShared(x, shared => done({ name: 'read', centre, x: shared, region })),
        add: (d, region = 0) => throughShared(d, shared => done({ name: 'add', centre, d: shared, region })),
        exchange: (d, before, region = 0, op = 'sum') =>
          throughShared(d, shared => throughShared(before, was => done({ name: 'exchange', centre, d: shared, before: was, region, op }))),
        tick: async by => (await ask({ name: 'tick', centre, by }))!,
      } satisfies Centre;
    },
    async shared(n) {
      const array = (await ask({ name: 'shared', n }))!;
      return {
        read: x => throughShared(x, shared => done({ name: 'shared read', array, x: shared })),
        add: d => throughShared(d, shared => done({ name: 'shared add', array, d: shared })),
      };
    },
    async close() {
      await mean(vector(1)); // while ranks wait here they answer what those that are not yet here ask
      await done({ name: 'close' });
      await worker.terminate();
    },
    async abort(code) {
      void done({ name: 'abort', code }).catch(() => undefined);
      await new Promise(resolve => setTimeout(resolve, PATIENCE));
      process.exit(code);
    },
  };
}
