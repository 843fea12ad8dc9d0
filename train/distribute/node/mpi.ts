/** The calls of MPI that Descent makes, as functions. One thread makes them all. */
import { check, named, say } from '../../../engine/check.ts';
import type { Handle } from './abi.ts';
import type { Library } from './library.ts';

type Values = Float32Array | BigInt64Array | Int32Array | Uint8Array;

/** A call that has begun. */
export interface Request {
  /** Whether it is complete. */
  test(): boolean;
}

/** One request for several, looked at in their order, so that none is asked again once it is complete. */
export const allOf = (requests: readonly Request[]): Request => {
  const open = [...requests];
  return {
    test() {
      while (open.length && open[0]!.test()) open.shift();
      return open.length === 0;
    },
  };
};

export type Mpi = ReturnType<typeof mpiOf>;

/** A window of memory that other ranks work on. */
export interface Window {
  readonly handle: Handle;
  readonly bytes: ArrayBuffer;
}

/** The most values of one call: a count is a C int, and some networks take less well to calls of gigabytes. */
const MOST = 2 ** 28;

/** The functions of the library, each of which throws where it fails. */
function functionsOf({ handle: library, abi }: Library) {
  const { handle: H } = abi;
  /** `H` in a list of parameters is a handle, `_Out_ H *` one that comes back. */
  const call = (name: string, parameters: string) => {
    const f = library.func(`int MPI_${name}(${parameters.replace(/\bH\b/g, H)})`);
    return (...given: readonly unknown[]): void => {
      const code = f(...given) as number;
      check(
        code === 0,
        `MPI_${name}: failed with code ${code}`,
        'look at what the launcher says',
        say`try ${named('exchange', 'messages')}`,
      );
    };
  };
  return {
    initThread: call('Init_thread', 'void *, void *, int, _Out_ int *'),
    commRank: call('Comm_rank', 'H, _Out_ int *'),
    commSize: call('Comm_size', 'H, _Out_ int *'),
    setErrhandler: call('Comm_set_errhandler', 'H, H'),
    barrier: call('Barrier', 'H'),
    finalize: call('Finalize', ''),
    abort: call('Abort', 'H, int'),
    test: call('Test', '_Inout_ H *, _Out_ int *, int64_t'),
    iallreduce: call('Iallreduce', 'int64_t, void *, int, H, H, H, _Out_ H *'),
    ibcast: call('Ibcast', 'void *, int, H, int, H, _Out_ H *'),
    isend: call('Isend', 'const void *, int, H, int, int, H, _Out_ H *'),
    irecv: call('Irecv', 'void *, int, H, int, int, H, _Out_ H *'),
    recv: call('Recv', 'void *, int, H, int, int, H, int64_t'),
    iprobe: call('Iprobe', 'int, int, H, _Out_ int *, int64_t'),
    splitType: call('Comm_split_type', 'H, int, int, H, _Out_ H *'),
    winAllocate: call('Win_allocate', 'int64_t, int, H, H, _Out_ void **, _Out_ H *'),
    winAllocateShared: call('Win_allocate_shared', 'int64_t, int, H, H, _Out_ void **, _Out_ H *'),
    winSharedQuery: call('Win_shared_query', 'H, int, _Out_ int64_t *, _Out_ int *, _Out_ void **'),
    winLockAll: call('Win_lock_all', 'int, H'),
    winUnlockAll: call('Win_unlock_all', 'H'),
    winFlushAll: call('Win_flush_all', 'H'),
    winSync: call('Win_sync', 'H'),
    winFree: call('Win_free', '_Inout_ H *'),
    accumulate: call('Accumulate', 'const void *, int, H, int, int64_t, int, H, H, H'),
    getAccumulate: call('Get_accumulate', 'const void *, int, H, void *, int, H, int, int64_t, int, H, H, H'),
    fetchAndOp: call('Fetch_and_op', 'const void *, void *, H, int, int64_t, H, H'),
  };
}

const countOf = (x: Values): number => (x instanceof Int32Array ? x.byteLength : x.length);

/** The number that `ask` writes into the list that it is given. */
const numberOf = (ask: (out: number[]) => void): number => {
  const out = [0];
  ask(out);
  return out[0]!;
};
const handleOf = (ask: (out: unknown[]) => void): Handle => {
  const out: unknown[] = [null];
  ask(out);
  return out[0] as Handle;
};

/** Requests by `begin`, which starts a call and is given the place where its handle goes. */
function requestsOf({ test }: ReturnType<typeof functionsOf>, statusIgnore: bigint) {
  /** A request on the memory `x`, which it keeps until it is complete. */
  const request = (x: Values, begin: (out: unknown[]) => void): Request => {
    const handle: unknown[] = [null];
    let kept: Values | undefined = x;
    begin(handle);
    return {
      test() {
        if (!kept) return true;
        if (numberOf(done => test(handle, done, statusIgnore)) !== 0) kept = undefined;
        return !kept;
      },
    };
  };
  /** One request for all of `x`, piece by piece where it is long. */
  const inPieces = <T extends Float32Array | Uint8Array>(x: T, begin: (piece: T, out: unknown[]) => void): Request => {
    const pieces = Array.from({ length: Math.max(1, Math.ceil(x.length / MOST)) }, (_, i) => x.subarray(i * MOST, (i + 1) * MOST) as T);
    return allOf(pieces.map(piece => request(piece, out => begin(piece, out))));
  };
  return { request, inPieces };
}

export function mpiOf(library: Library) {
  const { koffi, abi } = library;
  const { STATUS_IGNORE } = abi;
  const mpi = functionsOf(library);
  const { request, inPieces } = requestsOf(mpi, STATUS_IGNORE);
  const world = abi.COMM_WORLD;
  const typeOf = (x: Values): Handle => (x instanceof Float32Array ? abi.FLOAT : x instanceof BigInt64Array ? abi.INT64_T : abi.BYTE);
  const opOf = (op: 'sum' | 'max' | 'none'): Handle => ({ sum: abi.SUM, max: abi.MAX, none: abi.NO_OP })[op];
  /** Zeros; every rank may work on them from now on, at any time, until the window is freed. */
  const opened = (handle: Handle, pointer: unknown, bytes: number): Window => {
    const view = bytes ? koffi.view(pointer, bytes) : new ArrayBuffer(0);
    new Uint8Array(view).fill(0);
    mpi.winLockAll(abi.MODE_NOCHECK, handle);
    mpi.winSync(handle);
    mpi.barrier(world);
    mpi.winSync(handle);
    return { handle, bytes: view };
  };

  return {
    init(): { rank: number; size: number } {
      const granted = numberOf(out => mpi.initThread(null, null, abi.THREAD_FUNNELED, out));
      check(granted >= abi.THREAD_FUNNELED, 'MPI: the library was built for processes of one thread', 'install one that knows threads');
      mpi.setErrhandler(world, abi.ERRORS_RETURN);
      return { rank: numberOf(out => mpi.commRank(world, out)), size: numberOf(out => mpi.commSize(world, out)) };
    },
    finalize: mpi.finalize,
    barrier: () => mpi.barrier(world),
    abort: (code: number) => mpi.abort(world, code),
    sum: (x: Float32Array) =>
      inPieces(x, (piece, out) => mpi.iallreduce(abi.IN_PLACE, piece, piece.length, abi.FLOAT, abi.SUM, world, out)),
    broadcast: (x: Float32Array | Uint8Array, root: number) =>
      inPieces<Float32Array | Uint8Array>(x, (piece, out) => mpi.ibcast(piece, piece.length, typeOf(piece), root, world, out)),
    send: (x: Values, to: number, tag: number) => request(x, out => mpi.isend(x, countOf(x), typeOf(x), to, tag, world, out)),
    receive: (x: Values, from: number, tag: number) => request(x, out => mpi.irecv(x, countOf(x), typeOf(x), from, tag, world, out)),
    /** Takes a message of any rank that is known to have come. */
    take: (x: Values, tag: number, from = abi.ANY_SOURCE) => mpi.recv(x, countOf(x), typeOf(x), from, tag, world, STATUS_IGNORE),
    /** Whether a message with `tag` has come. Any such call lets MPI get on with what others ask of this rank. */
    hasCome: (tag: number) => numberOf(out => mpi.iprobe(abi.ANY_SOURCE, tag, world, out, STATUS_IGNORE)) !== 0,
    window(bytes: number): Window {
      const base: unknown[] = [null];
      const handle = handleOf(out => mpi.winAllocate(BigInt(bytes), 1, abi.INFO_NULL, world, base, out));
      return opened(handle, base[0], bytes);
    },
    /** `bytes` bytes of the ranks of one machine; undefined where there are ranks on another. */
    sharedWindow(bytes: number, { rank, size }: { rank: number; size: number }): Window | undefined {
      const node = handleOf(out => mpi.splitType(world, abi.COMM_TYPE_SHARED, rank, abi.INFO_NULL, out));
      if (numberOf(out => mpi.commSize(node, out)) !== size) return undefined;
      const own = numberOf(out => mpi.commRank(node, out)) === 0 ? bytes : 0;
      const handle = handleOf(out => mpi.winAllocateShared(BigInt(own), 4, abi.INFO_NULL, node, [null], out));
      const pointer: unknown[] = [null];
      mpi.winSharedQuery(handle, 0, [0], [0], pointer);
      return opened(handle, pointer[0], bytes);
    },
    free({ handle }: Window): void {
      mpi.barrier(world);
      mpi.winUnlockAll(handle);
      mpi.winFree([handle]);
    },
    sync: ({ handle }: Window) => mpi.winSync(handle),
    /** Waits until all that was asked of a window is done, where it is. */
    flush: ({ handle }: Window) => mpi.winFlushAll(handle),
    accumulate({ handle }: Window, d: Float32Array, to: number, at: number): void {
      mpi.accumulate(d, d.length, abi.FLOAT, to, BigInt(at), d.length, abi.FLOAT, abi.SUM, handle);
    },
    getAccumulate({ handle }: Window, d: Float32Array, before: Float32Array, to: number, at: number, op: 'sum' | 'max' | 'none'): void {
      const n = before.length;
      mpi.getAccumulate(d, op === 'none' ? 0 : n, abi.FLOAT, before, n, abi.FLOAT, to, BigInt(at), n, abi.FLOAT, opOf(op), handle);
    },
    fetchAndAdd({ handle }: Window, by: BigInt64Array, before: BigInt64Array, to: number, at: number): void {
      mpi.fetchAndOp(by, before, abi.INT64_T, to, BigInt(at), abi.SUM, handle);
    },
  };
}
