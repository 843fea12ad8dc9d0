/**
 * An exchange whose ranks are in several browsers: the host has those of a job in one process (alone.ts), and does as each member's rank what
 * that member asks for. So all arithmetic is the host's.
 */
import { check, DescentError } from '../../../engine/check.ts';
import { together } from '../alone.ts';
import type { Centre, Exchange, Op } from '../exchange.ts';
import type { Call } from './protocol.ts';

/** What a call gives beside numbers. */
export type Value = number | readonly string[] | undefined;
/** Does a call; `body` is what it brings, and becomes what comes back. */
export type Ask = (
  call: Call,
  args: readonly (number | string)[],
  body?: Float32Array | Uint8Array,
) => Promise<{ value: Value; body: Uint8Array<ArrayBuffer> }>;

/** What has `Hogwild!` refused, whose ranks share memory. */
const apart = () => Promise.reject(new DescentError('those who train together in browsers share no memory', 'take easgd or local'));

/** The exchange of a member, by what `ask` brings to the host and back. */
export function askingExchange(ask: Ask, rank: number, size: number): Exchange {
  const into = (x: Float32Array | Uint8Array, body: Uint8Array<ArrayBuffer>) => {
    check(
      body.byteLength === x.byteLength,
      `${body.byteLength} bytes came where ${x.byteLength} were due`,
      'open the same version everywhere',
    );
    new Uint8Array(x.buffer, x.byteOffset, x.byteLength).set(body);
  };
  const plain = async (call: Call, args: readonly (number | string)[], body?: Float32Array) => (await ask(call, args, body)).value;
  return {
    rank,
    size,
    vector: n => new Float32Array(n),
    async mean(x, weight = 1 / size) {
      into(x, (await ask('mean', [weight], x)).body);
    },
    async broadcast(x, root = 0) {
      const kind = x instanceof Float32Array ? 'numbers' : 'bytes';
      into(x, (await ask('broadcast', [root, kind], x)).body);
    },
    texts: async own => [...((await plain('texts', [own])) as readonly string[])],
    async centre(n, regions) {
      const centre = (await plain('centre', [n, regions])) as number;
      return {
        async read(x, region = 0) {
          into(x, (await ask('read', [centre, region, x.length])).body);
        },
        add: async (d, region = 0) => void (await plain('add', [centre, region], d)),
        async exchange(d, before, region = 0, op = 'sum') {
          into(before, (await ask('exchange', [centre, region, op], d)).body);
        },
        tick: async by => (await plain('tick', [centre, by])) as number,
      } satisfies Centre;
    },
    shared: apart,
    close: async () => void (await plain('close', [])),
    abort: code => Promise.reject(new DescentError(`the run was ended with code ${code}`)),
  };
}

/** Does a member's calls as its rank. */
export function answering(exchange: Exchange): Ask {
  const centres: { readonly centre: Centre; readonly n: number }[] = [];
  let made = 0;
  const bytes = (x: Float32Array | Uint8Array) => new Uint8Array(x.buffer as ArrayBuffer, x.byteOffset, x.byteLength);
  return async (call, args, brought = new Uint8Array()) => {
    const nothing = new Uint8Array();
    const x = brought instanceof Float32Array ? brought : new Float32Array(brought.buffer, brought.byteOffset, brought.byteLength >> 2);
    const [first, second, third] = args as [number, number, number];
    const ofCentre = (length: number): Centre => {
      const { centre, n } = centres[first] ?? {};
      check(centre && length === n, `${length} values for centre ${first}, which holds ${n}`, 'open the same version everywhere');
      return centre;
    };
    switch (call) {
      case 'mean':
        await exchange.mean(x, first);
        return { value: undefined, body: bytes(x) };
      case 'broadcast': {
        const sent = args[1] === 'numbers' ? x : bytes(brought);
        await exchange.broadcast(sent, first);
        return { value: undefined, body: bytes(sent) };
      }
      case 'texts':
        return { value: await exchange.texts(String(args[0])), body: nothing };
      case 'centre': {
        const number = made++;
        centres[number] = { centre: await exchange.centre(first, second), n: first };
        return { value: number, body: nothing };
      }
      case 'read': {
        const centre = ofCentre(third);
        const out = new Float32Array(third);
        await centre.read(out, second);
        return { value: undefined, body: bytes(out) };
      }
      case 'add':
        await ofCentre(x.length).add(x, second);
        return { value: undefined, body: nothing };
      case 'exchange': {
        const before = new Float32Array(x.length);
        await ofCentre(x.length).exchange(x, before, second, args[2] as Op);
        return { value: undefined, body: bytes(before) };
      }
      case 'tick':
        return { value: await centres[first]!.centre.tick(second), body: nothing };
      case 'close':
        await exchange.close();
        return { value: undefined, body: nothing };
    }
  };
}

/** The ranks of a group on its host; the host's own gives up, where it would wait for others, when `over` rejects. */
export function hostExchanges(size: number, over: Promise<never>): Exchange[] {
  const [own, ...others] = together(size);
  const unless = <T>(call: Promise<T>): Promise<T> => Promise.race([call, over]);
  const host: Exchange = {
    ...own!,
    mean: (x, weight) => unless(own!.mean(x, weight)),
    broadcast: (x, root) => unless(own!.broadcast(x, root)),
    texts: text => unless(own!.texts(text)),
    centre: (n, regions) => unless(own!.centre(n, regions)),
    close: () => unless(own!.close()),
    shared: size > 1 ? apart : own!.shared,
  };
  return [host, ...others];
}
