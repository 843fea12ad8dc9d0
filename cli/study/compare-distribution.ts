/** `descent compare distribution`: one net trained by each method on the ranks of a job, some of which may be slowed down. */
import { openDataset } from '../../datasets/node/open.ts';
import { check } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { openDevice } from '../run/device.ts';
import { AT_LEAST_0 } from '../../engine/range.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Panel } from '../../plots/panel.ts';
import { parseConfig } from '../../train/config/config.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseNumber, parseSpec } from '../../engine/spec.ts';
import type { Share } from '../../train/data/share.ts';
import { methods, type MethodName } from '../../train/distribute/methods.ts';
import { start } from '../../train/distribute/start.ts';
import { loop } from '../../train/run/loop.ts';
import { openTrainer } from '../../train/run/open.ts';
import type { StepMetrics } from '../../train/step/metrics.ts';
import { asRank, joinJob, shareWeights, type Job } from '../run/job.ts';
import { note, percent, print, table } from '../output.ts';
import type { CompareOptions } from './compare-options.ts';

/**
 * Methods that have an optimizer of their own, where the others have one together. Delay-tolerant training is Adagrad's, whose steps shrink
 * from the first on: it begins with a larger rate where none is asked for.
 */
const OWN: Partial<Readonly<Record<MethodName, { readonly optimizer: string; readonly lr: string }>>> = {
  'delay-tolerant': { optimizer: 'adagrad', lr: '0.3' },
};

interface Line extends StepMetrics {
  readonly seconds: number;
}

interface Compared {
  readonly name: string;
  readonly lr: string;
  readonly seconds: number;
  readonly lines: readonly Line[];
  readonly accuracy: number;
}

/** Milliseconds by which this rank is slowed down at each of its steps: `rank=2,ms=50`. */
function delayOf(texts: readonly string[], { rank, size }: Share): number {
  return texts.reduce((sum, text) => {
    const { options } = parseSpec('--delay', `delay:${text}`);
    const { rank: slow, ms, ...others } = options;
    const isWhole = slow !== undefined && ms !== undefined && !Object.keys(others).length;
    check(isWhole, `--delay: '${text}' is not a rank and its milliseconds`, 'write rank=1,ms=50');
    const delay = parseNumber('--delay: ms', String(ms), AT_LEAST_0);
    return parseNumber('--delay: rank', String(slow), { ...AT_LEAST_0, max: size - 1, integer: true }) === rank ? sum + delay : sum;
  }, 0);
}

export async function compareDistribution(options: CompareOptions): Promise<void> {
  const job = (await joinJob({ distribute: 'sync' }))!;
  await asRank(job, () => compared(options, job));
}

async function compared(options: CompareOptions, job: Job): Promise<void> {
  const { exchange, isFirst, library } = job;
  const { model = 'lenet5', dataset: name, target, lr, epochs = '1', limitTrain = '6000', limitTest = '1000', seed } = options;
  const { optimizer = 'momentum', delay: delays = [], dataDir } = options;
  check(exchange.size > 1, 'compare distribution: there is one process', 'start several, as in mpirun -n 2 descent compare distribution');
  const ms = delayOf(delays, exchange);
  const given = { dataset: name, target, epochs, limitTrain, limitTest, seed, logEvery: '5' };
  const config = parseConfig(model, given);
  const limits = { limitTrain: config.limitTrain, limitTest: config.limitTest, target: config.target };
  const data = await openDataset(config.dataset, { dataDir, quiet: true, ...limits });
  check(!data.outputs, `compare: methods are compared by accuracy, and ${data.name} has numbers to predict`, 'take a data set of classes');
  const device = await openDevice(options);
  const place = { job, data, device, ms };
  const results: Compared[] = [];
  for (const method of Object.keys(methods) as MethodName[]) {
    const usual = { optimizer, lr: '0.02', ...OWN[method] };
    const asked = { ...usual, ...(lr !== undefined && { lr }) };
    const result = await trained(recipeOf(parseConfig(model, { ...given, distribute: method, ...asked })), place);
    results.push({ name: method, lr: asked.lr, ...result });
    if (isFirst && !options.quiet && !options.json)
      note(`${method}: ${result.seconds.toFixed(1)} s, test accuracy ${percent(result.accuracy)}`);
  }
  device.close();
  if (!isFirst) return;
  const slowed = delays.length ? `, slowed down ${delays.join(' and ')}` : '';
  const title = `${model} on ${config.dataset} by ${exchange.size} ranks over ${library}${slowed}`;
  const [{ draw }, { writePicture }] = await Promise.all([import('../../plots/chart.ts'), import('../pictures.ts')]);
  const pictures = await writePicture(options.out!, draw(panelsOf(results), { title }));
  for (const { name, ...result } of results) {
    if (options.json) print(JSON.stringify({ method: name, ...result, staleness: stalenessOf(result.lines) }));
  }
  if (options.json) return print(JSON.stringify({ pictures }));
  const cells = results.map(({ name, lr, seconds, accuracy, lines }) => {
    const stale = stalenessOf(lines);
    const loss = lines.at(-1)?.loss.toFixed(4) ?? '';
    return [name, lr, seconds.toFixed(1), loss, percent(accuracy), stale?.mean.toFixed(2) ?? '', stale ? String(stale.worst) : ''];
  });
  print(table([['method', 'lr', 's', 'training loss', 'test accuracy', 'staleness', 'worst'], ...cells]));
  if (!options.quiet) print(`picture in ${pictures.join(' and ')}`);
}

/** Where methods are compared. */
interface Place {
  readonly job: Job;
  readonly data: Dataset;
  readonly device: Device;
  /** Milliseconds by which this rank is slowed down at each step. */
  readonly ms: number;
}

/** A run of one method from the first weights on; rank 0's lines of metrics, with the seconds at which they came. */
async function trained(recipe: Recipe, { job, data, device, ms }: Place): Promise<Omit<Compared, 'name' | 'lr'>> {
  const { exchange } = job;
  const warm = await openTrainer(recipe, data, device, { exchange }); // kernels are compiled before the clock runs
  await warm.trainer.step();
  await warm.trainer.settle();
  warm.trainer.destroy();
  const { trainer, total } = await openTrainer(recipe, data, device, { exchange });
  const lines: Line[] = [];
  try {
    await shareWeights(job, trainer);
    let begun = performance.now();
    const onMetrics = (line: StepMetrics) => void lines.push({ ...line, seconds: (performance.now() - begun) / 1000 });
    const delay = ms ? () => new Promise<void>(resolve => setTimeout(resolve, ms)) : undefined;
    const { logEvery } = recipe;
    const started = await start(trainer, exchange, recipe.distribute!, { total, logEvery, asks: () => false, onMetrics, delay });
    await exchange.texts('');
    begun = performance.now();
    await loop(started.fitted, {
      total,
      logEvery,
      validate: false,
      state: { evaluated: [] },
      step: started.step,
      onMetrics,
      onEvaluation: () => undefined,
      onCheckpoint: async () => undefined,
    });
    const seconds = (performance.now() - begun) / 1000;
    const { accuracy } = await trainer.evaluate('test');
    return { lines, seconds, accuracy: accuracy! };
  } finally {
    trainer.destroy();
  }
}

/** Changes by others between reading the weights and changing them, in the mean and at worst over the epochs; undefined of ranks that wait. */
function stalenessOf(lines: readonly Line[]): { mean: number; worst: number } | undefined {
  const ends = lines.filter(line => line.staleness !== undefined);
  if (!ends.length) return undefined;
  return {
    mean: ends.reduce((sum, line) => sum + line.staleness!, 0) / ends.length,
    worst: Math.max(...ends.map(line => line.staleness_worst ?? 0)),
  };
}

function panelsOf(results: readonly Compared[]): Panel[] {
  const y = { label: 'cross-entropy', min: 0 };
  const curve = (label: string, x: (line: Line) => number): Panel => ({
    kind: 'line',
    title: `Training loss by ${label}`,
    x: { label, min: 0 },
    y,
    series: results.map(({ name, lines }) => ({ name, points: smoothed(lines).map(line => [x(line), line.loss] as const) })),
  });
  const stale = results.flatMap(({ name, lines }) => {
    const found = stalenessOf(lines);
    return found ? [{ name, ...found }] : [];
  });
  return [
    curve('seconds', line => line.seconds),
    curve('epochs', line => line.epoch),
    {
      kind: 'bar',
      title: 'Staleness',
      y: { label: 'changes by others', min: 0 },
      categories: stale.map(({ name }) => name),
      series: [
        { name: 'mean', values: stale.map(({ mean }) => mean) },
        { name: 'worst', values: stale.map(({ worst }) => worst) },
      ],
    },
  ];
}

/** Lines with a running mean of the loss. */
function smoothed(lines: readonly Line[]): Line[] {
  let mean: number | undefined;
  return lines.map(line => {
    mean = mean === undefined ? line.loss : 0.7 * mean + 0.3 * line.loss;
    return { ...line, loss: mean };
  });
}
