/** Messages over a data channel: cut into parts, put together, held back where the network is slow. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { channelLink, type Channel } from '../../web/together/parts.ts';

const test = suite('parts');

/** One end of a data channel whose network takes what is sent when it is told to. */
class Fake extends EventTarget implements Channel {
  readyState: RTCDataChannelState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType: BinaryType = 'blob';
  readonly sent: Uint8Array<ArrayBuffer>[] = [];
  other: Fake | undefined;

  send(data: unknown): void {
    assert.is(this.readyState, 'open');
    const part = data as Uint8Array<ArrayBuffer>;
    this.bufferedAmount += part.length;
    this.sent.push(part.slice());
  }
  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }
  /** The network takes the first `n` parts. */
  flow(n = Infinity): void {
    for (const part of this.sent.splice(0, n)) {
      const before = this.bufferedAmount;
      this.bufferedAmount -= part.length;
      this.other?.dispatchEvent(new MessageEvent('message', { data: part.buffer }));
      const low = this.bufferedAmountLowThreshold;
      if (before > low && this.bufferedAmount <= low) this.dispatchEvent(new Event('bufferedamountlow'));
    }
    if (this.readyState === 'closing') this.close();
  }
  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = this.sent.length ? 'closing' : 'closed'; // what is on its way arrives
    if (this.sent.length) return;
    this.dispatchEvent(new Event('close'));
    this.other?.close();
  }
}

function pair(): [Fake, Fake] {
  const [a, b] = [new Fake(), new Fake()];
  a.other = b;
  b.other = a;
  return [a, b];
}
const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 7) % 256);

test('messages of all sizes arrive whole and in order, also those sent before the channel is open and before anyone takes them', () => {
  const [a, b] = pair();
  const [from, to] = [channelLink(a, 16), channelLink(b, 16)];
  const sizes = [0, 1, 14, 15, 16, 30, 31, 1000];
  for (const n of sizes) from.send(bytes(n).buffer);
  assert.is(a.sent.length, 0);
  a.open();
  b.open();
  assert.ok(a.sent.every(part => part.length <= 16));
  a.flow();
  const got: (Uint8Array | undefined)[] = [];
  to.receive(message => got.push(message && new Uint8Array(message)));
  assert.equal(got, sizes.map(bytes));
  to.receive();
  from.send(bytes(3).buffer);
  a.flow();
  assert.is(got.length, sizes.length);
  to.receive(message => got.push(message && new Uint8Array(message)));
  assert.equal(got.at(-1), bytes(3));
});

test('no more than 1 MiB waits in the browser, and the rest goes when that has flowed', () => {
  const [a, b] = pair();
  const [from, to] = [channelLink(a), channelLink(b)];
  a.open();
  b.open();
  let got = 0;
  to.receive(message => (got = message!.byteLength));
  from.send(new ArrayBuffer(10 * 2 ** 20));
  assert.ok(a.bufferedAmount < 2 ** 20 + 2 ** 16 && a.bufferedAmount >= 2 ** 20, `${a.bufferedAmount} bytes wait`);
  for (let k = 0; k < 100 && !got; k++) {
    a.flow(8);
    assert.ok(a.bufferedAmount < 2 ** 20 + 2 ** 16);
  }
  assert.is(got, 10 * 2 ** 20);
});

test('a link that is closed sends the rest first; the other side hears of the end once', () => {
  const [a, b] = pair();
  const [from, to] = [channelLink(a), channelLink(b)];
  a.open();
  b.open();
  const got: (number | undefined)[] = [];
  to.receive(message => got.push(message?.byteLength));
  from.send(new ArrayBuffer(3 * 2 ** 20));
  from.close();
  assert.is(a.readyState, 'open');
  while (a.sent.length) a.flow(4);
  assert.equal(got, [3 * 2 ** 20, undefined]);
  assert.is(a.readyState, 'closed');
  to.lose();
  assert.is(got.length, 2);
});

test('what is no part closes the channel', () => {
  const [a, b] = pair();
  const to = channelLink(b);
  a.open();
  b.open();
  const got: (number | undefined)[] = [];
  to.receive(message => got.push(message?.byteLength));
  a.send(Uint8Array.of(9, 1, 2));
  a.flow();
  assert.equal(got, [undefined]);
  assert.is(b.readyState, 'closed');
});

test.run();
