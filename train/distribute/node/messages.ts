/**
 * A centre by messages, for MPI libraries whose one-sided calls fail: each rank holds a range of every region and answers what others ask,
 * one request after another, so that each changes a whole range.
 */
import { apply } from '../alone.ts';
import { lengthOf, rangeOf } from '../../data/share.ts';
import type { Op } from '../exchange.ts';
import type { Job, ServedCentre, Valued } from './job.ts';
import { allOf, type Request } from './mpi.ts';

const VERBS = ['read', 'add', 'sum', 'max', 'tick'] as const;
type Verb = (typeof VERBS)[number];

/** Tags of a request's header, of what it brings, and of the answer; those of the next centre follow. */
const TAGS = { header: 0, brought: 1, answer: 2 } as const;
const TAG_0 = 7000;

type Brought = Float32Array | BigInt64Array;

export class MessagesCentre implements ServedCentre {
  readonly #job: Job;
  readonly #n: number;
  /** The first of its tags. */
  readonly #tags: number;
  /** The range of each region that is held here. */
  readonly #held: readonly Float32Array[];
  #clock = 0n;
  /** Answers on their way. */
  readonly #leaving = new Set<Request>();

  /** Regions of `n` values each; `number` tells it from other centres. */
  constructor(job: Job, n: number, regions: number, number: number) {
    this.#job = job;
    this.#n = n;
    this.#tags = TAG_0 + 3 * number;
    this.#held = Array.from({ length: regions }, () => new Float32Array(lengthOf(n, job)));
    job.mpi.barrier();
  }

  read(x: Float32Array, region: number): Request {
    return this.#each('read', region, undefined, x);
  }

  add(d: Float32Array, region: number): Request {
    return this.#each('add', region, d);
  }

  exchange(d: Float32Array, before: Float32Array, region: number, op: Op): Request {
    return this.#each(op, region, d, before);
  }

  tick(by: number): Valued {
    if (this.#job.rank === 0) {
      const before = this.#tickHere(BigInt(by));
      return { test: () => true, value: () => Number(before) };
    }
    const before = new BigInt64Array(1);
    const asked = this.#ask(0, { verb: 'tick', region: 0, brought: BigInt64Array.of(BigInt(by)), before });
    return { test: asked.test, value: () => Number(before[0]) };
  }

  serve(): boolean {
    const { mpi } = this.#job;
    for (const answer of this.#leaving) if (answer.test()) this.#leaving.delete(answer);
    if (!mpi.hasCome(this.#tag('header'))) return false;
    const header = new Int32Array(4);
    mpi.take(header, this.#tag('header'));
    const [from, which, region, length] = [...header] as [number, number, number, number];
    const answer = this.#answerTo(VERBS[which]!, { from, region, length });
    this.#leaving.add(mpi.send(answer, from, this.#tag('answer')));
    return true;
  }

  free(): void {
    this.#job.mpi.barrier();
  }

  #tag(kind: keyof typeof TAGS): number {
    return this.#tags + TAGS[kind];
  }

  /** Does what a request asks of the range that is held here; gives what it held before. */
  #act(verb: Exclude<Verb, 'tick'>, region: number, brought: Float32Array): Float32Array {
    const range = this.#held[region]!;
    const before = range.slice();
    if (verb !== 'read') apply(range, brought, verb === 'max' ? 'max' : 'sum');
    return before;
  }

  #tickHere(by: bigint): bigint {
    this.#clock += by;
    return this.#clock - by;
  }

  /** One request to rank `to` and its answer, which goes to `before`. */
  #ask(to: number, { verb, region, brought, before }: { verb: Verb; region: number; brought: Brought; before?: Brought | undefined }) {
    const { mpi, rank } = this.#job;
    const header = Int32Array.of(rank, VERBS.indexOf(verb), region, brought.length);
    return allOf([
      mpi.receive(before ?? new Uint8Array(1), to, this.#tag('answer')),
      mpi.send(header, to, this.#tag('header')),
      ...(brought.length ? [mpi.send(brought, to, this.#tag('brought'))] : []),
    ]);
  }

  /** Asks each rank for its range; the own one is at hand. */
  #each(verb: Exclude<Verb, 'tick'>, region: number, d?: Float32Array, before?: Float32Array): Request {
    const { rank, size } = this.#job;
    const open: Request[] = [];
    for (let to = 0; to < size; to++) {
      const { start, end } = rangeOf(this.#n, { rank: to, size });
      const brought = d?.subarray(start, end) ?? new Float32Array(0);
      if (end === start) continue;
      if (to === rank) {
        const held = this.#act(verb, region, brought);
        before?.set(held, start);
      } else open.push(this.#ask(to, { verb, region, brought, before: before?.subarray(start, end) }));
    }
    return allOf(open);
  }

  /** Takes what a request brought, of `length` values, and does it. */
  #answerTo(verb: Verb, { from, region, length }: { from: number; region: number; length: number }): Brought | Uint8Array {
    const { mpi } = this.#job;
    if (verb === 'tick') {
      const by = new BigInt64Array(1);
      mpi.take(by, this.#tag('brought'), from);
      return BigInt64Array.of(this.#tickHere(by[0]!));
    }
    const brought = new Float32Array(length);
    if (length) mpi.take(brought, this.#tag('brought'), from);
    const before = this.#act(verb, region, brought);
    return verb === 'add' ? new Uint8Array(1) : before;
  }
}
