/**
 * Whole messages over a data channel. Browsers differ in how large a message they take, and drop the channel of one that is larger; so each
 * goes in parts, and no more of them than the network takes lie in the browser's memory.
 */
import type { Link } from '../../train/distribute/channels/message.ts';

/** What of a data channel is used. */
export type Channel = Pick<
  RTCDataChannel,
  'readyState' | 'bufferedAmount' | 'bufferedAmountLowThreshold' | 'binaryType' | 'send' | 'close' | 'addEventListener'
>;

/** Bytes of a part, which all browsers take. */
const PART = 64 * 1024;
/** Bytes on their way in the browser above which the next part waits, and below which it goes. */
const HIGH = 1024 * 1024;
const LOW = 256 * 1024;
/** Bytes of the largest message that is put together. */
const MOST = 2 ** 30;

const MORE = 0;
const LAST = 1;

export interface ChannelLink extends Link {
  /** The other side is gone, though the channel does not say so. */
  lose(): void;
}

/** A link over a channel that is open, or about to be; `size` is that of the parts. */
export function channelLink(channel: Channel, size = PART): ChannelLink {
  const leaving: { readonly message: Uint8Array<ArrayBuffer>; sent: number }[] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const arrived: (ArrayBuffer | undefined)[] = [];
  let take: ((message: ArrayBuffer | undefined) => void) | undefined;
  let isOver = false;
  let isEnding = false;
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = LOW;

  const arrive = (message: ArrayBuffer | undefined) => {
    if (take) take(message);
    else arrived.push(message);
  };
  const lose = () => {
    if (isOver) return;
    isOver = true;
    leaving.length = 0;
    arrive(undefined);
  };
  const pump = () => {
    if (channel.readyState !== 'open') return;
    while (leaving.length && channel.bufferedAmount < HIGH) {
      const [first] = leaving as [(typeof leaving)[number]];
      const end = Math.min(first.message.length, first.sent + size - 1);
      const part = new Uint8Array(1 + end - first.sent);
      part[0] = end === first.message.length ? LAST : MORE;
      part.set(first.message.subarray(first.sent, end), 1);
      first.sent = end;
      channel.send(part);
      if (part[0] === LAST) leaving.shift();
    }
    if (isEnding && !leaving.length) channel.close();
  };
  const take_ = (part: Uint8Array<ArrayBuffer>) => {
    bytes += part.length - 1;
    if (!part.length || part[0]! > LAST || bytes > MOST) {
      channel.close();
      return lose();
    }
    parts.push(part.subarray(1));
    if (part[0] === MORE) return;
    const message = new Uint8Array(bytes);
    let at = 0;
    for (const each of parts) {
      message.set(each, at);
      at += each.length;
    }
    parts = [];
    bytes = 0;
    arrive(message.buffer);
  };
  channel.addEventListener('open', pump);
  channel.addEventListener('bufferedamountlow', pump);
  channel.addEventListener('message', event => take_(new Uint8Array((event as MessageEvent<ArrayBuffer>).data)));
  channel.addEventListener('close', lose);
  channel.addEventListener('error', lose);

  return {
    send(message) {
      if (isOver || isEnding) return;
      leaving.push({ message: new Uint8Array(message), sent: 0 });
      pump();
    },
    receive(taking) {
      take = taking;
      if (taking) for (const message of arrived.splice(0)) taking(message);
    },
    close() {
      isEnding = true;
      pump();
    },
    lose,
  };
}

/** A port for the worker to a link of the page, which alone may have it. */
export function portOf(link: Link): MessagePort {
  const { port1, port2 } = new MessageChannel();
  link.receive(message => {
    if (message) port1.postMessage(message, [message]);
    else port1.postMessage(null);
  });
  port1.onmessage = ({ data }: MessageEvent<ArrayBuffer | null>) => {
    if (data) link.send(data);
    else link.close();
  };
  return port2;
}
