/** The calls that the thread of MPI is asked, from their beginning to their answers. */
import { check, faultOf, named, say } from '../../../engine/check.ts';
import type { Answer, Asked, Call, Route } from './calls.ts';
import type { Job, ServedCentre, Valued } from './job.ts';
import { MessagesCentre } from './messages.ts';
import type { Window } from './mpi.ts';
import { rmaCentre } from './rma.ts';

/** A call that has begun, and whose answer is to be given. */
type UnderWay = Valued & { readonly id: number };

/** The calls that were asked for: collective ones are under way all at once, those of centres one after another. */
export class ServedCalls {
  isClosed = false;
  readonly #centres: ServedCentre[] = [];
  readonly #begin: (call: Call) => Valued | undefined;
  readonly #collective = new Set<UnderWay>();
  readonly #queue: Asked[] = [];
  readonly #post: (answer: Answer) => void;
  #busy: UnderWay | undefined;

  /** `post` takes the answers. */
  constructor(job: Job, route: Route, post: (answer: Answer) => void) {
    this.#begin = beginnerOf(job, route, this.#centres);
    this.#post = post;
  }

  get isIdle(): boolean {
    return !this.#busy && !this.#collective.size;
  }

  take(asked: Asked): void {
    const { id, call } = asked;
    if (call.name !== 'mean' && call.name !== 'broadcast') this.#queue.push(asked);
    else this.#orFault(id, () => void this.#collective.add({ test: this.#begin(call)!.test, id }));
  }

  /** Goes on with all of them, and with what other ranks ask of this one. Returns whether anything has moved. */
  advance(): boolean {
    let moved = false;
    for (const call of this.#collective) {
      this.#orFault(call.id, () => {
        if (!call.test()) return;
        this.#collective.delete(call);
        this.#post({ id: call.id, value: undefined });
        moved = true;
      });
    }
    for (const centre of this.#centres) if (centre.serve?.()) moved = true;
    if (this.#busy?.test()) {
      this.#post({ id: this.#busy.id, value: this.#busy.value?.() });
      this.#busy = undefined;
      moved = true;
    }
    const next = this.#busy ? undefined : this.#queue.shift();
    if (!next) return moved;
    this.#orFault(next.id, () => this.#answer(next));
    this.isClosed = next.call.name === 'close';
    return true;
  }

  #answer({ id, call }: Asked): void {
    const begun = this.#begin(call);
    if (begun) this.#busy = { ...begun, id };
    else this.#post({ id, value: undefined });
  }

  /** Does what a call asks for; where that throws, the fault is its answer. */
  #orFault(id: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#post({ id, fault: faultOf(error) });
    }
  }
}

/** What begins a call, whose centres join `centres`; what that returns is under way. */
function beginnerOf(job: Job, route: Route, centres: ServedCentre[]): (call: Call) => Valued | undefined {
  const { mpi } = job;
  const arrays: { window: Window; values: Float32Array }[] = [];
  return call => {
    switch (call.name) {
      case 'mean':
        if (call.weight !== 1) for (let i = 0; i < call.x.length; i++) call.x[i]! *= call.weight;
        return mpi.sum(call.x);
      case 'broadcast':
        return mpi.broadcast(call.x, call.root);
      case 'centre':
        centres.push(
          route === 'rma' ? rmaCentre(job, call.n, call.regions) : new MessagesCentre(job, call.n, call.regions, centres.length),
        );
        return { test: () => true, value: () => centres.length - 1 };
      case 'shared': {
        const window = mpi.sharedWindow(4 * call.n, job);
        check(
          window,
          'hogwild: the ranks are on several machines, which share no memory',
          say`take ${named('distribute', 'downpour')}`,
          'ranks on one machine',
        );
        arrays.push({ window, values: new Float32Array(window.bytes, 0, call.n) });
        return { test: () => true, value: () => arrays.length - 1 };
      }
      case 'read':
        return centres[call.centre]!.read(call.x, call.region);
      case 'add':
        return centres[call.centre]!.add(call.d, call.region);
      case 'exchange':
        return centres[call.centre]!.exchange(call.d, call.before, call.region, call.op);
      case 'tick':
        return centres[call.centre]!.tick(call.by);
      case 'shared read': {
        const { window, values } = arrays[call.array]!;
        mpi.sync(window);
        call.x.set(values);
        return undefined;
      }
      case 'shared add': {
        const { window, values } = arrays[call.array]!;
        for (let i = 0; i < values.length; i++) values[i]! += call.d[i]!; // no lock, on purpose (Niu et al. 2011)
        mpi.sync(window);
        return undefined;
      }
      case 'abort':
        mpi.abort(call.code);
        return undefined;
      case 'close':
        for (const centre of centres) centre.free();
        for (const { window } of arrays) mpi.free(window);
        mpi.finalize();
        return undefined;
    }
  };
}
