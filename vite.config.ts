import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';
import basicSsl from '@vitejs/plugin-basic-ssl';
import { originsForPages } from './web/data/published.ts';
import { browsable, footer } from './web/node/footer.ts';
import { relay } from './web/node/relay.ts';
import { serveData } from './web/node/serve-data.ts';
import { sharedWorkerChunks } from './web/node/shared-worker-chunks.ts';
import { site } from './web/node/site.ts';
import { standaloneScript } from './web/node/standalone-script.ts';
import { unindentWgsl } from './web/node/unindent-wgsl.ts';

const { version, homepage, repository } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
  version: string;
  homepage?: string;
  repository?: string | { url: string };
};
function commit(): string | undefined {
  // not a checkout
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: import.meta.dirname,
    }).trim();
  } catch {
    return undefined;
  }
}

/**
 * What the page may load: its own files alone, so that a name or a file of a user's can run nothing, and data sets from where they are
 * published. Styles are also set by scripts; while Vite serves, its client listens on a socket.
 */
const policy = (serves: boolean): string =>
  [
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "worker-src 'self' blob:",
    `connect-src 'self' data: blob: ${originsForPages().join(' ')}${serves ? ' ws:' : ''}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
const contentSecurityPolicy = (): Plugin => ({
  name: 'descent-content-security-policy',
  transformIndexHtml: (_, { server }) => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: policy(server !== undefined) },
      injectTo: 'head-prepend',
    },
  ],
});

/** `npm run web -- --share` gives `network`; tests, which stay on this machine, another. */
const { DESCENT_SHARE: share } = process.env;
const inNetwork = share === 'network';

const { DESCENT_SOURCE } = process.env;
const about = {
  version,
  commit: commit(),
  source: browsable(DESCENT_SOURCE || (typeof repository === 'object' ? repository.url : repository)),
  documentation: browsable(homepage),
};

/**
 * The page. DESCENT_WEB_DATA=fashion-mnist,cifar10 puts data sets into the build, DESCENT_SITE=https://… is where it will be, and
 * DESCENT_SOURCE=https://… where its source is, which the foot of the page links to.
 */
export default defineConfig({
  root: 'web',
  base: './',
  plugins: [
    contentSecurityPolicy(),
    sharedWorkerChunks(),
    unindentWgsl(),
    serveData(process.env.DESCENT_WEB_DATA),
    standaloneScript(),
    site(process.env.DESCENT_SITE),
    footer(about),
    relay(Boolean(share)),
    inNetwork && basicSsl(),
  ],
  define: { __DESCENT__: JSON.stringify({ version, commit: about.commit }) },
  worker: { format: 'es' },
  build: { outDir: 'dist', emptyOutDir: true, target: 'esnext', chunkSizeWarningLimit: 800 },
  // found later, they would reload the page
  optimizeDeps: {
    include: [
      'fastest-levenshtein',
      'wgsl-preprocessor/wgsl-preprocessor.js',
      'idb',
      '@bufbuild/protobuf',
      'onnx-buf',
      'uplot',
      'papaparse',
      'echarts/core',
      'echarts/charts',
      'echarts/components',
      'echarts/renderers',
    ],
  },
  server: { host: inNetwork ? true : 'localhost' },
});
