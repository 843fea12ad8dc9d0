/** The foot of the page: which version it is, and where its documentation and its source are. */
import { resolve } from 'node:path';
import type { HtmlTagDescriptor, Plugin } from 'vite';

export interface About {
  readonly version: string;
  readonly commit?: string | undefined;
  /** The address of a repository, and of a documentation elsewhere: left out where nothing is known. */
  readonly source?: string | undefined;
  readonly documentation?: string | undefined;
}

/** An address of a repository as npm writes it, as a browser opens it; undefined where it is none. */
export function browsable(address: string | undefined): string | undefined {
  const plain = address?.replace(/^git\+/, '').replace(/\.git$/, '');
  return plain !== undefined && URL.canParse(plain) && /^https?:/.test(plain) ? plain.replace(/\/$/, '') : undefined;
}

/** It stands in the HTML, so that it is there before any script. */
export function footer(about: About): Plugin {
  let isPage = false;
  return {
    name: 'descent-footer',
    configResolved({ root }) {
      isPage = root === resolve(import.meta.dirname, '..').replaceAll('\\', '/');
    },
    transformIndexHtml: () => (isPage ? [foot(about)] : []),
  };
}

/** What stands in it. */
export function foot({ version, commit, source, documentation }: About): HtmlTagDescriptor {
  const link = (href: string | undefined, children: string): HtmlTagDescriptor[] =>
    href ? [{ tag: 'a', attrs: { href, rel: 'noreferrer' }, children }] : [];
  const build = `Descent ${version}${commit ? `, ${commit}` : ''}`;
  const parts: HtmlTagDescriptor[] = [
    { tag: 'span', children: build },
    ...link(documentation ?? (source && `${source}#readme`), 'Documentation'),
    ...link(source, 'Source'),
  ];
  return { tag: 'footer', attrs: { class: 'foot' }, children: parts, injectTo: 'body' };
}
