/** The script of the pages that `descent export --to webpage` writes, in one file. */
import { join } from 'node:path';
import { ROOT } from './setup/modules.mjs';

/** What Vite builds it by. */
export const standalone = () => ({
  configFile: false,
  root: ROOT,
  logLevel: 'warn',
  publicDir: false,
  build: {
    lib: { entry: join(ROOT, 'web/standalone/main.ts'), formats: ['es'], fileName: () => 'page.min.js' },
    outDir: join(ROOT, 'dist'),
    emptyOutDir: false,
    target: 'es2022',
    minify: true,
    rollupOptions: { output: { codeSplitting: false } },
  },
});

/** Its text, built anew. */
export async function standaloneScript() {
  const { build } = await import('vite');
  const options = standalone();
  const [{ output }] = [await build({ ...options, build: { ...options.build, write: false } })].flat();
  return output[0].code;
}
