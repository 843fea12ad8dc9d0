/** What the ranks of a job hold for themselves at a checkpoint, each in a file of its own beside rank 0's state.safetensors. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainerState } from '../../step/state.ts';
import { readCounters, writeCounters } from '../state-keys.ts';
import { encodeSealed, readSafetensors } from './sealed.ts';

/** The file of what a rank of a job holds for itself. Rank 0 has state.safetensors. */
export const rankFile = (rank: number): string => `state-${rank}.safetensors`;
export const RANK_ASIDE = /^state-\d+\.safetensors\.new$/;

/** What a rank holds for itself, as its file has it. */
export function encodeRank({ tensors, counters }: TrainerState, step: number): Uint8Array {
  return encodeSealed(tensors, { ...writeCounters(counters), step: String(step) }).bytes;
}

/** What ranks 1 and on held at the checkpoint of step number `step`. */
export function readRanks(path: string, step: number, trusted = false): TrainerState[] {
  const states: TrainerState[] = [];
  for (let rank = 1; existsSync(join(path, rankFile(rank))); rank++) {
    const { tensors, metadata } = readSafetensors(join(path, rankFile(rank)), trusted);
    if (metadata.step !== String(step)) break; // of a run before
    states.push({ tensors, counters: readCounters(metadata) });
  }
  return states;
}
