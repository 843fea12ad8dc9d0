/**
 * Passes offers and answers on between tabs that train together, while `npm run web -- --share` serves the page: nothing else goes through
 * here. A room is one tab's that waits for offers; its name is a secret that only those know who have its link.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';

interface Room {
  readonly events: ServerResponse;
  /** Those who wait for an answer. */
  readonly asking: Map<string, ServerResponse>;
}

/** Bytes of the largest offer, rooms at a time, offers that wait in one, and how long one waits in ms. */
const MOST_BYTES = 64 * 1024;
const MOST_ROOMS = 256;
const MOST_ASKING = 64;
const PATIENCE = 30_000;

/** `shares`: whether offers are passed on. */
export function relay(shares: boolean): Plugin {
  let addresses: () => readonly string[] = () => [];
  const rooms = new Map<string, Room>();
  const handler: Connect.NextHandleFunction = (request, response, next) => {
    const path = (request.url ?? '').split('?')[0]!;
    if (path === '/share.json') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ shares, addresses: addresses() }));
      return;
    }
    const [, name, id] = /^\/share\/([\w-]{12})(?:\/([\w-]{36}))?$/.exec(path) ?? [];
    if (!name || !shares) return next();
    if (request.headers['sec-fetch-site'] === 'cross-site') return end(response, 403);
    if (request.method === 'GET' && !id) return open(rooms, name, response);
    if (request.method !== 'POST') return end(response, 405);
    void pass(rooms.get(name), id, request, response);
  };
  return {
    name: 'descent-relay',
    configureServer: server => {
      addresses = () => server.resolvedUrls?.network ?? [];
      server.middlewares.use(handler);
    },
    configurePreviewServer: server => {
      addresses = () => server.resolvedUrls?.network ?? [];
      server.middlewares.use(handler);
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'share.json', source: JSON.stringify({ shares: false }) });
    },
  };
}

const end = (response: ServerResponse, status: number, text = ''): void => void response.writeHead(status).end(text);

/** A room lasts as long as the stream of events to its tab. */
function open(rooms: Map<string, Room>, name: string, response: ServerResponse): void {
  if (rooms.has(name) || rooms.size >= MOST_ROOMS) {
    end(response, 409);
    return;
  }
  const room: Room = { events: response, asking: new Map() };
  rooms.set(name, room);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': open\n\n');
  response.once('close', () => {
    rooms.delete(name);
    for (const asking of room.asking.values()) end(asking, 204);
  });
}

/** Takes an offer to a room's tab, or with `id` its answer back. */
async function pass(room: Room | undefined, id: string | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!room) return end(response, 204); // nobody; an error would stand in the browser's console
  const text = await textOf(request);
  if (text === undefined) return end(response, 413);
  if (id) {
    const asking = room.asking.get(id);
    room.asking.delete(id);
    if (asking) end(asking, 200, text);
    return end(response, asking ? 204 : 404);
  }
  if (room.asking.size >= MOST_ASKING) return end(response, 503);
  const number = randomUUID();
  const timer = setTimeout(() => {
    if (room.asking.delete(number)) end(response, 504);
  }, PATIENCE);
  response.once('close', () => {
    clearTimeout(timer);
    room.asking.delete(number);
  });
  room.asking.set(number, response);
  room.events.write(`data: ${JSON.stringify({ id: number, offer: text })}\n\n`);
}

/** What a request brings; undefined where that is too much. */
async function textOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MOST_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
