/**
 * Two tabs find each other: one makes an offer, the other an answer, and both are texts that go by whatever way there is, a server of one's
 * own or the clipboard. Each text names all ways to a tab, so that there is one of each; no other server is asked, unless a STUN server is
 * named.
 */
import { check, DescentError } from '../../engine/check.ts';
import type { Link } from '../../train/distribute/channels/message.ts';
import { channelLink, type ChannelLink } from './parts.ts';

type Kind = 'offer' | 'answer';

/** How long the ways to this tab are looked for, and how long they are tried, in ms. */
const LOOKING = 5000;
const TRYING = 30_000;

export interface Offer {
  readonly text: string;
  /** The other tab, whose answer this is. */
  accept(answer: string): Promise<Link>;
  close(): void;
}

export interface Answer {
  readonly text: string;
  /** The other tab, once it has the answer. */
  readonly link: Promise<Link>;
}

export async function makeOffer(stun?: string): Promise<Offer> {
  const peer = connection(stun);
  const channel = peer.createDataChannel('descent');
  const link = linkOver(peer, channel);
  await peer.setLocalDescription(await peer.createOffer());
  const text = await described(peer, 'offer');
  return {
    text,
    async accept(answer) {
      const sdp = await sdpOf(answer, 'answer');
      check(peer.signalingState === 'have-local-offer', 'this offer has been answered already', 'make another for each who joins');
      await set(peer, { type: 'answer', sdp });
      return opened(peer, channel, link);
    },
    close: () => peer.close(),
  };
}

/** `patience`: how long to wait for the other side to take the answer, in ms; without it for ever. */
export async function makeAnswer(offer: string, stun?: string, patience = Infinity): Promise<Answer> {
  const sdp = await sdpOf(offer, 'offer');
  const peer = connection(stun);
  const channel = new Promise<RTCDataChannel>(resolve => {
    peer.ondatachannel = event => resolve(event.channel);
  });
  await set(peer, { type: 'offer', sdp });
  await peer.setLocalDescription(await peer.createAnswer());
  const text = await described(peer, 'answer');
  const timer = patience === Infinity ? undefined : setTimeout(() => peer.close(), patience);
  const failed = new Promise<never>((_, reject) => onceGone(peer, () => reject(noWay())));
  const link = Promise.race([channel, failed]).then(async made => {
    clearTimeout(timer);
    return opened(peer, made, linkOver(peer, made));
  });
  return { text, link };
}

/** Whether a text is an offer; whoever pastes may paste an answer by mistake, or a link. */
export const isOffer = (text: string): boolean => text.replace(/\s/g, '').startsWith('offer.');

function connection(stun: string | undefined): RTCPeerConnection {
  check(typeof RTCPeerConnection === 'function', 'this browser has no WebRTC', 'switch it on, or take another browser');
  check(!stun || /^stuns?:[\w.:[\]-]+$/.test(stun), `STUN server: '${stun}' is none`, 'give one as stun:host:port, or leave it empty');
  const peer = new RTCPeerConnection({ iceServers: stun ? [{ urls: stun }] : [] });
  addEventListener('pagehide', () => peer.close()); // the other side then hears of it at once
  return peer;
}

function linkOver(peer: RTCPeerConnection, channel: RTCDataChannel): ChannelLink {
  const link = channelLink(channel);
  onceGone(peer, () => link.lose());
  channel.addEventListener('close', () => peer.close());
  return link;
}

/** Tells that a connection is lost; one that this side closes says nothing. */
function onceGone(peer: RTCPeerConnection, gone: () => void): void {
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState === 'failed' || peer.connectionState === 'closed') gone();
  });
}

async function opened(peer: RTCPeerConnection, channel: RTCDataChannel, link: ChannelLink): Promise<Link> {
  if (channel.readyState === 'open') return link;
  await new Promise<void>((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer);
      peer.close();
      reject(noWay());
    };
    const timer = setTimeout(fail, TRYING);
    channel.addEventListener('open', () => {
      clearTimeout(timer);
      resolve();
    });
    channel.addEventListener('close', fail);
    onceGone(peer, fail);
  });
  return link;
}

const noWay = () =>
  new DescentError(
    'no way was found to the other tab',
    'see that both machines are in one network',
    'name a STUN server on both sides where routers lie between them',
  );

async function set(peer: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<void> {
  try {
    await peer.setRemoteDescription(description);
  } catch (error) {
    throw new DescentError(`the ${description.type} cannot be used (${(error as Error).message})`, 'copy the whole text, and use it once');
  }
}

/** A connection's description as a text, once all ways to it are known. */
async function described(peer: RTCPeerConnection, kind: Kind): Promise<string> {
  if (peer.iceGatheringState !== 'complete') {
    await new Promise<void>(resolve => {
      peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && resolve());
      setTimeout(resolve, LOOKING);
    });
  }
  const { sdp } = peer.localDescription!;
  const packed = await through(new TextEncoder().encode(sdp), new CompressionStream('deflate-raw'));
  return `${kind}.${base64Url(packed)}`;
}

/** Bytes as text that may stand in an address (RFC 4648, section 5), without padding. */
export const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

async function sdpOf(text: string, kind: Kind): Promise<string> {
  const bare = text.replace(/\s/g, ''); // mail programs break lines
  const other = kind === 'offer' ? 'answer' : 'offer';
  check(!bare.startsWith(`${other}.`), `this is an ${other}, not an ${kind}`, `paste the text that begins with '${kind}.'`);
  check(bare.startsWith(`${kind}.`), `'${bare.slice(0, 20)}' is no ${kind}`, `paste the text that begins with '${kind}.'`);
  try {
    const packed = atob(
      bare
        .slice(kind.length + 1)
        .replaceAll('-', '+')
        .replaceAll('_', '/'),
    );
    const bytes = Uint8Array.from(packed, c => c.charCodeAt(0));
    return new TextDecoder().decode(await through(bytes, new DecompressionStream('deflate-raw')));
  } catch {
    throw new DescentError(`the ${kind} is not whole`, 'copy all of its text');
  }
}

const through = async (bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
