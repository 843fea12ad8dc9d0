/** Downloads that go on where they broke off. */
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as pause } from 'node:timers/promises';
import type { EnvHttpProxyAgent } from 'undici';
import { check, DescentError } from '../../engine/check.ts';
import { absent } from '../../engine/node/optional.ts';

/** Told now and then how far a file is; `total` is undefined when the server does not say. */
export type OnProgress = (file: string, bytes: number, total: number | undefined) => void;

export interface DownloadOptions {
  /** The file in onProgress and in messages. */
  readonly label: string;
  /** Bytes beyond which the answer cannot be the file: an endless one would fill the disk. */
  readonly most: number;
  readonly onProgress?: OnProgress | undefined;
}

/** Milliseconds without an answer after which a server counts as gone. */
const CONNECT_MS = 5000;
/** A server that sends fewer bytes than this in so many milliseconds counts as gone too, or one that drips would hold a run for hours. */
const STALL_MS = 30000;
const STALL_BYTES = 30 * 1024;
/** A server that is busy, or a connection that breaks, is tried again after so many milliseconds, or when Retry-After says. */
const RETRY_MS = [500, 1500];
const LONGEST_WAIT_MS = 30000;
const BUSY = [429, 500, 502, 503, 504];

/** Why a download failed, where trying again may help. */
class Interrupted extends DescentError {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Throws when the user has asked for no network, by setting DESCENT_OFFLINE. */
export const checkOnline = (): void => check(!process.env.DESCENT_OFFLINE, 'DESCENT_OFFLINE is set');

/**
 * Downloads `url` to the file `part`, which stays when the connection breaks: the next call asks for the rest (Range) and starts again
 * where the server does not grant it. Goes through the proxy that HTTPS_PROXY or HTTP_PROXY names, except to the hosts of NO_PROXY.
 */
export async function download(url: string, part: string, options: DownloadOptions): Promise<void> {
  checkOnline();
  for (let tries = 0; ; tries++) {
    try {
      await attempt(url, part, options);
      return;
    } catch (e) {
      const wait = RETRY_MS[tries];
      if (!(e instanceof Interrupted) || wait === undefined) throw e;
      if ((e.retryAfterMs ?? 0) > LONGEST_WAIT_MS) throw e;
      await pause(e.retryAfterMs ?? wait);
    }
  }
}

async function attempt(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { label, most, onProgress } = options;
  let had = (await stat(part).catch(() => undefined))?.size ?? 0;
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined = setTimeout(() => {
    abort.abort(new DescentError(`no answer within ${CONNECT_MS / 1000} s`));
  }, CONNECT_MS);
  try {
    const headers = { 'accept-encoding': 'identity', ...(had ? { range: `bytes=${had}-` } : {}) };
    const answer = await request(url, { signal: abort.signal, headers });
    clearTimeout(timer);
    const stream = answer.body as ReadableStream<Uint8Array> | null;
    const range = /bytes (?:(\d+)-\d+|\*)\/(\d+)/.exec(answer.headers.get('content-range') ?? '');
    if (answer.status === 416 && had) {
      await stream?.cancel();
      if (Number(range?.[2]) === had) return; // it was whole already
      await rm(part);
      return await attempt(url, part, options);
    }
    if (!answer.ok || !stream) {
      const said = `the server answered ${answer.status}`;
      throw BUSY.includes(answer.status) ? new Interrupted(said, retryAfter(answer.headers)) : new DescentError(said);
    }
    if (answer.status !== 206 || Number(range?.[1]) !== had) had = 0;
    const length = answer.headers.get('content-length');
    const total = length ? had + Number(length) : undefined;
    const tooLong = (n: number) => `${label}: ${n} bytes and more are sent where at most ${most} can be the file`;
    check(total === undefined || total <= most, tooLong(total ?? 0));
    let bytes = had;
    let before = had;
    timer = setInterval(() => {
      const seen = bytes - before;
      before = bytes;
      if (seen < STALL_BYTES) abort.abort(new DescentError(`${seen} bytes came in ${STALL_MS / 1000} s`));
    }, STALL_MS);
    const watch = async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        check(bytes <= most, tooLong(bytes));
        onProgress?.(label, bytes, total);
        yield chunk;
      }
    };
    await pipeline(Readable.fromWeb(stream), watch, createWriteStream(part, { flags: had ? 'a' : 'w' }));
    if (total !== undefined && bytes !== total) throw new Interrupted(`the connection ended at ${bytes} of ${total} bytes`);
  } catch (e) {
    const { cause, message } = e as Error & { cause?: Error };
    throw isReset(e) ? new Interrupted(cause?.message || message) : e;
  } finally {
    clearTimeout(timer); // an interval too
  }
}

/** Whether a connection broke that had been made; one that cannot be made is for the next source. */
function isReset(e: unknown): boolean {
  const { code, cause } = e as { code?: string; cause?: { code?: string } };
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(cause?.code ?? code ?? '');
}

/** Milliseconds that the server asks to wait: Retry-After is a number of seconds or a date. */
function retryAfter(headers: Answer['headers']): number | undefined {
  const said = headers.get('retry-after');
  if (said === null) return undefined;
  const ms = /^\d+$/.test(said.trim()) ? 1000 * Number(said) : Date.parse(said) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** What Node's fetch and undici's answer alike. */
interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Pick<Headers, 'get'>;
  readonly body: unknown;
}

/** Keeps the connections to the proxy. */
let agent: EnvHttpProxyAgent | undefined;

/** As `fetch`, which takes no notice of the proxies that the environment names. */
async function request(url: string, init: { signal: AbortSignal; headers: Record<string, string> }): Promise<Answer> {
  const proxied = ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy'].some(name => process.env[name]);
  if (!proxied) return fetch(url, init);
  const { EnvHttpProxyAgent, fetch: through } = await import(/* webpackIgnore: true */ 'undici').catch(
    absent('undici', 'a download through a proxy'),
  );
  return through(url, { ...init, dispatcher: (agent ??= new EnvHttpProxyAgent()) });
}
