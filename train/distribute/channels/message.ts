/** Messages between those who train together: a few named values and, of some, numbers or bytes behind them. */
import { check } from '../../../engine/check.ts';

/** What brings whole messages to one other, in order. */
export interface Link {
  send(message: ArrayBuffer): void;
  /** `take` is given each message that comes, at last undefined, when the other is gone. Without it messages wait for the next call. */
  receive(take?: (message: ArrayBuffer | undefined) => void): void;
  close(): void;
}

export interface Decoded<T> {
  readonly head: T;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Bytes that say how long the head is. */
const LENGTH = 4;

/** A message as bytes: the length of its head in bytes, its head as JSON filled up to whole words, its body. */
export function encode<T extends { readonly kind: string }>(head: T, body?: Float32Array | Uint8Array): ArrayBuffer {
  const text = JSON.stringify(head);
  const bytes = new TextEncoder().encode(text);
  const length = Math.ceil(bytes.length / 4) * 4;
  const out = new Uint8Array(LENGTH + length + (body?.byteLength ?? 0));
  new DataView(out.buffer).setUint32(0, length, true);
  out.fill(0x20, LENGTH, LENGTH + length);
  out.set(bytes, LENGTH);
  if (body) out.set(new Uint8Array(body.buffer, body.byteOffset, body.byteLength), LENGTH + length);
  return out.buffer;
}

/** Throws where the bytes are no message. */
export function decode<T extends { readonly kind: string }>(message: ArrayBuffer): Decoded<T> {
  const wrong = (what: string) => check(false, `a message ${what}`, 'open the same version of the page on both sides');
  if (message.byteLength < LENGTH) wrong(`of ${message.byteLength} bytes`);
  const length = new DataView(message).getUint32(0, true);
  if (length % 4 || LENGTH + length > message.byteLength) wrong(`whose head is ${length} of ${message.byteLength} bytes`);
  let head: unknown;
  try {
    head = JSON.parse(new TextDecoder().decode(new Uint8Array(message, LENGTH, length)));
  } catch {
    wrong('whose head is no JSON');
  }
  if (typeof (head as { kind?: unknown } | null)?.kind !== 'string') wrong('without a kind');
  return { head: head as T, body: new Uint8Array(message, LENGTH + length) };
}

/** A link through a port, on whose other side ArrayBuffers are passed on, and null where a side is gone. */
export function portLink(port: MessagePort): Link {
  return {
    send: message => port.postMessage(message, [message]),
    receive(take) {
      port.onmessage = ({ data }: MessageEvent<ArrayBuffer | null>) => {
        take?.(data ?? undefined);
        if (data === null) port.close();
      };
    },
    close() {
      port.postMessage(null);
      port.close();
    },
  };
}
