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

/** Messages that leave over a channel, in parts of at most `size` bytes. */
class Leaving {
  readonly #channel: Channel;
  readonly #size: number;
  readonly #messages: { readonly message: Uint8Array<ArrayBuffer>; sent: number }[] = [];
  #isEnding = false;

  constructor(channel: Channel, size: number) {
    this.#channel = channel;
    this.#size = size;
  }

  add(message: ArrayBuffer): void {
    if (this.#isEnding) return;
    this.#messages.push({ message: new Uint8Array(message), sent: 0 });
    this.pump();
  }

  /** Closes the channel once all is sent. */
  end(): void {
    this.#isEnding = true;
    this.pump();
  }

  clear(): void {
    this.#messages.length = 0;
  }

  /** Sends what the channel takes now. */
  pump(): void {
    if (this.#channel.readyState !== 'open') return;
    for (let [first] = this.#messages; first && this.#channel.bufferedAmount < HIGH; [first] = this.#messages) {
      const { message, sent } = first;
      const end = Math.min(message.length, sent + this.#size - 1);
      const part = new Uint8Array(1 + end - sent);
      part[0] = end === message.length ? LAST : MORE;
      part.set(message.subarray(sent, end), 1);
      first.sent = end;
      this.#channel.send(part);
      if (part[0] === LAST) this.#messages.shift();
    }
    if (this.#isEnding && !this.#messages.length) this.#channel.close();
  }
}

/** Parts that have come of a message. */
class Arriving {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** Whether a part may follow those that are there. */
  takes(part: Uint8Array): boolean {
    return part.length > 0 && part[0]! <= LAST && this.#bytes + part.length - 1 <= MOST;
  }

  /** Adds a part; gives the message where it is the last of one. */
  add(part: Uint8Array): ArrayBuffer | undefined {
    this.#parts.push(part.subarray(1));
    this.#bytes += part.length - 1;
    if (part[0] === MORE) return undefined;
    const message = new Uint8Array(this.#bytes);
    let at = 0;
    for (const each of this.#parts) {
      message.set(each, at);
      at += each.length;
    }
    this.#parts = [];
    this.#bytes = 0;
    return message.buffer;
  }
}

/** A link over a channel that is open, or about to be; `size` is that of the parts. */
export function channelLink(channel: Channel, size = PART): ChannelLink {
  const leaving = new Leaving(channel, size);
  const arriving = new Arriving();
  const arrived: (ArrayBuffer | undefined)[] = [];
  let take: ((message: ArrayBuffer | undefined) => void) | undefined;
  let isOver = false;
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = LOW;

  const arrive = (message: ArrayBuffer | undefined) => {
    if (take) take(message);
    else arrived.push(message);
  };
  const lose = () => {
    if (isOver) return;
    isOver = true;
    leaving.clear();
    arrive(undefined);
  };
  channel.addEventListener('open', () => leaving.pump());
  channel.addEventListener('bufferedamountlow', () => leaving.pump());
  channel.addEventListener('message', event => {
    const part = new Uint8Array((event as MessageEvent<ArrayBuffer>).data);
    if (!arriving.takes(part)) {
      channel.close();
      return lose();
    }
    const message = arriving.add(part);
    if (message) arrive(message);
  });
  channel.addEventListener('close', lose);
  channel.addEventListener('error', lose);

  return {
    send(message) {
      if (!isOver) leaving.add(message);
    },
    receive(taking) {
      take = taking;
      if (taking) for (const message of arrived.splice(0)) taking(message);
    },
    close: () => leaving.end(),
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
