/** Offers and answers by way of the server that the page comes from (web/node/relay.ts), where it was started to pass them on. */
import { check, DescentError } from '../../engine/check.ts';
import { base64Url } from './peer.ts';

/** What the server says of itself. */
export interface Relay {
  readonly shares: boolean;
  /** Where others in the network find the page. */
  readonly addresses: readonly string[];
}

const NONE: Relay = { shares: false, addresses: [] };

export async function relayAt(base: string): Promise<Relay> {
  const answer = await fetch(new URL('share.json', base)).catch(() => undefined);
  const said = answer?.ok ? ((await answer.json().catch(() => undefined)) as Partial<Relay> | undefined) : undefined;
  return { ...NONE, ...said };
}

/** Opens a room, and has `answer` answer each offer that comes to it. Gives its name, and what closes it. */
export function openRoom(base: string, answer: (offer: string) => Promise<string>, failed: (error: Error) => void) {
  const room = base64Url(crypto.getRandomValues(new Uint8Array(9)));
  const at = new URL(`share/${room}`, base).href;
  const source = new EventSource(at);
  source.onmessage = async ({ data }: MessageEvent<string>) => {
    const { id, offer } = JSON.parse(data) as { id: string; offer: string };
    try {
      await fetch(`${at}/${id}`, { method: 'POST', body: await answer(offer) });
    } catch (error) {
      failed(error as Error);
    }
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED)
      failed(new DescentError('the server passes on no offers any more', 'is it still running? Who trains already goes on'));
  };
  return { room, close: () => source.close() };
}

/** The answer of who hosts a room. */
export async function askRoom(base: string, room: string, offer: string): Promise<string> {
  const gone = new DescentError('the server of this link did not answer', 'is it still running?', 'open the link again');
  const response = await fetch(new URL(`share/${room}`, base), { method: 'POST', body: offer }).catch(() => Promise.reject(gone));
  const text = await response.text();
  check(response.status !== 204, 'nobody shares a run under this link', 'ask for a new one: a link is good while its tab is open');
  check(response.ok && text.startsWith('answer.'), 'the tab of this link did not answer', 'is it still open?', 'open the link again');
  return text;
}
