/** Gives the page the script of the pages that Teach exports, at page.min.js. */
import { resolve } from 'node:path';
import type { Plugin } from 'vite';
import { pageScript } from '../../cli/export/page-script.ts';

const NAME = 'page.min.js';

export function standaloneScript(): Plugin {
  let isPage = false;
  let made: Promise<string> | undefined;
  return {
    name: 'descent-standalone-script',
    configResolved({ root }) {
      isPage = root === resolve(import.meta.dirname, '..').replaceAll('\\', '/'); // other pages are built by our configuration too
    },
    configureServer({ middlewares }) {
      middlewares.use(`/${NAME}`, (_, response, next) => {
        (made ??= pageScript()).then(text => response.setHeader('content-type', 'text/javascript').end(text), next);
      });
    },
    async generateBundle() {
      if (isPage) this.emitFile({ type: 'asset', fileName: NAME, source: await pageScript() });
    },
  };
}
