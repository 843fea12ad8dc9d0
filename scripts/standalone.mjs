/** The script of the pages that `descent export --to webpage` writes, in one file. */
import { join } from 'node:path';
import { ROOT } from './setup/modules.mjs';

/** What takes the place of a module where all lies in one file. */
const ONE_FILE = { './spawn.ts': 'train/fit/spawn-one-file.ts', './backbone-url.ts': 'train/tune/backbone-url-one-file.ts' };
export const ofOneFile = {
  name: 'descent-of-one-file',
  enforce: 'pre',
  resolveId: source => (ONE_FILE[source] ? join(ROOT, ONE_FILE[source]) : undefined),
};

/** What makes a file small: Vite leaves the white space of libraries, for bundlers that read what comments say of calls. */
export const smallest = { compress: true, mangle: true, codegen: { removeWhitespace: true } };

/** What Vite builds it by. */
export const standalone = () => ({
  configFile: false,
  root: ROOT,
  logLevel: 'warn',
  publicDir: false,
  plugins: [ofOneFile],
  build: {
    lib: { entry: join(ROOT, 'web/standalone/main.ts'), formats: ['es'], fileName: () => 'page.min.js' },
    outDir: join(ROOT, 'dist'),
    emptyOutDir: false,
    target: 'es2022',
    rollupOptions: { output: { codeSplitting: false, minify: smallest } },
  },
});

/** Its text, built anew. */
export async function standaloneScript() {
  const { build } = await import('vite');
  const options = standalone();
  const [{ output }] = [await build({ ...options, build: { ...options.build, write: false } })].flat();
  return output[0].code;
}
