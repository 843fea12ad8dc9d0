/** A run on several ranks under way: how it begins, and what its checkpoints hold. */
import { start, type Started } from '../../train/distribute/start.ts';
import { tensorsOf, vectorsOf } from '../../train/distribute/kept.ts';
import type { LoopOptions } from '../../train/run/loop.ts';
import { encodeRank } from '../../train/run/node/rank-files.ts';
import * as keys from '../../train/run/state-keys.ts';
import type { StepMetrics } from '../../train/step/metrics.ts';
import type { TrainerState } from '../../train/step/state.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import type { Interrupt } from './interrupt.ts';
import { gathered, type Job } from './job.ts';
import type { Session } from './session.ts';

type Checkpoints = Pick<LoopOptions, 'checkpointAfter' | 'checkpointEvery'>;

interface Beginning {
  readonly recipe: Pick<Recipe, 'distribute' | 'logEvery'>;
  readonly session: Pick<Session, 'trainer' | 'total'>;
  readonly interrupt: Pick<Interrupt, 'asked'>;
  /** What all held together and what this rank held, where a resumed run stopped. */
  readonly before?: TrainerState | undefined;
  readonly own?: TrainerState | undefined;
}

/** Begins the method of a run on all ranks, from what they held where it stopped. */
export async function startRanks(
  { recipe, session, interrupt, before, own }: Beginning,
  { exchange, isFirst }: Pick<Job, 'exchange' | 'isFirst'>,
  { checkpointAfter, checkpointEvery }: Checkpoints,
  onMetrics: (line: StepMetrics) => void,
): Promise<Started> {
  const { trainer, total } = session;
  let savedAt = performance.now();
  const meets = () => {
    if (!isFirst || checkpointAfter === undefined || performance.now() - savedAt < checkpointAfter) return false;
    savedAt = performance.now();
    return true;
  };
  const started = await start(trainer, exchange, recipe.distribute!, {
    total,
    logEvery: recipe.logEvery,
    asks: () => interrupt.asked,
    onMetrics,
    meets,
    meetEvery: checkpointEvery,
  });
  if (before) await started.kept.load(vectorsOf(keys.together.read(before.tensors)));
  if (own) await started.kept.loadOwn(vectorsOf(keys.own.read(own.tensors)));
  return started;
}

/** When checkpoints are due: ranks that do not step together keep one whenever they meet, others by steps alone, which all know. */
export function checkpointsOf({ fitted, apart }: Started, trainer: unknown, given: Checkpoints): Checkpoints {
  if (fitted !== trainer) return { checkpointEvery: 1 };
  return apart ? {} : given;
}

/** A state with what the ranks hold together and what this one holds for itself; on rank 0 the files of the others too. */
export async function stateOfRanks(
  job: Job,
  { kept, apart }: Started,
  state: TrainerState,
): Promise<{ state: TrainerState; ranks: Uint8Array[] }> {
  if (!apart) return { state, ranks: [] };
  const own: TrainerState = { ...state, tensors: { ...state.tensors, ...keys.own.write(tensorsOf(await kept.ownState())) } };
  const { isFirst } = job;
  const holds = Object.keys(own.tensors).length > 0;
  const ranks = await gathered(job, isFirst || !holds ? new Uint8Array() : encodeRank(own, state.counters.steps));
  const together = isFirst ? keys.together.write(tensorsOf(await kept.state())) : {};
  return { state: { ...own, tensors: { ...own.tensors, ...together } }, ranks: ranks.filter(bytes => bytes.length) };
}
