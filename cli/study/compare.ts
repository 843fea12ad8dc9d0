/** `descent compare`: methods side by side, each comparison as one picture and a table. */
import { openDataset } from '../../datasets/node/open.ts';
import { check, lookUp } from '../../engine/check.ts';
import { checkPicture, writePicture } from '../../plots/node.ts';
import { COMPARED, COMPARISONS, type Comparison } from '../../train/study/compare.ts';
import { parseConfig } from '../../train/config/config.ts';
import { checkFeasible } from '../../train/config/feasible.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { EXPERIMENTS, planned } from '../../train/study/experiments.ts';
import { trial, type Trial } from '../../train/study/trial.ts';
import { compareDistribution } from './compare-distribution.ts';
import { picture, type Result } from './compare-picture.ts';
import { openDevice } from '../run/device.ts';
import { onInterrupt } from '../run/interrupt.ts';
import { count, note, percent, print, table } from '../output.ts';
import { localRecipe } from '../run/session.ts';
import type { CompareOptions } from './compare-options.ts';
import { runExperiment } from './experiment.ts';
import { tellStopped } from './stopped.ts';

/** A comparison of other things than configurations trained one after another, which needs several processes. */
const DISTRIBUTION = 'distribution';

/** Points of a curve. */
const POINTS = 80;

/** One run to do. */
interface Run {
  readonly variant: string;
  readonly recipe: Recipe;
}

/** What there is to compare, a line each. */
function listed(): string {
  const rows = Object.entries({ ...COMPARISONS, ...EXPERIMENTS }).map(([name, { about }]) => [name, about]);
  return table([['comparison', 'shows'], ...rows, [DISTRIBUTION, 'The methods of --distribute, on the processes of mpirun.']]);
}

export async function compare(what: string | undefined, options: CompareOptions): Promise<void> {
  if (what === undefined) return print(listed());
  const name = what.split(':', 1)[0]!;
  const known = { ...COMPARISONS, ...EXPERIMENTS, [DISTRIBUTION]: undefined };
  lookUp('comparison', name, known);
  if (Object.hasOwn(EXPERIMENTS, name)) return runExperiment(planned(what), options);
  check(name === what, `'${what}': ${name} has no options of this kind`, `descent compare --help lists its flags`);
  const out = options.out ?? `compare-${what}`;
  checkPicture('--out', out);
  if (what === DISTRIBUTION) return compareDistribution({ ...options, out });
  const chosen = COMPARISONS[what]!;

  const { model = chosen.model, dataDir, quiet } = options;
  const base = baseOf(what, chosen, options);
  const common = localRecipe(parseConfig(model, base));
  const { limitTrain, limitTest, epochs } = common;
  const dataset = await openDataset(common.dataset, { dataDir, quiet, limitTrain, limitTest });
  check(
    !dataset.outputs,
    `compare: ${what} are compared by accuracy, and ${dataset.name} has numbers to predict`,
    'take a data set of classes',
  );
  const images = Math.floor(dataset.train.n * (1 - common.valSplit));
  const steps = epochs * Math.floor(images / common.batchSize);
  check(
    steps > 0,
    `--limit-train: ${count(dataset.train.n)} images leave ${count(images)} to train on, and a batch is ${common.batchSize}`,
    'give more',
  );
  const variants = Object.entries(chosen.variants({ steps, lr: common.optimizers[0]!.hyper.lr, images })).filter(
    ([, v]) => options.model === undefined || v.model === undefined,
  );
  check(variants.length, `--model: ${what} is compared on nets of its own`, 'leave it out');
  const runs = variants.map(([variant, { model: own = model, ...changes }]): Run => {
    const config = parseConfig(own, { ...base, ...changes });
    const length = config.steps ?? (steps * common.batchSize) / config.batchSize;
    const recipe = localRecipe({ ...config, logEvery: Math.max(1, Math.floor(length / POINTS)) });
    checkFeasible(recipe);
    return { variant, recipe }; // all are checked before the first one trains
  });

  const interrupt = onInterrupt();
  const results: Result[] = [];
  const device = await openDevice(options);
  try {
    interrupt.trains = true;
    for (const run of runs) {
      const result = await trial(run.recipe, dataset, device, { test: true, stopped: () => interrupt.asked });
      if (!result) break;
      results.push({ variant: run.variant, result });
      tell(run, result, options);
    }
  } finally {
    interrupt.end();
    device.close();
  }
  if (interrupt.asked && !tellStopped(interrupt, results.length, runs.length, options)) return;
  if (!chosen.ordered) results.sort((a, b) => (b.result.test?.accuracy ?? -1) - (a.result.test?.accuracy ?? -1));

  const oneNet = variants.every(([, v]) => v.model === undefined || v.model.startsWith(`${model}:`));
  const net = oneNet ? `${netInWords(model)} on ` : '';
  const head = chosen.title ?? `${what[0]!.toUpperCase()}${what.slice(1)}`;
  const part = results.length < runs.length ? ` (${results.length} of ${runs.length})` : '';
  const title = `${head}${part}: ${net}${common.dataset}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} of ${count(images)} images`;
  const written = await writePicture(out, picture(title, results, { epochs, rates: chosen.rates }));
  if (options.json) return;
  print(resultTable(what, results));
  if (!quiet) print(`picture in ${written}`);
}

/** What all runs have in common, as parseConfig takes it: what the user says, else the comparison, else COMPARED. */
function baseOf(what: string, chosen: Comparison, options: CompareOptions) {
  const { lr, ...texts } = {
    ...COMPARED,
    ...chosen.defaults,
    ...(options.dataset !== undefined && { dataset: options.dataset }),
    ...(options.epochs !== undefined && { epochs: options.epochs }),
    ...(options.limitTrain !== undefined && { limitTrain: options.limitTrain }),
    ...(options.limitTest !== undefined && { limitTest: options.limitTest }),
    ...(options.lr !== undefined && { lr: options.lr }),
  };
  const seed = options.seed;
  if (what === 'optimizers') return { ...texts, seed, optimizer: options.optimizer, valSplit: '0.1' };
  return { ...texts, seed, optimizer: options.optimizer ?? 'momentum', lr, valSplit: '0.1' };
}

/** What came of one run, as soon as it is known. */
function tell({ variant, recipe: { config } }: Run, result: Trial, { json, quiet }: CompareOptions): void {
  const { test, best, train, seconds, diverged } = result;
  if (json) {
    const facts = { variant, config, test: test ?? null, train: train ?? null, best: best ?? null, seconds, diverged: diverged ?? null };
    print(JSON.stringify(facts));
  } else if (!quiet) {
    note(`${variant}: ${test ? `test ${percent(test.accuracy!)}` : diverged} in ${seconds.toFixed(1)} s`);
  }
}

/** `mlp:hidden=64-64-64` is `mlp of 3 layers of 64`. */
const netInWords = (model: string): string =>
  model.replace(/:hidden=(\d+)((?:-\1)+)$/, (_, n: string, more: string) => ` of ${more.split('-').length} layers of ${n}`);

function resultTable(what: string, results: readonly Result[]): string {
  const rows = results.map(({ variant, result: { test, best, train, seconds } }) => [
    variant,
    test ? percent(test.accuracy!) : 'diverged',
    train ? percent(train.accuracy!) : '-',
    test ? test.loss.toFixed(4) : '-',
    best ? percent(best.accuracy!) : '-',
    seconds.toFixed(1),
  ]);
  return table([[what, 'test accuracy', 'training accuracy', 'test loss', 'best validation', 'seconds'], ...rows]);
}
