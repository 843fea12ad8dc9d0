/** What the ranks of a job hold for themselves at a checkpoint, each in a file of its own beside rank 0's state.safetensors. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DescentError } from '../../../engine/check.ts';
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

/**
 * What ranks 1 and on held at the checkpoint of step number `step`, which says of how many it has files; of an older one those that are there.
 * Throws where one is missing or of another step.
 */
export function readRanks(path: string, step: number, count: number | undefined, trusted = false): TrainerState[] {
  const states: TrainerState[] = [];
  for (let rank = 1; rank <= (count ?? Infinity); rank++) {
    const file = join(path, rankFile(rank));
    const found = existsSync(file) ? readSafetensors(file, trusted) : undefined;
    const isOf = found?.metadata.step === String(step);
    if (!found || !isOf) {
      if (count === undefined) break; // none, or of a run before
      const problem = found ? `is of step ${found.metadata.step ?? 'unknown'}, the checkpoint of step ${step}` : 'is not there';
      throw new DescentError(`${file}: ${problem}, and holds what rank ${rank} goes on from`, 'put back the file that the run wrote');
    }
    states.push({ tensors: found.tensors, counters: readCounters(found.metadata) });
  }
  return states;
}
