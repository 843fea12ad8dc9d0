/** The address of a shared run: who opens it, or types it, joins. */
import { check } from '../../engine/check.ts';
import { isOffer } from './peer.ts';

/** A link to a room, under a page's address. */
export function addressOf(page: string, room: string, stun: string): string {
  const url = new URL(page);
  url.hash = `train?${new URLSearchParams({ join: room, ...(stun && { stun }) }).toString()}`;
  return url.href;
}

/** What is typed or opened to join: the room or the offer, and the STUN server that a link names. */
export function codeOf(given: string, stun: string): { code: string; stun: string } {
  let text = given.trim();
  let named = stun;
  if (/^https?:/.test(text)) {
    const url = new URL(text);
    check(url.origin === location.origin, `the link is to ${url.origin}, this page is of ${location.origin}`, 'open the link itself');
    const query = new URLSearchParams(url.hash.split('?')[1] ?? '');
    text = query.get('join') ?? '';
    named = query.get('stun') ?? stun;
  }
  check(isOffer(text) || /^[\w-]{12}$/.test(text), 'Join: this is neither a link to a run nor an offer', 'paste the whole of it');
  return { code: text, stun: named };
}
