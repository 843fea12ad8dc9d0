/** A run on disk: config.json, metrics.jsonl, model.safetensors (last), best.safetensors, state.safetensors, curves.svg. */
import { existsSync, readFileSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../../../datasets/node/make-folders.ts';
import { sha256 } from '../../../datasets/node/sha256.ts';
import { check, DescentError, type Message, named, say } from '../../../engine/check.ts';
import { configFromJson, type RunConfig } from '../../config/config.ts';
import { parseMetrics, type MetricsLine } from '../../step/metrics.ts';
import type { WeightsFacts } from '../metadata.ts';
import type { Tensors } from '../safetensors.ts';
import type { TrainerState } from '../../step/state.ts';
import { METRICS, MODEL, readCheckpoint, STATE, writeCheckpoint } from './checkpoint-files.ts';
import { appendLine, fileError, isFull, readWhole, writeThrough, writeWhole } from './files.ts';
import { takeLock } from './lock.ts';
import { checkSealed, encodeSealed, SEAL } from './sealed.ts';

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
const BEST = 'best.safetensors';

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
      appendLine(at(METRICS), JSON.stringify(line), refuse);
      lines.push(line);
    },
    saveCheckpoint(weights, state, metadata, ranks) {
      writeCheckpoint(path, { weights, state, metadata, ranks }, refuse);
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
