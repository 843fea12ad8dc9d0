/** `descent train --distribute`: this process as one of the ranks that mpirun or srun started. */
import { hostname } from 'node:os';
import { check, DescentError, say } from '../../engine/check.ts';
import { parseChoice } from '../../engine/spec.ts';
import type { Exchange } from '../../train/distribute/exchange.ts';
import { ROUTES } from '../../train/distribute/node/calls.ts';
import { launchedBy } from '../../train/distribute/node/library.ts';
import { mirrored } from '../../train/run/node/mirrored.ts';
import { createRun, readConfig, type RunFolder } from '../../train/run/node/run-folder.ts';
import { decodeSafetensors } from '../../train/run/read-safetensors.ts';
import { encodeSafetensors, type Tensors } from '../../train/run/safetensors.ts';
import type { Trainer } from '../../train/step/trainer.ts';
import { noteError } from '../errors.ts';
import { quoted } from '../flags.ts';
import type { InterruptOptions } from './interrupt.ts';
import type { TrainOptions } from './options.ts';

export interface Job {
  readonly exchange: Exchange;
  /** As in `Open MPI v4.1.4`; undefined where one process was started. */
  readonly library: string | undefined;
  /** Rank 0 alone keeps files and speaks. */
  readonly isFirst: boolean;
  /** The place of this rank among those of its machine, from 0, and how many these are. */
  readonly local: { readonly rank: number; readonly size: number };
}

/** The job that this process belongs to, where its options ask for one, or where it goes on with a run that may be one's. */
export async function joinJob({ distribute, resume, trust, exchange: route }: TrainOptions): Promise<Job | undefined> {
  const isOfJob = () => launchedBy(process.env) !== undefined || readConfig(resume!, trust).config.distribute !== undefined;
  const isAsked = distribute !== undefined || (resume !== undefined && isOfJob());
  check(isAsked || route === undefined, '--exchange: there is one process', 'give --distribute too');
  if (!isAsked) return undefined;
  const { connect } = await import('../../train/distribute/node/connect.ts');
  const joining = connect(route === undefined ? undefined : parseChoice('--exchange', route, ROUTES));
  const { exchange, library } = await joining.catch(inTurn);
  const hosts = await exchange.texts(hostname());
  const { rank } = exchange;
  const here = (some: readonly string[]) => some.filter(host => host === hosts[rank]).length;
  return { exchange, library, isFirst: rank === 0, local: { rank: here(hosts.slice(0, rank)), size: here(hosts) } };
}

/** The job that this process belongs to, where mpirun or srun started several: commands of many runs then share these out. */
export const joinAnyJob = (): Promise<Job | undefined> =>
  launchedBy(process.env) === undefined ? Promise.resolve(undefined) : joinJob({ distribute: 'sync' });

/** The number of this process as its launcher has it, before it has joined. */
const launchedAs = (): number => Number(process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK ?? process.env.SLURM_PROCID ?? 0);

/** Milliseconds that rank 0 has the word: where all ranks fail alike, they are gone by then. */
const FIRST = 500;

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** What failed before the ranks had joined is said by one of them. */
async function inTurn(error: unknown): Promise<never> {
  if (launchedAs() > 0) await pause(FIRST);
  throw error;
}

/** What rank 0 has, on all ranks. */
export async function told<T>({ exchange, isFirst }: Job, make: () => T): Promise<T> {
  const [text] = await exchange.texts(isFirst ? JSON.stringify(make()) : '');
  return JSON.parse(text!) as T;
}

/** The bytes of rank 0, on all ranks. */
async function toldBytes({ exchange, isFirst }: Job, own: () => Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const mine = isFirst ? own() : undefined;
  const [length] = await exchange.texts(String(mine?.length ?? 0));
  const bytes = new Uint8Array(Number(length));
  if (mine) bytes.set(mine);
  await exchange.broadcast(bytes);
  return bytes;
}

/** What ranks 1 and on have, on rank 0. */
export async function gathered({ exchange, isFirst }: Job, own: Uint8Array): Promise<Uint8Array[]> {
  const lengths = (await exchange.texts(String(own.length))).map(Number);
  const all: Uint8Array[] = [];
  for (let from = 1; from < exchange.size; from++) {
    const bytes = from === exchange.rank ? own : new Uint8Array(lengths[from]!);
    await exchange.broadcast(bytes, from);
    if (isFirst) all.push(bytes);
  }
  return all;
}

/** The tensors of rank 0, on all ranks. */
export async function toldTensors(job: Job, own: () => Tensors): Promise<Tensors> {
  const bytes = await toldBytes(job, () => encodeSafetensors(own(), {}));
  return decodeSafetensors(bytes, 'rank 0').tensors;
}

/** All ranks begin with the weights of rank 0. */
export async function shareWeights(job: Job, trainer: Trainer): Promise<void> {
  if (job.exchange.size === 1) return;
  const own = await trainer.weights();
  const first = await toldTensors(job, () => own);
  if (!job.isFirst) await trainer.loadWeights(first);
}

/** A new run, whose files rank 0 keeps. */
export async function createInJob(job: Job, path: () => string): Promise<RunFolder> {
  const made = job.isFirst ? createRun(path()) : undefined;
  const at = await told(job, () => made!.path);
  return made ?? mirrored(at, []);
}

/** The command that goes on with a run. */
export function commandOn(path: string, job?: Job): string {
  const starter = launchedBy(process.env)?.by === 'Slurm' ? 'srun' : 'mpirun';
  const launcher = job && job.exchange.size > 1 ? `${starter} -n ${job.exchange.size} ` : '';
  return `${launcher}descent train --resume ${quoted(path)}`;
}

/** Launchers send a signal and repeat it (ms). */
const REPEATED = 3000;

/** What a signal does in a job: rank 0 says how to go on at once, since where a rank is gone the last step may not come to its end. */
export const interruptOf = (job: Job, run: RunFolder | undefined): InterruptOptions => ({
  together: REPEATED,
  says: () =>
    job.isFirst && run ? `stopping after this step; where a rank is gone, continue with: ${commandOn(run.path, job)}` : undefined,
});

/** Does `work` as a rank of a job, to which all come to an end together; where it fails on one, that one says why and ends all. */
export async function asRank(job: Job, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    await job.exchange.close();
  } catch (error) {
    await endJob(job, error);
  }
}

/** Does what is one process's to do: of the ranks of a job that are asked for the same the first does it. */
export async function once(asked: readonly unknown[], work: () => Promise<void>): Promise<void> {
  const job = await joinAnyJob();
  if (!job) return work();
  const { exchange } = job;
  await asRank(job, async () => {
    const all = await exchange.texts(JSON.stringify([process.cwd(), asked]));
    if (all.indexOf(all[exchange.rank]!) === exchange.rank) await work();
  });
}

/** Milliseconds after which a launcher has passed on what a rank says: some lose it when the job is aborted at once. */
const PASSED_ON = 100;

async function endJob({ exchange, isFirst }: Job, error: unknown): Promise<never> {
  if (!isFirst) await pause(FIRST);
  const here = error instanceof DescentError && !isFirst ? onRank(exchange.rank, error) : error;
  noteError(here, process.argv.includes('--verbose'));
  if (exchange.size === 1) process.exit(1);
  await pause(PASSED_ON);
  return exchange.abort(1);
}

const onRank = (rank: number, { problem, advice }: DescentError): DescentError =>
  new DescentError(say`rank ${rank}: ${problem}`, ...advice);
