/** `descent bench distributed`: what several ranks cost and gain, measured by all of them, for 1, 2 and 4 ranks by one call. */
import { benchMean, benchMethod, benchPlain, benchTurn, type MethodResult, type PlainSteps } from '../../bench/distributed.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import { COUNT } from '../../engine/range.ts';
import { openDevice } from '../run/device.ts';
import { efficiency, networkOf, type Network } from '../../train/distribute/efficiency.ts';
import { methods, type MethodName } from '../../train/distribute/methods.ts';
import { launchedBy } from '../../train/distribute/node/library.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseNumber } from '../../engine/spec.ts';
import { openTrainer } from '../../train/run/open.ts';
import { count, percent, print, table } from '../output.ts';
import { adapterIn } from '../run/job-checks.ts';
import { asRank, joinJob, type Job } from '../run/job.ts';
import { started } from './mpirun.ts';
import { result, writeResult, type BenchOptions } from './result.ts';

export interface DistributedOptions extends BenchOptions {
  dataset?: string;
  batchSize?: string;
  steps?: string;
  exchange?: string;
  ranks?: string;
  mpirun?: string;
}

/** Values of means: one, which takes as long as a message does, and the gradients of LeNet-5, ResNet-20 and ResNet-18. */
const MEANS = [1, 61_706, 272_474, 11_173_962];
/** Ranks of the jobs that are started, and those for which efficiency is predicted. */
const RANKS = '1,2,4';
const PREDICTED = [2, 4, 16, 64, 256, 1024];

/** What a job has measured. */
interface Measured extends PlainSteps {
  readonly ranks: number;
  readonly library: string;
  readonly means: readonly { readonly values: number; readonly ms: number }[];
  /** Milliseconds in which the gradients of a step go from the device to the host and back. */
  readonly turn: number;
  readonly methods: readonly MethodResult[];
}

/** The results as they are written. */
interface Report {
  readonly model: string;
  readonly batch: number;
  /** Values of all gradients. */
  readonly parameters: number;
  readonly jobs: readonly Measured[];
}

/** As a rank of a job, where there is one; else of jobs that are started one after another. */
export async function distributed(model: string, options: DistributedOptions): Promise<void> {
  const steps = options.steps === undefined ? undefined : parseNumber('--steps', options.steps, COUNT);
  if (launchedBy(process.env)) {
    const job = (await joinJob({ distribute: 'sync', ...(options.exchange !== undefined && { exchange: options.exchange }) }))!;
    return asRank(job, () => measured(model, steps, options, job));
  }
  const { ranks: list = RANKS, mpirun = 'mpirun', ...own } = options;
  recipeOf(configOf(model, own, own.batchSize)); // what is wrong with it is said once
  const sizes = list.split(',').map(text => parseNumber('--ranks', text, { ...COUNT, max: PREDICTED.at(-1)! }));
  const jobs: Measured[] = [];
  let whole: Report | undefined;
  for (const size of sizes) {
    const report = (await started(mpirun, size, wordsOf(model, own))) as Report;
    whole ??= report;
    jobs.push(...report.jobs);
    if (!options.json) sayJob(report);
  }
  const report = { ...whole!, jobs };
  if (!options.json) sayPrediction(report);
  writeResult(options, { ...report, predicted: predicted(report) });
}

const configOf = (model: string, { dataset }: DistributedOptions, batchSize: string | undefined, more: Record<string, string> = {}) =>
  parseConfig(model, { dataset, batchSize, valSplit: '0', optimizer: 'sgd', ...more });

/** The command that each rank of a job runs. */
function wordsOf(model: string, { dataset, batchSize, steps, exchange, adapter, dataDir, tune }: DistributedOptions): string[] {
  const flags = { dataset, 'batch-size': batchSize, steps, exchange, adapter, 'data-dir': dataDir };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]));
  return ['bench', 'distributed', model, ...given, ...(tune === undefined ? [] : [tune ? '--tune' : '--no-tune']), '--json'];
}

/** Measures as one of the ranks; rank 0 says what came of it. */
async function measured(model: string, steps: number | undefined, options: DistributedOptions, job: Job): Promise<void> {
  const { exchange, isFirst, library } = job;
  const { size } = exchange;
  const isBeside = options.ranks !== undefined || options.mpirun !== undefined;
  check(!isBeside, `bench distributed: ${size} ranks were started already`, 'leave out --ranks and --mpirun');
  const device = await openDevice({ ...options, adapter: options.adapter ?? (await adapterIn(job)) });
  const open = async (batchSize: string | undefined, more: Record<string, string> = {}) => {
    const config = configOf(model, options, batchSize, more);
    const dataset = await openDataset(config.dataset, { dataDir: options.dataDir, quiet: true });
    const opened = await openTrainer(recipeOf(config), dataset, device, { exchange: more.distribute === undefined ? undefined : exchange });
    return { ...opened, batch: config.batchSize };
  };
  const { trainer, parameters, batch } = await open(options.batchSize);
  const plain = await benchPlain(trainer, exchange, steps);
  const means: { values: number; ms: number }[] = [];
  for (const values of MEANS) means.push({ values, ms: await benchMean(exchange, values) });
  const turn = isFirst ? await benchTurn(trainer) : 0;
  trainer.destroy();
  const rows: MethodResult[] = [];
  for (const [method, { together }] of Object.entries(methods) as [MethodName, (typeof methods)[MethodName]][]) {
    const distribute = { distribute: method, ...(method === 'delay-tolerant' && { optimizer: 'adagrad' }) };
    const { trainer } = await open(String(together ? batch * size : batch), distribute); // as much for each rank as alone
    rows.push(await benchMethod(trainer, exchange, method, plain.steps));
    trainer.destroy();
  }
  if (!isFirst) return device.close();
  const report: Report = {
    model,
    batch,
    parameters,
    jobs: [{ ranks: size, library: library!, means, ...plain, turn, methods: rows }],
  };
  if (!options.json) {
    sayJob(report);
    sayPrediction(report);
  }
  result(options, device, { ...report, predicted: predicted(report) });
  device.close();
}

const networkIn = ({ ranks, means }: Measured): Network | undefined => {
  const [few, many] = [means[0]!, means.at(-1)!];
  return ranks === 1 ? undefined : networkOf(ranks, { bytes: 4 * few.values, ms: few.ms }, { bytes: 4 * many.values, ms: many.ms });
};

/** Efficiency by the job with most ranks, were each rank on a device of its own. */
function predicted({ parameters, jobs }: Report): { network: Network; efficiency: { ranks: number; efficiency: number }[] } | undefined {
  const job = jobs.reduce((most, job) => (job.ranks > most.ranks ? job : most));
  const network = networkIn(job);
  const step = { ms: job.alone, bytes: 4 * parameters, turn: job.turn };
  return network && { network, efficiency: PREDICTED.map(ranks => ({ ranks, efficiency: efficiency(ranks, step, network) })) };
}

/** A method's row of the table. A step that took less time than a plain one has none of the overhead that efficiency is told of. */
export function cellsOf(
  { method, ms, hidden, staleness }: MethodResult,
  { ranks, alone, apart }: Pick<Measured, 'ranks' | 'alone' | 'apart'>,
  foreseen?: number,
): string[] {
  const overhead = ms - apart;
  return [
    method,
    ms.toFixed(2),
    ...(overhead < 0 ? ['', ''] : [overhead.toFixed(2), percent(apart / ms)]),
    `${((ranks * alone) / ms).toFixed(2)}x`,
    method === 'sync' && foreseen !== undefined ? percent(foreseen) : '',
    hidden === undefined ? '' : percent(hidden),
    staleness === undefined ? '' : staleness.toFixed(2),
  ];
}

function sayJob({ model, batch, parameters, jobs: [job] }: Report): void {
  const { ranks, library, means, alone, apart, turn, methods } = job!;
  print(`\n${counted(ranks, 'rank')} over ${library}`);
  print(
    `mean over ranks of ${means.map(m => `${m.values === 1 ? '4 bytes' : `${((4 * m.values) / 1e6).toFixed(1)} MB`} in ${m.ms.toFixed(2)} ms`).join(', ')}`,
  );
  const atOnce = ranks === 1 ? '' : `${alone.toFixed(2)} ms while the others wait, `;
  const step = `a plain step takes ${atOnce}${apart.toFixed(2)} ms${ranks === 1 ? '' : ' while all compute'}`;
  print(`${model}, batches of ${batch} a rank: ${step}; gradients to the host and back ${turn.toFixed(2)} ms`);
  const network = networkIn(job!);
  const foreseen = network && efficiency(ranks, { ms: apart, bytes: 4 * parameters, turn }, network);
  const rows = methods.map(row => cellsOf(row, job!, foreseen));
  print(table([['method', 'ms a step', 'overhead, ms', 'efficiency', 'speed', 'by the model', 'hidden', 'staleness'], ...rows]));
}

function sayPrediction(report: Report): void {
  const foreseen = predicted(report);
  if (!foreseen) return;
  const { latency, bandwidth } = foreseen.network;
  print(`\nsync, one rank a device, by ${(1000 * latency).toFixed(0)} µs a message and ${(bandwidth / 1e6).toFixed(2)} GB/s:`);
  print(table([['ranks', 'efficiency'], ...foreseen.efficiency.map(p => [count(p.ranks), percent(p.efficiency)])]));
}
