/** What differs between a browser, which is taken for granted here, and Node, whose entry says so (see node.ts). */
import { check, DescentError, named, say } from './check.ts';

/** Where findings are kept between runs: one text. `load` gives undefined where there is none yet. */
export interface TuneStore {
  /** How messages name it. */
  readonly name: string;
  load(): Promise<string | undefined>;
  save(text: string): Promise<void>;
}

export interface Platform {
  /** The strongest adapter, or the one that `wanted` names; one that is given is made ready. Throws where there is none. */
  adapter(wanted?: GPUAdapter | string): Promise<GPUAdapter>;
  /** Where the fastest variants of kernels are kept between runs. */
  readonly tuned: TuneStore;
  /** What runs WebGPU, and its version: what is fastest under one may not be so under another. */
  readonly runtime: () => string;
  /** Milliseconds to which the device's clock is rounded; 0 where it is not. */
  readonly tick: number;
  /** Processor cores on which software drivers may compile: 1 where what one device compiled is not kept for others. */
  readonly cores: number;
  /** Hands bytes to the user under a name: as a file of that path, or as a download. */
  save(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The bytes of an address, or under Node of a path. */
  read(from: string | URL): Promise<Uint8Array<ArrayBuffer>>;
}

/** The bytes of an address. */
export async function fetched(from: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(from).catch((error: Error) => {
    throw new DescentError(`${from}: cannot be fetched (${error.message})`, 'check the address and the connection');
  });
  check(answer.ok, `${from}: the server answers ${answer.status}`, 'check the address');
  return new Uint8Array(await answer.arrayBuffer());
}

/** Why there is no device, by words that are loaded where they are needed. */
async function missing(what: 'NO_WEBGPU' | 'NO_ADAPTER'): Promise<DescentError> {
  const { problem, advice } = (await import('./no-webgpu.ts'))[what];
  return new DescentError(problem, ...advice);
}

export const browserPlatform: Platform = {
  async adapter(wanted) {
    check(
      typeof wanted !== 'string',
      say`${named('adapter')}: '${String(wanted)}' is a name, and a browser does not say which adapters it has`,
      'leave it out',
      'give a GPUAdapter',
    );
    if (wanted) return wanted;
    const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
    if (!gpu) throw await missing('NO_WEBGPU');
    const adapter = (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ?? (await gpu.requestAdapter());
    if (!adapter) throw await missing('NO_ADAPTER');
    return adapter;
  },
  // The browser's cache of responses, which workers have too. Where it is refused (a private window), variants are timed at each visit.
  tuned: {
    name: 'tuned variants',
    async load() {
      try {
        const kept = await (await caches.open('descent')).match('/tuned.json');
        return await kept?.text();
      } catch {
        return undefined;
      }
    },
    async save(text) {
      try {
        await (await caches.open('descent')).put('/tuned.json', new Response(text));
      } catch {
        /* timed again next time */
      }
    },
  },
  runtime: () => navigator.userAgent,
  tick: 0.1,
  cores: 1,
  async save(name, bytes) {
    check(typeof document !== 'undefined', `${name}: a worker cannot offer a download`, 'take the bytes to the page and save them there');
    const href = URL.createObjectURL(new Blob([bytes]));
    Object.assign(document.createElement('a'), { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000); // the download has begun by then
  },
  read: fetched,
};

let current: Platform = browserPlatform;

/** What is around the library here. */
export const platform = (): Platform => current;

/** Says what is around the library, once, before anything of it is used. */
export function usePlatform(own: Platform): void {
  current = own;
}
