/** `descent sweep`. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../datasets/dataset.ts';
import { isKnown, openDataset } from '../../datasets/node/open.ts';
import { sha256 } from '../../datasets/node/sha256.ts';
import { completed, readingOf, type RunConfig } from '../../train/config/config.ts';
import { OPTIONS, type Key } from '../../train/config/options.ts';
import { choices, configOf, parseAxis } from '../../train/config/grid.ts';
import { checkFeasible } from '../../train/config/feasible.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { fileError, makeFolder } from '../../train/run/node/files.ts';
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { isFileName, isNet, parseNumber, parseSpec } from '../../engine/spec.ts';
import { keyOf, ranking, type Score, type SweepLine } from '../../train/study/sweep.ts';
import { checkShare } from '../../train/data/own-validation.ts';
import { jsonLines } from '../../train/step/metrics.ts';
import { checkHeldOut, trial, type Trial } from '../../train/study/trial.ts';
import { openDevice, type DeviceOptions } from '../run/device.ts';
import { onInterrupt, type Interrupt } from '../run/interrupt.ts';
import { agree, agreeOnData } from '../run/job-checks.ts';
import { asRank, joinAnyJob, told, type Job } from '../run/job.ts';
import { duration, figure, note, percent, print, table } from '../output.ts';
import { loadOwnModel } from '../own-model.ts';
import { asNew, localRecipe } from '../run/session.ts';

export type SweepOptions = DeviceOptions & { [K in Key]?: string | boolean } & {
  grid?: string[];
  random?: string;
  folds?: string;
  out?: string;
  dataDir?: string;
};

/** One run to do: what it changes, and which fold it holds out. */
type Run = Pick<SweepLine, 'choice' | 'config' | 'folds' | 'fold' | 'digest'> & { readonly recipe: Recipe };

export async function sweep(model: string, options: SweepOptions): Promise<void> {
  const job = await joinAnyJob();
  if (!job) return search(model, options);
  await asRank(job, () => search(model, job.isFirst ? options : { ...options, quiet: true, json: false }, job));
}

/** Does all runs; as one of several ranks its share of them, while rank 0 keeps the results of all. */
async function search(model: string, options: SweepOptions, job?: Job): Promise<void> {
  await loadOwnModel(model);
  const { out, adapter, dataDir, json, quiet, tune } = options;
  const { picked, folds, asked } = askedFor(model, options);
  if (job) await agreeOnRuns(job, asked);
  const load = datasetCache(dataDir, quiet);
  const isFirst = job?.isFirst ?? true;
  const digests = isFirst ? await digestsOf(asked, load) : [];
  const shared = job ? await told(job, () => digests) : digests; // a copy of a folder has other times of its files
  const runs = asked.map((run, i): Run => (shared[i] ? { ...run, digest: shared[i] } : run));

  const word = (name: string) => name.replace(/[^\w.=-]+/g, '_');
  const folder = out ?? join('sweeps', `${word(model)}-${word(runs[0]!.config.dataset)}`);
  const file = join(folder, 'results.jsonl');
  const before = job ? await told(job, () => readResults(file)) : readResults(file);
  const done = new Map(before.map(line => [keyOf(line), line]));
  const left = runs.filter(run => !done.has(keyOf(run)));
  const say = (line: string) => {
    if (!quiet && !json) print(line);
  };
  const crossed = folds === undefined ? '' : ` (${picked} choices, ${folds} folds)`;
  say(`${counted(runs.length, 'run')}${crossed}${describeBefore(runs, left, before)}; results in ${file}`);
  if (left.length) {
    await checkData(left, { folds, asked: options.valSplit }, load, job);
    const removeEmpty = isFirst ? makeFolder(folder, 'choose another place with --out') : () => {};
    const interrupt = onInterrupt(removeEmpty);
    let device: Device | undefined;
    try {
      device = await openDevice({ adapter, quiet, json, tune });
      await trainAll(left, { device, load, job, interrupt }, (line, text, number) => {
        if (isFirst) append(file, line);
        done.set(keyOf(line), line);
        if (json) print(text);
        say(`${String(number).padStart(String(left.length).length)}/${left.length}  ${describeOutcome(line)}`);
      });
    } finally {
      interrupt.end();
      device?.close();
      removeEmpty();
    }
    const complete = runs.filter(run => done.has(keyOf(run))).length;
    if (complete < runs.length) {
      process.exitCode = interrupt.code;
      if (json) print(JSON.stringify({ stopped: { complete, of: runs.length } }));
      if (isFirst) note(`stopped: ${complete} of ${runs.length} runs are complete; the same command goes on with the others`);
      return;
    }
  }
  if (isFirst) tellRanking(ranking(runs.map(run => ({ ...done.get(keyOf(run))!, choice: run.choice, config: run.config }))), options);
}

/** The runs that options ask for, all of which are checked before the first one trains; of how many choices, in how many folds. */
function askedFor(model: string, options: SweepOptions): { picked: number; folds: number | undefined; asked: readonly Run[] } {
  const { grid = [], random, folds: foldsText, out, adapter, dataDir, json, quiet, tune, ...texts } = options;
  const folds = foldsText === undefined ? undefined : parseNumber('--folds', foldsText, { integer: true, min: 2 });
  const base = { model, ...(texts as Record<string, string | boolean>) };
  const picked = choices(grid.map(parseAxis), {
    random: random === undefined ? undefined : parseNumber('--random', random, { integer: true, min: 1 }),
    seed: configOf(base, {}).seed,
  });
  return { picked: picked.length, folds, asked: picked.flatMap(choice => runsOf(choice, configOf(base, choice), folds)) };
}

function tellRanking(scores: readonly Score[], { json, quiet }: SweepOptions): void {
  if (json) print(JSON.stringify({ ranking: scores.map(({ config: _, ...score }) => score) }));
  else print(quiet ? describe(scores[0]!.choice) : `\n${scoreTable(scores)}`);
}

/** One choice of values as runs: one, or one for each fold. Throws where it cannot train. */
function runsOf(choice: Run['choice'], config: RunConfig, folds: number | undefined): Run[] {
  const recipe = localRecipe(asNew(config));
  checkHeldOut(recipe, folds);
  checkFeasible(recipe, { heldOut: true });
  const run = { choice, recipe, config: recipe.config };
  return folds === undefined ? [run] : Array.from({ length: folds }, (_, fold) => ({ ...run, folds, fold }));
}

/** Throws where a run holds out what its data set has not, and where ranks have other data. */
async function checkData(
  runs: readonly Run[],
  { folds, asked }: { readonly folds: number | undefined; readonly asked: SweepOptions['valSplit'] },
  load: Load,
  job: Job | undefined,
): Promise<void> {
  const agreed = new Set<string>();
  for (const { recipe, config } of runs) {
    const dataset = await load(config);
    checkHeldOut(recipe, folds, dataset);
    checkShare(dataset, config.valSplit === OPTIONS.valSplit.default ? asked : config.valSplit);
    if (job && !agreed.has(dataKey(config))) await agreeOnData(job, dataset);
    agreed.add(dataKey(config));
  }
}

/** What runs are done on. */
interface Place {
  readonly device: Device;
  readonly load: Load;
  readonly job: Job | undefined;
  readonly interrupt: Interrupt;
}

/**
 * Does runs in rounds, in each of which every rank does one, until all are done or one was stopped; `add` has each that is complete, with its
 * number.
 */
async function trainAll(
  left: readonly Run[],
  { device, load, job, interrupt }: Place,
  add: (line: SweepLine, text: string, number: number) => void,
): Promise<void> {
  const { rank, size } = job?.exchange ?? { rank: 0, size: 1 };
  for (let i = 0; i < left.length; i += size) {
    const run = left[i + rank];
    const dataset = run && (await load(run.config));
    interrupt.trains = true;
    const outcome = run && (await trial(run.recipe, dataset!, device, { ...run, stopped: () => interrupt.asked }));
    const own = run && outcome ? JSON.stringify(lineOf(run, outcome)) : '';
    const round = job ? await job.exchange.texts(own) : [own];
    for (const [k, text] of round.entries()) if (text) add(JSON.parse(text) as SweepLine, text, i + k + 1);
    if (round.slice(0, left.length - i).some(text => !text)) return;
  }
}

/** Throws unless all ranks are asked for the same runs: each does its own of them by their numbers. */
async function agreeOnRuns(job: Job, runs: readonly Run[]): Promise<void> {
  const counts = await job.exchange.texts(String(runs.length));
  const other = counts.findIndex(n => n !== counts[0]);
  check(other < 0, `sweep: rank ${other} has ${counts[other]} runs, rank 0 ${counts[0]}`, 'start all ranks with the same options');
  for (const { config } of runs) await agree(job, config);
}

function lineOf({ recipe: _, ...run }: Run, { best, diverged, seconds }: Trial): SweepLine {
  return {
    ...run,
    ...(best && { accuracy: best.accuracy, loss: best.loss, rmse: best.rmse, epoch: best.epoch }),
    ...(diverged !== undefined && { diverged }),
    seconds: Number(seconds.toFixed(2)),
  };
}

const describe = (choice: SweepLine['choice']): string => {
  const parts = Object.entries(choice).map(([key, value]) => `${key}=${value}`);
  return parts.join(' ');
};

/** What an earlier command has done of the runs: what of it counts, and what is done again. */
function describeBefore(runs: readonly Run[], left: readonly Run[], before: readonly SweepLine[]): string {
  const named = new Set(before.map(line => keyOf({ ...line, digest: '' })));
  const changed = left.filter(run => named.has(keyOf({ ...run, digest: '' }))).length;
  const already = left.length < runs.length ? `, ${runs.length - left.length} of them done already` : '';
  return already + (changed ? `, ${changed} of them done on data or a model that have changed since, and done again` : '');
}

function describeOutcome({ choice, folds, fold = 0, accuracy, loss, rmse, diverged = '', seconds }: SweepLine): string {
  const which = folds === undefined ? '' : `  fold ${fold + 1}`;
  const told = [
    ...(accuracy === undefined ? [] : [`accuracy ${percent(accuracy)}, `]),
    ...(rmse === undefined ? [] : [`RMSE ${figure(rmse)}, `]),
  ].join('');
  const result = loss === undefined ? diverged : `held-out ${told}loss ${loss.toFixed(4)}`;
  return `${describe(choice)}${which}  ${result}  (${duration(seconds)})`;
}

function scoreTable(scores: readonly Score[]): string {
  const keys = Object.keys(scores[0]!.choice);
  const spread = scores.some(s => s.spread !== undefined);
  const accuracy = scores.some(s => s.accuracy !== undefined);
  const rmse = scores.some(s => s.rmse !== undefined);
  return table([
    [...keys, ...(accuracy ? ['accuracy'] : []), ...(spread ? ['+-'] : []), ...(rmse ? ['RMSE'] : []), 'loss', 'seconds'],
    ...scores.map(s => [
      ...keys.map(k => s.choice[k]!),
      ...(accuracy ? [s.diverged ? 'diverged' : `${(s.accuracy! * 100).toFixed(2)}%`] : []),
      ...(spread ? [s.spread === undefined ? '-' : `${(s.spread * 100).toFixed(2)}%`] : []),
      ...(rmse ? [s.diverged || s.rmse === undefined ? '-' : figure(s.rmse)] : []),
      s.diverged ? (accuracy ? '-' : 'diverged') : s.loss.toFixed(4),
      s.seconds.toFixed(1),
    ]),
  ]);
}

type Load = (config: RunConfig) => Promise<Dataset>;

const dataKey = (config: RunConfig): string => JSON.stringify([config.dataset, readingOf(config)]);

/** Of each run what tells the content of its folder or table, and of the file of its model, from what that was before a change. */
async function digestsOf(runs: readonly Run[], load: Load): Promise<string[]> {
  const digests = new Map<string, string | undefined>();
  for (const { config } of runs) {
    const key = dataKey(config);
    if (!digests.has(key)) digests.set(key, isKnown(config.dataset) ? undefined : (await load(config)).digest);
  }
  return runs.map(({ config }) => {
    const { name } = parseSpec('model', config.model);
    const model = isFileName(name) || isNet(name) ? sha256(readFileSync(name)).slice(0, 16) : undefined;
    return [digests.get(dataKey(config)), model].filter(Boolean).join(' ');
  });
}

/** The data set of each configuration; the last one stays, since most searches have only one. */
function datasetCache(dataDir: string | undefined, quiet: boolean | undefined): Load {
  let key = '';
  let kept: Promise<Dataset>;
  return config => {
    const wanted = dataKey(config);
    if (wanted !== key) kept = openDataset(config.dataset, { dataDir, quiet, ...readingOf(config) });
    key = wanted;
    return kept;
  };
}

/** The lines of an earlier command. One cut short by a crash is passed over: its run is done again. */
function readResults(file: string): SweepLine[] {
  const isResult = (json: unknown): json is SweepLine => typeof (json as Partial<SweepLine> | null)?.config === 'object';
  const lines = existsSync(file) ? jsonLines(readFileSync(file, 'utf8'), isResult) : [];
  return lines.map(line => ({ ...line, config: completed(line.config) }));
}

function append(file: string, line: SweepLine): void {
  try {
    const cut = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8'));
    const fd = openSync(file, 'a');
    try {
      writeSync(fd, `${cut ? '\n' : ''}${JSON.stringify(line)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(file, 'written', error, 'choose another place with --out');
  }
}
