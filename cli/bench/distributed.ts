/** `descent bench distributed`: what several ranks cost and gain, measured by all of them and predicted for more. */
import { benchMean, benchMethod, type MethodResult } from '../../bench/distributed.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { check } from '../../engine/check.ts';
import { COUNT } from '../../engine/range.ts';
import { openDevice } from '../run/device.ts';
import { efficiency, networkOf } from '../../train/distribute/efficiency.ts';
import { methods, type MethodName } from '../../train/distribute/methods.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseNumber } from '../../train/config/spec.ts';
import { openTrainer } from '../../train/run/open.ts';
import { count, percent, print, table } from '../output.ts';
import { asRank, joinJob, type Job } from '../run/job.ts';
import { result, type BenchOptions } from './result.ts';

export interface DistributedOptions extends BenchOptions {
  dataset?: string;
  batchSize?: string;
  steps: string;
  exchange?: string;
}

/** Gradients of LeNet-5, ResNet-20 and ResNet-18. */
const MEANS = [61_706, 272_474, 11_173_962];
/** Ranks for which efficiency is predicted. */
const RANKS = [2, 4, 16, 64, 256, 1024];

export async function distributed(model: string, options: DistributedOptions): Promise<void> {
  const job = (await joinJob({ distribute: 'sync', ...(options.exchange !== undefined && { exchange: options.exchange }) }))!;
  await asRank(job, () => measured(model, options, job));
}

async function measured(model: string, options: DistributedOptions, job: Job): Promise<void> {
  const { exchange, isFirst, library } = job;
  const steps = parseNumber('--steps', options.steps, COUNT);
  check(exchange.size > 1, 'bench distributed: there is one process', 'start several, as in mpirun -n 2 descent bench distributed lenet5');
  const say = (line: string) => {
    if (isFirst && !options.json) print(line);
  };
  const device = await openDevice(options);
  const means: { values: number; ms: number }[] = [];
  for (const values of MEANS) means.push({ values, ms: await benchMean(exchange, values) });
  say(`${exchange.size} ranks over ${library} on ${device.report.description}`);
  say(table([['mean of', 'MB', 'ms'], ...means.map(m => [count(m.values), ((4 * m.values) / 1e6).toFixed(1), m.ms.toFixed(2)])]));

  const open = async (more: Record<string, string>) => {
    const config = parseConfig(model, { dataset: options.dataset, batchSize: options.batchSize, valSplit: '0', optimizer: 'sgd', ...more });
    const dataset = await openDataset(config.dataset, { dataDir: options.dataDir, quiet: true });
    return openTrainer(recipeOf(config), dataset, device, { exchange: more.distribute === undefined ? undefined : exchange });
  };
  const { trainer, parameters } = await open({});
  const alone = await aloneTime(job, trainer, steps);
  const batch = trainer.data.n;
  trainer.destroy();
  const rows: MethodResult[] = [];
  for (const method of Object.keys(methods) as MethodName[]) {
    const { trainer } = await open({ distribute: method, ...(method === 'delay-tolerant' && { optimizer: 'adagrad' }) });
    rows.push(await benchMethod(trainer, exchange, method, steps));
    trainer.destroy();
  }
  say(`${model}, batches of ${batch}: ${alone.toFixed(2)} ms a step on one rank while the others wait`);
  const shown = rows.map(({ method, ms, hidden, staleness }) => [
    method,
    ms.toFixed(2),
    percent(alone / ms / exchange.size),
    hidden === undefined ? '' : percent(hidden),
    staleness === undefined ? '' : staleness.toFixed(2),
  ]);
  say(table([['method', 'ms a batch', 'efficiency', 'hidden', 'staleness'], ...shown]));
  const network = networkOf(
    exchange.size,
    { bytes: 4 * means[0]!.values, ms: means[0]!.ms },
    { bytes: 4 * means[2]!.values, ms: means[2]!.ms },
  );
  const step = { ms: alone, bytes: 4 * parameters, turn: 1 };
  const predicted = RANKS.map(ranks => ({ ranks, efficiency: efficiency(ranks, step, network) }));
  const [latency, bandwidth] = [(1000 * network.latency).toFixed(0), (network.bandwidth / 1e6).toFixed(2)];
  say(`with ${latency} µs a message and ${bandwidth} GB/s, batches as large on each rank:`);
  say(table([['ranks', 'sync'], ...predicted.map(p => [String(p.ranks), percent(p.efficiency)])]));
  if (isFirst) result(options, device, { ranks: exchange.size, library, means, model, batch, alone, methods: rows, network, predicted });
  device.close();
}

/** Milliseconds of a step of rank 0 alone, on all ranks. */
async function aloneTime(
  { exchange, isFirst }: Job,
  trainer: Awaited<ReturnType<typeof openTrainer>>['trainer'],
  steps: number,
): Promise<number> {
  const ms = exchange.vector(1);
  if (isFirst) {
    for (let i = 0; i < 3; i++) await trainer.step();
    await trainer.settle();
    const begun = performance.now();
    for (let i = 0; i < steps; i++) await trainer.step();
    await trainer.settle();
    ms[0] = (performance.now() - begun) / steps;
  }
  await exchange.mean(ms, 1);
  return ms[0]!;
}
