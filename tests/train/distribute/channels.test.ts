/** Those who train together over channels, in one process: what they say to each other, and who comes and goes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answering, askingExchange, hostExchanges } from '../../../train/distribute/channels/exchange.ts';
import type { Party } from '../../../train/distribute/channels/group.ts';
import { Host } from '../../../train/distribute/channels/host.ts';
import { Member } from '../../../train/distribute/channels/member.ts';
import { decode, encode, portLink } from '../../../train/distribute/channels/message.ts';
import { GroupEnded, HostLeft, type FromHost, type Who } from '../../../train/distribute/channels/protocol.ts';
import { together } from '../../../train/distribute/alone.ts';
import type { Exchange } from '../../../train/distribute/exchange.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('channels');

test('a message comes out as it went in, whatever the length of its head', () => {
  for (const kind of ['a', 'ab', 'abc', 'abcd', 'grüße']) {
    const { head, body } = decode(encode({ kind, n: 3 }, Float32Array.of(1, NaN, -0)));
    assert.equal(head, { kind, n: 3 });
    assert.equal([...new Float32Array(body.buffer, body.byteOffset, 3)], [1, NaN, -0]);
  }
});

test('what is no message is refused', async () => {
  const long = encode({ kind: 'a' });
  new DataView(long).setUint32(0, 4000, true);
  assert.is(await refusal(() => decode(new ArrayBuffer(2))), 'a message of 2 bytes; open the same version of the page on both sides');
  assert.is(await refusal(() => decode(long)), 'a message whose head is 4000 of 16 bytes; open the same version of the page on both sides');
  const text = encode({ kind: 'abc' });
  new Uint8Array(text)[5] = 0;
  assert.is(await refusal(() => decode(text)), 'a message whose head is no JSON; open the same version of the page on both sides');
});

/** What a rank sees of every call. */
async function seen({ rank, mean, broadcast, texts, centre, close }: Exchange) {
  const x = Float32Array.of(rank / 3, 1);
  await mean(x);
  const sum = Float32Array.of(rank);
  await mean(sum, 1);
  const told = Uint8Array.of(rank, 7);
  await broadcast(told, 2);
  const numbers = Float32Array.of(rank, 0.1);
  await broadcast(numbers, 1);
  const all = await texts(`rank ${rank} ü`);
  const { add, read, exchange, tick } = await centre(2, 2);
  await add(Float32Array.of(rank, 0.1), 1);
  await texts('');
  const held = new Float32Array(2);
  await read(held, 1);
  await texts('');
  const before = new Float32Array(2);
  await exchange(Float32Array.of(5, rank), before, 0, 'max');
  await texts('');
  await read(before);
  await tick(rank);
  await texts('');
  const clock = await tick(0);
  await close();
  return { x, sum, told, numbers, all, held, before, clock };
}

test('a call over a channel gives the bits of one in a process', async () => {
  const [host, ...others] = hostExchanges(3, new Promise<never>(() => undefined));
  const members = others.map((rank, i) => {
    const answer = answering(rank);
    // as over a channel: nothing is shared
    return askingExchange(
      (call, args, body) => answer(call, JSON.parse(JSON.stringify(args)), body && new Uint8Array(structuredClone(body).buffer)),
      i + 1,
      3,
    );
  });
  assert.equal(await Promise.all([host!, ...members].map(seen)), await Promise.all(together(3).map(seen)));
});

const NOTHING = () => new Uint8Array();
/** A host, and members as they are asked for. */
function company(digest = 'same') {
  let who: readonly Who[] = [];
  const host = new Host('A', 'same', now => (who = now));
  let id = 1;
  const member = () => {
    const { port1, port2 } = new MessageChannel();
    host.admit(++id, portLink(port1));
    const link = portLink(port2);
    return { link, party: new Member(link, 'B', digest, () => undefined) };
  };
  return { host, member, who: () => who };
}
const gathered = async (party: Party, needs = false) => (await party.gather(needs, NOTHING))!;
const rejects = async (call: Promise<unknown>, kind: new (...args: never[]) => Error, message?: string) => {
  const error = await call.then(
    () => undefined,
    (e: Error) => e,
  );
  assert.instance(error, kind);
  if (message) assert.is(error!.message, message);
};

test('who joins is in the next group and is told what the run has come to; who is gone ends the group, and the others go on', async () => {
  const { host, member, who } = company();
  const first = await gathered(host);
  assert.equal([first.exchange.rank, first.exchange.size, host.isDue], [0, 1, false]);

  const b = member();
  const joining = b.party.gather(true);
  while (!host.isDue) await new Promise(resolve => setTimeout(resolve, 1));
  const checkpoint = Uint8Array.of(1, 2, 3);
  const [own, theirs] = await Promise.all([host.gather(false, () => checkpoint), joining]);
  assert.equal([own!.exchange.size, theirs!.exchange.rank, [...theirs!.checkpoint!]], [2, 1, [1, 2, 3]]);
  const means = [own!, theirs!].map(async ({ exchange }) => {
    const x = Float32Array.of(exchange.rank, 1);
    await exchange.mean(x);
    return [...x];
  });
  assert.equal(await Promise.all(means), [
    [0.5, 1],
    [0.5, 1],
  ]);
  assert.equal(
    who().map(({ id, state, adapter }) => [id, state, adapter]),
    [
      [1, 'trains', 'A'],
      [2, 'trains', 'B'],
    ],
  );

  const waiting = own!.exchange.texts('');
  b.link.close();
  await rejects(waiting, GroupEnded);
  assert.ok(host.isDue);
  assert.is((await gathered(host)).exchange.size, 1);
  assert.is(who().length, 1);
  b.party.leave();
  host.leave();
});

test('a member that rests ends its group for the other member too, and comes back', async () => {
  const { host, member } = company();
  const [b, c] = [member(), member()];
  const joining = [b, c].map(({ party }) => party.gather(true));
  await new Promise(resolve => setTimeout(resolve, 20));
  const own = await gathered(host);
  const [ofB, ofC] = await Promise.all(joining);
  assert.equal([own.exchange.size, ofB!.exchange.rank, ofC!.exchange.rank], [3, 1, 2]);
  const calls = [own, ofC!].map(({ exchange }) => rejects(exchange.texts(''), GroupEnded));
  b.party.rest();
  await Promise.all(calls);
  await rejects(ofB!.exchange.texts(''), GroupEnded);
  const again = [c.party.gather(true), gathered(host)];
  assert.equal(
    (await Promise.all(again)).map(group => group!.exchange.size),
    [2, 2],
  );
  const back = b.party.gather(true);
  while (!host.isDue) await new Promise(resolve => setTimeout(resolve, 1));
  const third = [back, c.party.gather(false), gathered(host)];
  assert.equal(
    (await Promise.all(third)).map(group => group!.exchange.size),
    [3, 3, 3],
  );
  for (const { party } of [b, c]) party.leave();
  host.leave();
});

test('where the host is gone, calls and gatherings say so', async () => {
  const { host, member } = company();
  const { party } = member();
  const joining = party.gather(true);
  await new Promise(resolve => setTimeout(resolve, 20));
  await gathered(host);
  const group = await joining;
  const call = rejects(group!.exchange.texts(''), HostLeft, 'the host is gone');
  host.leave();
  await call;
  await rejects(party.gather(true), HostLeft, 'the host is gone');
});

test('one with other images is let go, and told why', async () => {
  const { host, member, who } = company('others');
  const { party } = member();
  const why = 'the host let this tab go: the images are not those of the host; take the same files, and limit both alike';
  await rejects(party.gather(true), HostLeft, why);
  assert.is(who().length, 1);
  host.leave();
});

test('one that gave no sign for 30 s, as it slept, is told that it was let go', async () => {
  let now = 0;
  const host = new Host(
    'A',
    'same',
    () => undefined,
    () => now,
  );
  const { port1, port2 } = new MessageChannel();
  host.admit(2, portLink(port1));
  const link = portLink(port2);
  const heard: (FromHost | undefined)[] = [];
  link.receive(message => heard.push(message && decode<FromHost>(message).head));
  link.send(encode({ kind: 'ready', adapter: 'B', digest: 'same', needs: true, after: 0 }));
  while (!host.isDue || !heard.some(h => h?.kind === 'who' && h.who[1]?.state === 'waits'))
    await new Promise(resolve => setTimeout(resolve, 1));
  now = 31_000;
  while (heard.at(-1)) await new Promise(resolve => setTimeout(resolve, 10));
  assert.equal(heard.at(-2), { kind: 'refused', why: 'it has given no sign for 30 s' });
  host.leave();
});

test.run();
