/** Lets the page and the workers of its runs share what both import: as bundles of their own they would load most of it twice. */
import { join } from 'node:path';
import type { Plugin } from 'vite';

const CLIENT = 'web/worker/client.ts';
const URL_OF_WORKER = "new URL('./worker.ts', import.meta.url)";

/** In a build the worker is a chunk beside those of the page. Vite itself makes a bundle of what a worker imports, which shares nothing. */
export const sharedWorkerChunks = (): Plugin => ({
  name: 'descent-shared-worker-chunks',
  apply: 'build',
  enforce: 'pre',
  // What a script loads later it would have preloaded by elements of a document, which a worker has not.
  config: () => ({ build: { modulePreload: { resolveDependencies: (_, files, { hostType }) => (hostType === 'html' ? files : []) } } }),
  transform(code, id) {
    if (!id.endsWith(CLIENT)) return undefined;
    if (!code.includes(URL_OF_WORKER)) throw new Error(`${CLIENT}: it does not say ${URL_OF_WORKER}`);
    const worker = this.emitFile({ type: 'chunk', id: join(id, '../worker.ts'), name: 'worker' });
    return { code: code.replace(URL_OF_WORKER, `import.meta.ROLLUP_FILE_URL_${worker}`), map: null };
  },
});
