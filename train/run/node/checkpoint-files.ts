/** The last checkpoint of a run on disk: weights, state and what the ranks of a job hold for themselves, all of one step. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../../datasets/node/sha256.ts';
import { check, named, say } from '../../../engine/check.ts';
import type { TrainerState } from '../../step/state.ts';
import { factsIn, type WeightsFacts } from '../metadata.ts';
import type { Tensors } from '../safetensors.ts';
import * as keys from '../state-keys.ts';
import { removeQuietly, syncFolder, writeThrough } from './files.ts';
import { RANK_ASIDE, rankFile } from './rank-files.ts';
import { checkSealed, encodeSealed, readSafetensors, SEAL } from './sealed.ts';

export const METRICS = 'metrics.jsonl';
export const MODEL = 'model.safetensors';
export const STATE = 'state.safetensors';

/** The file of the weights that a run goes on with. */
export const lastWeights = (path: string): string => join(path, MODEL);

/** What a checkpoint holds; see saveCheckpoint of RunFolder. */
export interface Saved {
  readonly weights: Tensors;
  readonly state: TrainerState;
  readonly metadata: Readonly<Record<string, string>>;
  readonly ranks: readonly Uint8Array[] | undefined;
}

/** Replaces the checkpoint in a folder. What `refuse` makes of a failure is thrown, of the file of the weights. */
export function writeCheckpoint(
  path: string,
  { weights, state, metadata, ranks = [] }: Saved,
  refuse: (path: string, error: unknown) => Error,
): void {
  const { tensors, counters } = state;
  const model = encodeSealed(weights, { ...metadata, step: String(counters.steps) });
  const aside = (name: string) => join(path, `${name}.new`);
  let files: [name: string, bytes: Uint8Array][] = [];
  try {
    const metrics = throughToDisk(join(path, METRICS));
    const own = ranks.length > 0 && { ranks: String(ranks.length) };
    const facts = { ...keys.writeCounters(counters), model: model.seal, metrics: `${metrics.length} ${sha256(metrics)}`, ...own };
    files = [
      [STATE, encodeSealed(tensors, facts).bytes],
      [MODEL, model.bytes],
      ...ranks.map((bytes, i): [string, Uint8Array] => [rankFile(i + 1), bytes]),
    ];
    for (const [name, bytes] of files) writeThrough(aside(name), bytes);
  } catch (error) {
    for (const [name] of files) removeQuietly(aside(name));
    throw refuse(lastWeights(path), error);
  }
  try {
    for (const [name] of files) renameSync(aside(name), join(path, name)); // what is left between the two settleCheckpoint finishes
  } catch (error) {
    throw refuse(lastWeights(path), error);
  }
  syncFolder(path);
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

interface Kept {
  readonly step: number;
  readonly weights: Tensors;
  readonly trained: WeightsFacts;
  readonly state: TrainerState;
  readonly ranks: number | undefined;
  /** The bytes of metrics.jsonl that belong to it, and their digest. */
  readonly metrics: string | undefined;
}

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
