/** The fastest variants of each kernel call, kept by the browser for the next visit. */
import { Tuner, type TuneStore } from '../../engine/tune.ts';
import { built } from '../built.ts';

/** The browser's cache of responses, which workers have too. Where it is refused (a private window), variants are timed at each visit. */
const store: TuneStore = {
  name: 'tuned variants',
  async load() {
    try {
      const kept = await (await caches.open('descent')).match('/tuned.json');
      return await kept?.text();
    } catch {
      return undefined;
    }
  },
  async save(text) {
    try {
      await (await caches.open('descent')).put('/tuned.json', new Response(text));
    } catch {
      /* timed again next time */
    }
  },
};

/** Findings count for one version of the engine and of the browser. `progress` as of Tuner. */
export const tuner = (progress: (done: number, total: number) => void): Tuner =>
  new Tuner({ store, version: `descent ${built.version} ${navigator.userAgent}`, progress });
