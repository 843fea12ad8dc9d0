import { named, say, type Message } from '../../engine/check.ts';
import { megabytes } from '../../engine/plan.ts';
import type { Trainer } from '../step/trainer.ts';

/** What computing activations a second time saves, and at what cost. */
export function savedBy({ program }: Trainer): Message[] {
  const { peak, unchecked, slowdown } = program.plan;
  if (unchecked === undefined || slowdown === undefined) return [];
  if (peak >= unchecked) return [say`${named('checkpointActivations')}: nothing is saved, activations take ${megabytes(peak)} either way`];
  const bytes = `activations take ${megabytes(peak)} in place of ${megabytes(unchecked)}`;
  return [say`${named('checkpointActivations')}: ${bytes}, a step ${slowdown.toFixed(2)} times as long by estimate`];
}
