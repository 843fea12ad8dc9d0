/** What a build of the page has as a site: a service worker by which it opens offline, and words and a picture for those who link to it. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { HtmlTagDescriptor, Plugin } from 'vite';

const NAME = 'offline.js';

/** What of a build is fetched before it is asked for: not the script for exported pages, which only an export takes, and no nets. */
const isPart = (name: string): boolean => /\.(html|js|css|svg|webmanifest)$/.test(name) && ![NAME, 'page.min.js'].includes(name);

/** What those read who show a link to the site: its address and its picture (web/public/preview.png). */
export function tagsOf(address: string): HtmlTagDescriptor[] {
  const said = {
    'og:url': address,
    'og:image': new URL('preview.png', address).href,
    'og:image:width': '1200',
    'og:image:height': '630',
    'og:image:alt': 'A small net learns two spirals: its units, its weights and its answer',
  };
  const tags: HtmlTagDescriptor[] = Object.entries(said).map(([property, content]) => ({ tag: 'meta', attrs: { property, content } }));
  return [...tags, { tag: 'meta', attrs: { name: 'twitter:card', content: 'summary_large_image' } }];
}

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
    transformIndexHtml: () => (address ? tagsOf(address) : []),
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
