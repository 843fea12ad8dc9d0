/** Where data sets are published, as far as the hosts there let pages read them. */
import { datasets } from '../../datasets/index.ts';

export interface Published {
  /** Each file at this address + its name + `.gz`. */
  readonly url: string;
  readonly host: string;
  /** Of all files, compressed. */
  readonly bytes: number;
}

/** Where a page can have a set from; undefined where no host is known that allows it. */
export function publishedFor(name: string): Published | undefined {
  for (const source of datasets[name]?.sources ?? [])
    if (source.kind === 'gzip' && source.toPages) return { url: source.url, host: new URL(source.url).host, bytes: source.toPages.bytes };
  return undefined;
}

/** The archive that a person can fetch, of a set that is published as one. */
export const archiveOf = (name: string): { readonly url: string; readonly bytes: number } | undefined =>
  datasets[name]?.sources.find(source => source.kind === 'archive');

/** The origins of all such hosts, for the policy that says what the page may connect to. */
export const originsForPages = (): string[] => [
  ...new Set(Object.keys(datasets).flatMap(name => (publishedFor(name) ? new URL(publishedFor(name)!.url).origin : []))),
];
