/**
 * The page's service worker: a built page opens without a network once it was visited, and what it has fetched of data sets and trained nets
 * stays. A new build is fetched whole while the old one runs, and takes over at the next visit.
 */

/** Put in by the build (web/node/site.ts): its files, and a name that no other build has. */
declare const __FILES__: readonly string[];
declare const __BUILD__: string;

/** What of a service worker's scope is used; TypeScript has its types only where those of pages are not. */
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly registration: ServiceWorkerRegistration;
  readonly clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
}

const worker: Scope = Object.assign(globalThis as typeof globalThis & Scope);
const PAGE = `descent-page-${__BUILD__}`;
/** Data sets and nets: their names say what they are, so that those of another build are the same. */
const DATA = 'descent-data';

const at = (path: string): string => new URL(path, worker.registration.scope).href;
const files = new Set(__FILES__.map(at));

worker.addEventListener('install', event => {
  // the files of this very build: none from the browser's own cache
  event.waitUntil(caches.open(PAGE).then(cache => cache.addAll([...files].map(url => new Request(url, { cache: 'reload' })))));
});

worker.addEventListener('activate', event => {
  const isOld = (name: string) => name.startsWith('descent-page-') && name !== PAGE;
  event.waitUntil(
    caches
      .keys()
      .then(names => Promise.all(names.filter(isOld).map(name => caches.delete(name))))
      .then(() => worker.clients.claim()), // the tab of the first visit too goes on without a network, or with a newer build on the site
  );
});

worker.addEventListener('fetch', event => {
  const { request } = event;
  const url = new URL(request.url);
  url.search = '';
  url.hash = '';
  if (request.method !== 'GET' || !url.href.startsWith(worker.registration.scope)) return;
  const address = request.mode === 'navigate' ? at('./index.html') : url.href;
  if (files.has(address)) event.respondWith(caches.match(address, { cacheName: PAGE }).then(kept => kept ?? fetch(request)));
  else if (/\/data\/[\w-]+\/[\w.-]+$|\.safetensors$/.test(url.pathname)) event.respondWith(kept(request, address));
  else if (url.pathname.endsWith('/data/index.json')) event.respondWith(newest(request, address));
});

/** What was fetched before, else what the site has now, which is kept as far as there is room. */
async function kept(request: Request, address: string): Promise<Response> {
  const cache = await caches.open(DATA);
  const known = await cache.match(address);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.status === 200) void cache.put(address, answer.clone()).catch(() => undefined); // a full disk costs the next fetch, no more
  return answer;
}

/** What the site has now, without a network what it had. */
async function newest(request: Request, address: string): Promise<Response> {
  const cache = await caches.open(DATA);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(address, answer.clone());
    return answer;
  } catch (error) {
    const known = await cache.match(address);
    if (known) return known;
    throw error;
  }
}
