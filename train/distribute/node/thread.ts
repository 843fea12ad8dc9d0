/** The one thread that calls MPI. It keeps MPI going while nobody asks for anything: one-sided calls of other ranks wait for that. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { check, faultOf, named, say } from '../../../engine/check.ts';
import type { Answer, Asked, Begun, Call, Start } from './calls.ts';
import type { Job, ServedCentre, Valued } from './job.ts';
import { checkSpoken, launchedBy, openLibrary, type Launched } from './library.ts';
import { messagesCentre } from './messages.ts';
import { mpiOf, type Window } from './mpi.ts';
import { rmaCentre } from './rma.ts';

/** The shortest and the longest nap between two looks, ms. With a call under way each nap is half as long again as the one before. */
const SHORT = 0.02;
const LONG = 1;

/** A tag that no message has: looking for one lets MPI get on. */
const NO_MESSAGE = 6999;

const port = parentPort!;
const { route, wake } = workerData as Start;
const post = (message: Answer | Begun) => port.postMessage(message);
try {
  await run();
} catch (error) {
  post({ fault: faultOf(error) });
}

async function run(): Promise<void> {
  const launched = launchedBy(process.env)!;
  const library = await openLibrary(launched, process.env);
  checkSpoken(library, launched);
  const mpi = mpiOf(library);
  const { rank, size } = mpi.init();
  checkSize(size, launched, library.version);
  post({ rank, size, library: library.version });
  serve({ mpi, rank, size });
}

/** A process that its library takes for the only one would train alone, and beside others. */
function checkSize(size: number, { by, size: started }: Launched, version: string): void {
  const remedy =
    by === 'Slurm' ? 'give srun the option mpi=pmi2, or mpi=pmix (mpi=list says what it has)' : `start them with the mpirun of ${version}`;
  check(started === undefined || started === size, `MPI: ${version} sees ${size} of the ${started} processes that were started`, remedy);
}

/** What begins a call, whose centres join `centres`; what that returns is under way. */
function beginnerOf(job: Job, centres: ServedCentre[]): (call: Call) => Valued | undefined {
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
        centres.push(route === 'rma' ? rmaCentre(job, call.n, call.regions) : messagesCentre(job, call.n, call.regions, centres.length));
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

/** Answers calls until the exchange is closed. */
function serve(job: Job): void {
  const centres: ServedCentre[] = [];
  const begin = beginnerOf(job, centres);
  /** Collective calls under way; and calls of centres, of which one after another is done. */
  const open = new Set<Valued & { readonly id: number }>();
  const queue: Asked[] = [];
  let busy: (Valued & { readonly id: number }) | undefined;
  let nap = SHORT;

  const answer = (id: number, value?: number) => post({ id, value });
  const tryTo = (id: number, work: () => void) => {
    try {
      work();
    } catch (error) {
      post({ id, fault: faultOf(error) });
    }
  };
  const isCollective = ({ name }: Call) => name === 'mean' || name === 'broadcast';

  for (;;) {
    const seen = Atomics.load(wake, 0); // before the look, so that what is asked after it ends the nap
    const message = receiveMessageOnPort(port) as { message: Asked } | undefined;
    let moved = message !== undefined;
    if (message) {
      const { id, call } = message.message;
      if (isCollective(call)) tryTo(id, () => void open.add({ test: begin(call)!.test, id }));
      else queue.push(message.message);
    }
    for (const call of open) {
      tryTo(call.id, () => {
        if (!call.test()) return;
        open.delete(call);
        answer(call.id);
        moved = true;
      });
    }
    for (const centre of centres) if (centre.serve?.()) moved = true;
    if (busy?.test()) {
      answer(busy.id, busy.value?.());
      busy = undefined;
      moved = true;
    }
    const next = busy ? undefined : queue.shift();
    if (next) {
      moved = true;
      tryTo(next.id, () => {
        const begun = begin(next.call);
        if (begun) busy = { test: begun.test, ...(begun.value && { value: begun.value }), id: next.id };
        else answer(next.id);
      });
      if (next.call.name === 'close') return;
    }
    if (moved) nap = SHORT;
    else {
      const isIdle = !busy && !open.size;
      if (isIdle) job.mpi.hasCome(NO_MESSAGE);
      Atomics.wait(wake, 0, seen, isIdle ? LONG : nap);
      nap = Math.min(LONG, nap * 1.5);
    }
  }
}
