/** What the ranks of a job hold for themselves at a checkpoint, each in a file of its own beside rank 0's state.safetensors. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainerState } from '../../step/state.ts';
import * as keys from '../state-keys.ts';
import { encodeSealed, readSafetensors } from './sealed.ts';

/** The file of what a rank of a job holds for itself. Rank 0 has state.safetensors. */
export const rankFile = (rank: number): string => `state-${rank}.safetensors`;
export const RANK_ASIDE = /^state-\d+\.safetensors\.new$/;

/** What a rank holds for itself, as its file has it. */
export function encodeRank({ tensors, counters }: TrainerState, step: number): Uint8Array {
  const numbers = Object.fromEntries(Object.entries(counters).map(([name, n]) => [name, String(n)]));
  return encodeSealed(tensors, { ...keys.counters.write(numbers), step: String(step) }).bytes;
}

/** What ranks 1 and on held at the checkpoint of step number `step`. */
export function readRanks(path: string, step: number, trusted = false): TrainerState[] {
  const states: TrainerState[] = [];
  for (let rank = 1; existsSync(join(path, rankFile(rank))); rank++) {
    const { tensors, metadata } = readSafetensors(join(path, rankFile(rank)), trusted);
    if (metadata.step !== String(step)) break; // of a run before
    states.push({ tensors, counters: countersFrom(metadata, step) });
  }
  return states;
}

/** The numbers of a state from the metadata of its file. */
export const countersFrom = (metadata: Readonly<Record<string, string>>, steps: number): TrainerState['counters'] => ({
  steps,
  ...Object.fromEntries(Object.entries(keys.counters.read(metadata)).map(([name, text]) => [name, Number(text)])),
});
