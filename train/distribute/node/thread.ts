/** The one thread that calls MPI. It keeps MPI going while nobody asks for anything: one-sided calls of other ranks wait for that. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { check, faultOf } from '../../../engine/check.ts';
import type { Answer, Asked, Begun, Start } from './calls.ts';
import type { Job } from './job.ts';
import { checkSpoken, launchedBy, openLibrary, type Launched } from './library.ts';
import { mpiOf } from './mpi.ts';
import { ServedCalls } from './served-calls.ts';

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

/** Answers calls until the exchange is closed. */
function serve(job: Job): void {
  const calls = new ServedCalls(job, route, post);
  let nap = SHORT;
  while (!calls.isClosed) {
    const seen = Atomics.load(wake, 0); // before the look, so that what is asked after it ends the nap
    const message = receiveMessageOnPort(port) as { message: Asked } | undefined;
    if (message) calls.take(message.message);
    if (calls.advance() || message) {
      nap = SHORT;
      continue;
    }
    if (calls.isIdle) job.mpi.hasCome(NO_MESSAGE);
    Atomics.wait(wake, 0, seen, calls.isIdle ? LONG : nap);
    nap = Math.min(LONG, nap * 1.5);
  }
}
