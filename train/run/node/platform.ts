/** What Node has where a browser has its own: Dawn, files, a cache on the disk. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useHost } from '../../../datasets/host.ts';
import { cacheDir } from '../../../datasets/node/cache-dir.mjs';
import { nodeHost } from '../../../datasets/node/host.ts';
import { makeFolders } from '../../../datasets/node/make-folders.ts';
import { openAdapter } from '../../../engine/node/adapters.ts';
import { fetched, usePlatform, type Platform, type TuneStore } from '../../../engine/platform.ts';
import { readWhole, writeWhole } from './files.ts';

/**
 * The version of the package webgpu. Bundlers of an app's server look for what is required by its name, and would not build without it: what
 * is looked for by a name that is put together, and may fail, they leave alone.
 */
export function webgpuVersion(name = 'webgpu'): string {
  try {
    const path = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  } catch {
    return 'unknown';
  }
}

/** A text in a file. */
export const storeAt = (path: string): TuneStore => ({
  name: path,
  async load() {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  async save(text) {
    makeFolders(dirname(path));
    writeWhole(path, text);
  },
});

export const nodePlatform: Platform = {
  adapter: openAdapter,
  tuned: storeAt(join(cacheDir(), 'tuned.json')),
  tick: 0,
  cores: Math.min(availableParallelism(), 8),
  runtime: () => `webgpu ${webgpuVersion()}`,
  async save(name, bytes) {
    writeWhole(name, bytes);
  },
  async read(from) {
    if (/^https?:/.test(String(from))) return fetched(from);
    const path = String(from).startsWith('file:') ? fileURLToPath(from) : String(from);
    return new Uint8Array(readWhole(path, 'give a .safetensors or .onnx file'));
  },
};

/** Has the library use what Node has. */
export function useNode(): void {
  usePlatform(nodePlatform);
  useHost(nodeHost);
}
