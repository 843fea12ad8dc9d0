/** A run on disk: config.json, metrics.jsonl, model.safetensors (last), best.safetensors, state.safetensors, curves.svg. */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { rmdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../../../datasets/node/make-folders.ts';
import { sha256 } from '../../../datasets/node/sha256.ts';
import { check, DescentError, type Message, named, say } from '../../../engine/check.ts';
import { configFromJson, type RunConfig } from '../../config/config.ts';
import { parseMetrics, type MetricsLine } from '../../step/metrics.ts';
import { factsIn, type WeightsFacts } from '../metadata.ts';
import type { Tensors } from '../safetensors.ts';
import type { TrainerState } from '../../step/state.ts';
import * as keys from '../state-keys.ts';
import { fileError, isFull, readWhole, removeQuietly, syncFolder, writeThrough, writeWhole } from './files.ts';
import { takeLock } from './lock.ts';
import { RANK_ASIDE, rankFile } from './rank-files.ts';
import { checkSealed, encodeSealed, readSafetensors, SEAL } from './sealed.ts';

/** Facts of a run that are recorded beside its configuration: adapter, versions, data. */
export type Facts = Readonly<Record<string, unknown>>;

export interface RunFolder {
  readonly path: string;
  /** Every line of metrics.jsonl so far. */
  readonly lines: readonly MetricsLine[];
  readonly hasCheckpoint: boolean;
  /** What to do after a failure. */
  readonly next: Message;
  writeConfig(config: RunConfig, facts: Facts): void;
  append(line: MetricsLine): void;
  /**
   * Replaces model.safetensors and state.safetensors together: after a crash at any moment the two are of one step. `ranks` are what ranks 1
   * and on of a job hold for themselves (see encodeRank).
   */
  saveCheckpoint(weights: Tensors, state: TrainerState, metadata: Readonly<Record<string, string>>, ranks?: readonly Uint8Array[]): void;
  saveBest(weights: Tensors, metadata: Readonly<Record<string, string>>): void;
  write(name: string, content: string | Uint8Array): void;
  /** Lets others train in the folder. Removes it if nothing was trained in it. */
  close(): void;
}

const CONFIG = 'config.json';
const METRICS = 'metrics.jsonl';
const MODEL = 'model.safetensors';
const BEST = 'best.safetensors';
const STATE = 'state.safetensors';

/** `runs/lenet5-fashion-mnist-20261121-110000`, with `-2` and so on where that is taken. Models and data may be paths. */
export function defaultFolder(model: string, dataset: string, now = new Date()): string {
  const word = (name: string) => {
    const last = name
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1)!;
    return last.replace(/\.[jt]s$/, '').replace(/[^\w.-]+/g, '-');
  };
  const digits = (...parts: number[]) => parts.map(n => String(n).padStart(2, '0')).join('');
  const date = digits(now.getFullYear(), now.getMonth() + 1, now.getDate());
  const time = digits(now.getHours(), now.getMinutes(), now.getSeconds());
  const path = join('runs', `${word(model)}-${word(dataset)}-${date}-${time}`);
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? path : `${path}-${n}`;
    if (!existsSync(candidate)) return candidate;
  }
}

/** A new run in `path`, which is made. A folder that holds a run is refused. */
export function createRun(path: string): RunFolder {
  let made: string | undefined; // the outermost folder that was missing
  let taken: string | undefined;
  let release: (() => void) | undefined;
  try {
    made = makeFolders(path);
    const size = (name: string) => statSync(join(path, name), { throwIfNoEntry: false })?.size;
    taken = [CONFIG, MODEL, BEST, STATE, METRICS].find(size);
    if (!taken) release = takeLock(path);
    if (release) writeThrough(join(path, METRICS), '');
  } catch (error) {
    release?.();
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
    throw error instanceof DescentError ? error : elsewhere(path, error);
  }
  check(
    release,
    `${path}: already holds a run (${taken})`,
    say`choose another folder with ${named('out')}`,
    say`continue that run with ${named('resume', path)}`,
  );
  return folder(path, [], false, release);
}

const elsewhere = (path: string, error: unknown): DescentError =>
  fileError(path, 'written', error, say`${isFull(error) ? 'free some space or ' : ''}choose another folder with ${named('out')}`);

/** What a stopped run goes on from. */
export interface Resumed {
  folder: RunFolder;
  config: RunConfig;
  facts: Facts;
  weights: Tensors;
  /** What the file of the weights says that they were trained on. */
  trained: WeightsFacts;
  state: TrainerState;
  /** How many ranks beside the first had a state of their own; undefined where none had, and of runs that did not keep this. */
  ranks: number | undefined;
}

/**
 * Opens a stopped run at its last checkpoint; lines of metrics beyond that step are dropped, since they will come again. What was changed
 * since the run wrote it is refused, unless `trusted`.
 */
export function resumeRun(path: string, trusted = false): Resumed {
  const { config, facts } = readConfig(path, trusted);
  const release = lockOf(path);
  try {
    return { ...resumed(path, trusted, release), config, facts };
  } catch (error) {
    release();
    throw error;
  }
}

/** The lock of a run that is there already. */
function lockOf(path: string): () => void {
  try {
    return takeLock(path);
  } catch (error) {
    throw error instanceof DescentError ? error : fileError(path, 'written', error, 'make the folder writable');
  }
}

function resumed(path: string, trusted: boolean, release: () => void): Omit<Resumed, 'config' | 'facts'> {
  const { step, weights, trained, state, ranks, metrics } = readCheckpoint(path, trusted);
  const bytes = existsSync(join(path, METRICS)) ? readFileSync(join(path, METRICS)) : Buffer.of();
  const [length, sum] = metrics?.split(' ') ?? [];
  checkSealed(join(path, METRICS), length === undefined || sha256(bytes.subarray(0, Number(length))) === sum, trusted);
  const text = bytes.toString('utf8');
  const lines = text.split('\n').filter(line => parseMetrics(line).some(l => l.step <= step));
  const kept = lines.map(line => `${line}\n`).join('');
  if (kept !== text) writeWhole(join(path, METRICS), kept);
  return { folder: folder(path, parseMetrics(kept), true, release), weights, trained, state, ranks };
}

interface Kept {
  readonly step: number;
  readonly weights: Tensors;
  readonly trained: WeightsFacts;
  readonly state: TrainerState;
  readonly ranks: number | undefined;
  /** The bytes of metrics.jsonl that belong to it, and their digest. */
  readonly metrics: string | undefined;
}

/** The file of the weights that a run goes on with. */
export const lastWeights = (path: string): string => join(path, MODEL);

/** The last checkpoint of the run in a folder: both files, of one step and of one checkpoint. */
export function readCheckpoint(path: string, trusted = false): Kept {
  settleCheckpoint(path);
  check(existsSync(join(path, STATE)), `${path}: no checkpoint was kept`, say`start the run anew with another ${named('out')}`);
  const { tensors, metadata } = readSafetensors(join(path, STATE), trusted);
  const model = readSafetensors(join(path, MODEL), trusted);
  check(
    metadata.step !== undefined && metadata.step === model.metadata.step,
    `${path}: ${MODEL} is of step ${model.metadata.step ?? 'unknown'}, ${STATE} of step ${metadata.step ?? 'unknown'}`,
    'put back the files that belong together',
  );
  checkSealed(join(path, MODEL), metadata.model === undefined || metadata.model === model.metadata[SEAL], trusted);
  const step = Number(metadata.step);
  const { metrics } = metadata;
  const trained = factsIn(model.metadata, join(path, MODEL));
  const ranks = metadata.ranks === undefined ? undefined : Number(metadata.ranks);
  return { step, metrics, ranks, weights: model.tensors, trained, state: { tensors, counters: keys.readCounters(metadata) } };
}

/** The configuration of a run folder and the facts recorded with it. */
export function readConfig(path: string, trusted = false): { config: RunConfig; facts: Facts } {
  const file = join(path, CONFIG);
  check(existsSync(path), `${path}: there is no such folder`, 'give the folder of a run, as in runs/lenet5-fashion-mnist-...');
  const text = readWhole(file, 'give the folder of a run').toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new DescentError(`${file}: is not valid JSON`, 'put back the file that the run wrote');
  }
  const { facts = {}, [SEAL]: seal, ...rest } = Object(json) as { facts?: Facts; [SEAL]?: string };
  checkSealed(file, seal === undefined || seal === sha256(JSON.stringify({ ...rest, facts })), trusted);
  return { config: configFromJson(json, file), facts };
}

/** The weights to evaluate a run by: the best where there are some, else the last. */
export function weightsFile(path: string): string {
  const names = [BEST, MODEL].filter(name => existsSync(join(path, name)));
  check(names.length, `${path}: holds no ${BEST} and no ${MODEL}`, 'give the folder of a run that was trained');
  return join(path, names[0]!);
}

/**
 * A checkpoint is two files. Both are first written aside; the rename of the state commits, that of the model follows.
 * Between the two, only a crash can leave a model aside that belongs to the state: it is put in place here.
 */
function settleCheckpoint(path: string): void {
  const state = join(path, STATE);
  const asides = readdirSync(path).filter(name => name === `${MODEL}.new` || RANK_ASIDE.test(name));
  if (!asides.length) return;
  const stepOf = (file: string) => {
    try {
      return readSafetensors(file).metadata.step;
    } catch {
      return undefined; // cut short, or not there
    }
  };
  for (const name of asides) {
    const aside = join(path, name);
    const step = stepOf(aside);
    if (step !== undefined && step === stepOf(state)) renameSync(aside, aside.replace(/\.new$/, ''));
    else rmSync(aside);
  }
}

function folder(path: string, lines: MetricsLine[], hasCheckpoint: boolean, release: () => void): RunFolder {
  const at = (name: string) => join(path, name);
  const next = () => (hasCheckpoint ? say`continue from the last checkpoint with ${named('resume', path)}` : 'start again');
  const refuse = (file: string, error: unknown) =>
    fileError(file, 'written', error, say`${isFull(error) ? 'free some space' : 'make the folder writable'}, then ${next()}`);

  return {
    path,
    lines,
    get hasCheckpoint() {
      return hasCheckpoint;
    },
    get next() {
      return next();
    },
    writeConfig(config, facts) {
      const content = { ...config, facts };
      writeWhole(at(CONFIG), `${JSON.stringify({ ...content, [SEAL]: sha256(JSON.stringify(content)) }, null, 2)}\n`, elsewhere);
    },
    append(line) {
      const file = at(METRICS);
      let size = 0;
      try {
        size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
        appendFileSync(file, `${JSON.stringify(line)}\n`);
      } catch (error) {
        try {
          truncateSync(file, size);
        } catch {
          /* the first error is the one to tell */
        }
        throw refuse(file, error);
      }
      lines.push(line);
    },
    saveCheckpoint(weights, { tensors, counters }, metadata, ranks = []) {
      const step = String(counters.steps);
      const model = encodeSealed(weights, { ...metadata, step });
      let files: [name: string, bytes: Uint8Array][] = [];
      try {
        const metrics = throughToDisk(at(METRICS));
        const own = ranks.length > 0 && { ranks: String(ranks.length) };
        const facts = { ...keys.writeCounters(counters), model: model.seal, metrics: `${metrics.length} ${sha256(metrics)}`, ...own };
        files = [
          [STATE, encodeSealed(tensors, facts).bytes],
          [MODEL, model.bytes],
          ...ranks.map((bytes, i): [string, Uint8Array] => [rankFile(i + 1), bytes]),
        ];
        for (const [name, bytes] of files) writeThrough(at(`${name}.new`), bytes);
      } catch (error) {
        for (const [name] of files) removeQuietly(at(`${name}.new`));
        throw refuse(at(MODEL), error);
      }
      try {
        for (const [name] of files) renameSync(at(`${name}.new`), at(name)); // what is left between the two settleCheckpoint finishes
      } catch (error) {
        throw refuse(at(MODEL), error);
      }
      syncFolder(path);
      hasCheckpoint = true;
    },
    saveBest: (weights, metadata) => writeWhole(at(BEST), encodeSealed(weights, metadata).bytes, refuse),
    write: (name, content) => writeWhole(at(name), content, refuse),
    close() {
      release();
      if (lines.length || hasCheckpoint || !existsSync(path)) return;
      for (const name of [METRICS, CONFIG]) rmSync(at(name), { force: true });
      if (!readdirSync(path).length) rmdirSync(path);
    },
  };
}

/** What a file holds, once all of it is on the disk: a checkpoint and the lines before it are one unit. */
function throughToDisk(file: string): Buffer {
  const fd = openSync(file, 'r+');
  try {
    fsyncSync(fd);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
