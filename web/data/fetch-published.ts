/** Fetches a data set from where it is published. */
import { datasets } from '../../datasets/index.ts';
import { check, DescentError, faultOf, words } from '../../engine/check.ts';
import { keepData, type Dropped } from './dropped.ts';
import { publishedFor } from './published.ts';

/** How much of a set has come, in compressed bytes. */
type OnBytes = (done: number) => void;

/**
 * Fetches the files of a set that were not dropped yet, checks them against their hashes and keeps them. Throws, with those that came
 * before kept, where the host refuses, a file is none of the set, or `signal` ends it.
 */
export async function fetchPublished(name: string, dropped: Dropped, onBytes: OnBytes, signal: AbortSignal): Promise<void> {
  const from = publishedFor(name);
  check(from, `${name}: is published where no page may read it`, 'fetch it there and drop its files here');
  let done = 0;
  for (const { name: file } of datasets[name]!.files) {
    if (`${name}/${file}` in dropped.files) continue;
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    try {
      const answer = await fetch(`${from.url}${file}.gz`, { signal, credentials: 'omit', referrerPolicy: 'no-referrer' });
      check(answer.ok, `answers ${answer.status} in place of ${file}.gz`);
      const reader = answer.body!.getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        chunks.push(read.value);
        onBytes((done += read.value.length));
      }
    } catch (error) {
      signal.throwIfAborted();
      // the browser tells a page no more of a host that refuses than of one that is not there
      const why = error instanceof DescentError ? words(faultOf(error).problem) : 'cannot be reached, or does not let this page read it';
      throw new DescentError(`${name}: ${from.host} ${why}`, `fetch the files at ${from.url} by hand, and drop them here`);
    }
    const isGzipped = chunks[0]?.[0] === 0x1f && chunks[0][1] === 0x8b; // else the browser has unpacked it
    await keepData(new File(chunks, isGzipped ? `${file}.gz` : file), dropped);
  }
}
