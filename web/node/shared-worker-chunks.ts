/** Lets the page and the workers of its runs share what both import: as bundles of their own they would load most of it twice. */
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';

const WEB = resolve(import.meta.dirname, '..').replaceAll('\\', '/');
const PAGE = join(WEB, 'main.ts');
const WORKER = join(WEB, 'worker', 'worker.ts');
const CLIENT = 'web/worker/client.ts';
const URL_OF_WORKER = "new URL('./worker.ts', import.meta.url)";

/** WGSL for software adapters, of which LeNet-5 takes all. */
const LANES = /\/shaders\/(conv\/lanes-code\/(rows|forward|images|channels)|product\/lanes-code|kernel\/sums)\.ts$/;

/**
 * In a build the worker is a chunk beside those of the page. Vite itself makes a bundle of what a worker imports, which shares nothing. What
 * the page needs from the start and the worker at any time is one chunk, what else either needs from the start another: many small ones
 * compress worse, and each is a request. None of them holds an entry, so that what is loaded later can import from them without starting
 * the page or the worker, and the worker never loads what is the page's alone, which takes a document.
 */
export function sharedWorkerChunks(): Plugin {
  let page = new Set<string>();
  let worker = new Set<string>();
  let workerLater = new Set<string>();
  return {
    name: 'descent-shared-worker-chunks',
    apply: 'build',
    enforce: 'pre',
    config: () => ({
      build: {
        // What a script loads later it would have preloaded by elements of a document, which a worker has not. Browsers with WebGPU preload.
        modulePreload: { polyfill: false, resolveDependencies: (_, files, { hostType }) => (hostType === 'html' ? files : []) },
        rolldownOptions: {
          output: {
            codeSplitting: {
              groups: [
                { name: 'shared', test: id => page.has(id) && workerLater.has(id), priority: 1 }, // else the next would take what it imports
                { name: 'page', test: id => page.has(id) },
                { name: 'runs', test: id => worker.has(id) },
                { name: 'lanes', test: LANES },
              ],
            },
          },
        },
      },
    }),
    buildEnd() {
      /** What a module imports, and that in turn; `later` adds what is imported by `import()`. */
      const needed = (id: string, later = false, known = new Set<string>()): Set<string> => {
        const info = this.getModuleInfo(id);
        for (const next of [...(info?.importedIds ?? []), ...((later && info?.dynamicallyImportedIds) || [])])
          if (!known.has(next)) needed(next, later, known.add(next));
        return known;
      };
      page = needed(PAGE);
      worker = needed(WORKER);
      workerLater = needed(WORKER, true);
    },
    transform(code, id) {
      if (!id.endsWith(CLIENT)) return undefined;
      if (!code.includes(URL_OF_WORKER)) throw new Error(`${CLIENT}: it does not say ${URL_OF_WORKER}`);
      const worker = this.emitFile({ type: 'chunk', id: WORKER, name: 'worker' });
      return { code: code.replace(URL_OF_WORKER, `import.meta.ROLLUP_FILE_URL_${worker}`), map: null };
    },
  };
}
