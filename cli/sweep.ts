/** `descent sweep`. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../datasets/dataset.ts';
import { openDataset } from '../datasets/node/open.ts';
import { check } from '../engine/check.ts';
import type { OPTIONS, RunConfig } from '../train/config.ts';
import { choices, configOf, keyOf, parseAxis, ranking, type Score, type SweepLine } from '../train/sweep.ts';
import { trial } from '../train/trial.ts';
import { fileError } from '../train/node/files.ts';
import { parseNumber } from '../train/spec.ts';
import { openDevice } from './device.ts';
import { duration, percent, print, table } from './output.ts';
import { loadOwnModel } from './own-model.ts';
import { resolved, type SessionOptions } from './session.ts';

export type SweepOptions = SessionOptions & { [K in keyof typeof OPTIONS]?: string | boolean } & {
  grid?: string[];
  random?: string;
  folds?: string;
  out?: string;
  dataDir?: string;
  json?: boolean;
  quiet?: boolean;
};

export async function sweep(model: string, options: SweepOptions): Promise<void> {
  await loadOwnModel(model);
  const {
    grid = [],
    random,
    folds: k,
    out,
    adapter,
    dataDir,
    json,
    quiet,
    tune,
    debug: _,
    moments: __,
    ...texts
  } = options;
  const folds = k === undefined ? undefined : parseNumber('--folds', k, { integer: true, min: 2 });
  const base = { model, ...(texts as Record<string, string | boolean>) };
  const picked = choices(grid.map(parseAxis), {
    random: random === undefined ? undefined : parseNumber('--random', random, { integer: true, min: 1 }),
    seed: configOf(base, {}).seed,
  });
  const runs = picked.flatMap(choice => {
    const config = resolved(configOf(base, choice)); // all are checked before the first one trains
    check(
      folds !== undefined || config.valSplit > 0,
      '--val-split: no images are held out to judge by; give a share above 0, or --folds <k>',
    );
    return Array.from({ length: folds ?? 1 }, (_, fold) => ({
      choice,
      config,
      ...(folds !== undefined && { folds, fold }),
    }));
  });

  const folder =
    out ?? join('sweeps', `${model.replace(/[^\w.=-]+/g, '_')}-${runs[0]!.config.dataset.replace(/[^\w.-]+/g, '_')}`);
  const file = join(folder, 'results.jsonl');
  const done = new Map(readResults(file).map(line => [keyOf(line), line]));
  const left = runs.filter(run => !done.has(keyOf(run)));
  const say = (line: string) => {
    if (!quiet && !json) print(line);
  };
  say(
    `${runs.length} runs${folds === undefined ? '' : ` (${picked.length} choices, ${folds} folds)`}${left.length < runs.length ? `, ${runs.length - left.length} of them done already` : ''}; results in ${file}`,
  );
  if (left.length) {
    makeFolder(folder);
    const device = await openDevice({ adapter, quiet, json, tune });
    const load = datasetCache(dataDir, quiet);
    try {
      for (const [i, run] of left.entries()) {
        const outcome = await trial(run.config, await load(run.config), device, run);
        const { best, diverged, seconds } = outcome;
        const line: SweepLine = {
          ...run,
          ...(best && { accuracy: best.accuracy, loss: best.loss, epoch: best.epoch }),
          ...(diverged !== undefined && { diverged }),
          seconds: Number(seconds.toFixed(2)),
        };
        append(file, line);
        done.set(keyOf(line), line);
        if (json) print(JSON.stringify(line));
        say(
          `${String(i + 1).padStart(String(left.length).length)}/${left.length}  ${describe(run.choice)}${folds === undefined ? '' : `  fold ${(line.fold ?? 0) + 1}`}  ${best ? `held-out accuracy ${percent(best.accuracy)}, loss ${best.loss.toFixed(4)}` : (diverged ?? '')}  (${duration(seconds)})`,
        );
      }
    } finally {
      device.close();
    }
  }
  const scores = ranking(
    runs
      .map(run => done.get(keyOf(run))!)
      .map((line, i) => ({ ...line, choice: runs[i]!.choice, config: runs[i]!.config })),
  );
  if (json) return print(JSON.stringify({ ranking: scores.map(({ config: _, ...score }) => score) }));
  print(quiet ? describe(scores[0]!.choice) : `\n${scoreTable(scores)}`);
}

const describe = (choice: SweepLine['choice']) =>
  Object.entries(choice)
    .map(([k, v]) => `${k}=${v}`)
    .join(' ');

function scoreTable(scores: readonly Score[]): string {
  const keys = Object.keys(scores[0]!.choice);
  const spread = scores.some(s => s.spread !== undefined);
  return table([
    [...keys, 'accuracy', ...(spread ? ['+-'] : []), 'loss', 'seconds'],
    ...scores.map(s => [
      ...keys.map(k => s.choice[k]!),
      s.diverged ? 'diverged' : `${(s.accuracy * 100).toFixed(2)}%`,
      ...(spread ? [s.spread === undefined ? '-' : `${(s.spread * 100).toFixed(2)}%`] : []),
      s.diverged ? '-' : s.loss.toFixed(4),
      s.seconds.toFixed(1),
    ]),
  ]);
}

/** The data set of each configuration; the last one stays, since most searches have only one. */
export function datasetCache(
  dataDir: string | undefined,
  quiet: boolean | undefined,
): (config: RunConfig) => Promise<Dataset> {
  let key = '';
  let kept: Promise<Dataset>;
  return config => {
    const { dataset, limitTrain, limitTest, imageSize } = config;
    const wanted = JSON.stringify([dataset, limitTrain, limitTest, imageSize]);
    if (wanted !== key) kept = openDataset(dataset, { dataDir, quiet, limitTrain, limitTest, imageSize });
    key = wanted;
    return kept;
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError(folder, 'made', error, 'choose another place with --out');
  }
}

/** The lines of an earlier command. One cut short by a crash is passed over: its run is done again. */
function readResults(file: string): SweepLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap(line => {
      try {
        const read = JSON.parse(line) as SweepLine;
        return typeof read?.config === 'object' ? [read] : [];
      } catch {
        return [];
      }
    });
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
