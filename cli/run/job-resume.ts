/** A stopped run that several ranks go on with: rank 0 has its files, the others are told what they hold. */
import { check } from '../../engine/check.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { mirrored } from '../../train/run/node/mirrored.ts';
import { readRanks } from '../../train/run/node/rank-files.ts';
import { resumeRun, weightsFile, type Facts, type Resumed } from '../../train/run/node/run-folder.ts';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import type { WeightsFacts } from '../../train/run/metadata.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import type { MetricsLine } from '../../train/step/metrics.ts';
import type { TrainerState } from '../../train/step/state.ts';
import { told, toldTensors, type Job } from './job.ts';

export interface ResumedJob extends Resumed {
  /** What this rank held for itself; of rank 0 the same as `state`. */
  readonly own: TrainerState;
  /** The best weights so far, where the run may stop early. */
  readonly best: Tensors | undefined;
}

interface Told {
  readonly config: RunConfig;
  readonly facts: Facts;
  readonly trained: WeightsFacts;
  readonly lines: readonly MetricsLine[];
  readonly counters: TrainerState['counters'];
  readonly ranks: readonly TrainerState['counters'][];
  readonly hasBest: boolean;
}

export async function resumeJob(job: Job, path: string, trusted = false): Promise<ResumedJob> {
  const { rank, size } = job.exchange;
  const here = job.isFirst ? resumeRun(path, trusted) : undefined;
  try {
    const ranks = here ? readRanks(path, here.state.counters.steps, here.ranks, trusted) : [];
    const hasBest = here?.config.earlyStop !== undefined && here.folder.lines.some(line => 'split' in line);
    const { config, facts, trained, lines, counters, ...all } = await told<Told>(job, () => {
      const { config, facts, trained, folder, state } = here!;
      return { config, facts, trained, lines: folder.lines, counters: state.counters, ranks: ranks.map(r => r.counters), hasBest };
    });
    check(
      size === 1 || config.distribute !== undefined,
      `${path}: the run was trained by one process, and ${size} were started`,
      'go on with it without mpirun or srun',
    );
    const kept = all.ranks.length;
    check(
      kept === 0 || kept + 1 === size,
      `${path}: ${kept + 1} ranks trained in it, and each holds a state of its own; ${size === 1 ? '1 was' : `${size} were`} started`,
      `start ${kept + 1}`,
    );
    const weights = await toldTensors(job, () => here!.weights);
    const state = { counters, tensors: await toldTensors(job, () => here!.state.tensors) };
    let own: TrainerState = state;
    for (const [i, counters] of all.ranks.entries()) {
      const tensors = await toldTensors(job, () => ranks[i]!.tensors);
      if (rank === i + 1) own = { counters, tensors };
    }
    const best = all.hasBest ? await toldTensors(job, () => readSafetensors(weightsFile(path), trusted).tensors) : undefined;
    return { config, facts, trained, weights, state, ranks: kept, own, best, folder: here?.folder ?? mirrored(path, lines) };
  } catch (error) {
    here?.folder.close();
    throw error;
  }
}
