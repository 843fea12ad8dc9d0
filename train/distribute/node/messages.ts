/**
 * A centre by messages, for MPI libraries whose one-sided calls fail: each rank holds a range of every region and answers what others ask,
 * one request after another, so that each changes a whole range.
 */
import { apply } from '../alone.ts';
import { lengthOf, rangeOf } from '../../data/share.ts';
import type { Op } from '../exchange.ts';
import type { Job, ServedCentre, Valued } from './job.ts';
import type { Request } from './mpi.ts';

const VERBS = ['read', 'add', 'sum', 'max', 'tick'] as const;
type Verb = (typeof VERBS)[number];

/** Tags of a request's header, of what it brings, and of the answer; those of the next centre follow. */
const TAGS = { header: 0, brought: 1, answer: 2 } as const;
const TAG_0 = 7000;

export function messagesCentre({ mpi, rank, size }: Job, n: number, regions: number, number: number): ServedCentre {
  const tag = (kind: keyof typeof TAGS) => TAG_0 + 3 * number + TAGS[kind];
  const held = Array.from({ length: regions }, () => new Float32Array(lengthOf(n, { rank, size })));
  let clock = 0n;
  /** Answers on their way. */
  const leaving = new Set<Request>();
  mpi.barrier();

  /** Does what a request asks of the range that is held here; gives what it held before. */
  const act = (verb: Exclude<Verb, 'tick'>, region: number, brought: Float32Array): Float32Array => {
    const range = held[region]!;
    const before = range.slice();
    if (verb !== 'read') apply(range, brought, verb === 'max' ? 'max' : 'sum');
    return before;
  };
  const tickHere = (by: bigint): bigint => {
    clock += by;
    return clock - by;
  };

  /** One request to rank `to` and its answer, which goes to `before`. */
  const ask = (verb: Verb, region: number, to: number, brought: Float32Array | BigInt64Array, before?: Float32Array | BigInt64Array) => {
    const header = Int32Array.of(rank, VERBS.indexOf(verb), region, brought.length);
    const parts = [
      mpi.receive(before ?? new Uint8Array(1), to, tag('answer')),
      mpi.send(header, to, tag('header')),
      ...(brought.length ? [mpi.send(brought, to, tag('brought'))] : []),
    ];
    return { test: () => parts.every(part => part.test()) };
  };

  /** Asks each rank for its range; the own one is at hand. */
  const each = (verb: Exclude<Verb, 'tick'>, region: number, d?: Float32Array, before?: Float32Array): Request => {
    const open: Request[] = [];
    for (let to = 0; to < size; to++) {
      const { start, end } = rangeOf(n, { rank: to, size });
      const brought = d?.subarray(start, end) ?? new Float32Array(0);
      if (end === start) continue;
      if (to === rank) {
        const held = act(verb, region, brought);
        before?.set(held, start);
      } else open.push(ask(verb, region, to, brought, before?.subarray(start, end)));
    }
    return {
      test() {
        while (open.length && open[0]!.test()) open.shift();
        return open.length === 0;
      },
    };
  };

  return {
    read: (x, region) => each('read', region, undefined, x),
    add: (d, region) => each('add', region, d),
    exchange: (d, before, region, op: Op) => each(op, region, d, before),
    tick(by): Valued {
      if (rank === 0) {
        const before = tickHere(BigInt(by));
        return { test: () => true, value: () => Number(before) };
      }
      const before = new BigInt64Array(1);
      const asked = ask('tick', 0, 0, BigInt64Array.of(BigInt(by)), before);
      return { test: asked.test, value: () => Number(before[0]) };
    },
    serve() {
      for (const answer of leaving) if (answer.test()) leaving.delete(answer);
      if (!mpi.hasCome(tag('header'))) return false;
      const header = new Int32Array(4);
      mpi.take(header, tag('header'));
      const [from, which, region, length] = [...header] as [number, number, number, number];
      const verb = VERBS[which]!;
      let answer: Float32Array | BigInt64Array | Uint8Array;
      if (verb === 'tick') {
        const by = new BigInt64Array(1);
        mpi.take(by, tag('brought'), from);
        answer = BigInt64Array.of(tickHere(by[0]!));
      } else {
        const brought = new Float32Array(length);
        if (length) mpi.take(brought, tag('brought'), from);
        const before = act(verb, region, brought);
        answer = verb === 'add' ? new Uint8Array(1) : before;
      }
      leaving.add(mpi.send(answer, from, tag('answer')));
      return true;
    },
    free: () => mpi.barrier(),
  };
}
