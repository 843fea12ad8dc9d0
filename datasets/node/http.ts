/** Downloads that go on where they broke off. */
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { check } from '../../engine/check.ts';

/** Told now and then how far a file is; `total` is undefined when the server does not say. */
export type OnProgress = (file: string, bytes: number, total: number | undefined) => void;

/** Milliseconds without an answer, or later without a byte, after which a server counts as gone. */
const CONNECT_MS = 5000;
const STALL_MS = 30000;

/** Throws when the user has asked for no network, by setting DESCENT_OFFLINE. */
export const checkOnline = (): void => check(!process.env.DESCENT_OFFLINE, 'DESCENT_OFFLINE is set');

/**
 * Downloads `url` to the file `part`, which stays when the connection breaks: the next call asks for the rest (Range) and starts again
 * where the server does not grant it. `label` names the file in onProgress.
 */
export async function download(url: string, part: string, label: string, onProgress?: OnProgress): Promise<void> {
  checkOnline();
  let had = (await stat(part).catch(() => undefined))?.size ?? 0;
  const abort = new AbortController();
  const give = (ms: number) => setTimeout(() => abort.abort(new Error(`no answer within ${ms / 1000} s`)), ms);
  let timer = give(CONNECT_MS);
  try {
    const headers = { 'accept-encoding': 'identity', ...(had ? { range: `bytes=${had}-` } : {}) };
    const answer = await fetch(url, { signal: abort.signal, headers });
    const range = /bytes (?:(\d+)-\d+|\*)\/(\d+)/.exec(answer.headers.get('content-range') ?? '');
    if (answer.status === 416 && had) {
      await answer.body?.cancel();
      if (Number(range?.[2]) === had) return; // it was whole already
      clearTimeout(timer);
      await rm(part);
      return await download(url, part, label, onProgress);
    }
    check(answer.ok && answer.body, `the server answered ${answer.status} ${answer.statusText}`);
    if (answer.status !== 206 || Number(range?.[1]) !== had) had = 0;
    const length = answer.headers.get('content-length');
    const total = length ? had + Number(length) : undefined;
    let bytes = had;
    const watch = async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        timer.refresh();
        bytes += chunk.length;
        onProgress?.(label, bytes, total);
        yield chunk;
      }
    };
    clearTimeout(timer);
    timer = give(STALL_MS);
    const body = Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream<Uint8Array>);
    await pipeline(body, watch, createWriteStream(part, { flags: had ? 'a' : 'w' }));
    check(total === undefined || bytes === total, `the connection ended at ${bytes} of ${total} bytes`);
  } finally {
    clearTimeout(timer);
  }
}
