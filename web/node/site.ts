/** What a build of the page has as a site: a service worker by which it opens offline, and words and a picture for those who link to it. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';

const NAME = 'offline.js';

/** What of a build is fetched before it is asked for: not the script for exported pages, which only an export takes, and no nets. */
const isPart = (name: string): boolean => /\.(html|js|css|svg|webmanifest)$/.test(name) && ![NAME, 'page.min.js'].includes(name);

/** `address`: where the site will be, for those who fetch its picture from elsewhere. */
export function site(address?: string): Plugin {
  const web = resolve(import.meta.dirname, '..');
  let isPage = false;
  return {
    name: 'descent-site',
    apply: 'build',
    configResolved({ root }) {
      isPage = root === web.replaceAll('\\', '/');
    },
    transformIndexHtml: () =>
      address
        ? [
            { tag: 'meta', attrs: { property: 'og:url', content: address } },
            { tag: 'meta', attrs: { property: 'og:image', content: new URL('preview.png', address).href } },
          ]
        : [],
    buildStart() {
      if (isPage) this.emitFile({ type: 'chunk', id: join(web, 'offline', 'worker.ts'), fileName: NAME });
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const chunk = bundle[NAME];
        if (chunk?.type !== 'chunk') return;
        const parts = Object.values(bundle).filter(({ fileName }) => isPart(fileName));
        const hash = createHash('sha256');
        for (const part of parts) hash.update(part.type === 'chunk' ? part.code : part.source);
        const names = [...parts.map(({ fileName }) => fileName), 'icon.svg', 'manifest.webmanifest'];
        chunk.code = chunk.code
          .replaceAll('__FILES__', JSON.stringify(names))
          .replaceAll('__BUILD__', JSON.stringify(hash.digest('hex').slice(0, 12)));
      },
    },
  };
}
