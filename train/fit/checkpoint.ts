/** A run as one safetensors file: its weights under their own names, and all that it goes on from beside them. */
import type { RunConfig } from '../config/config.ts';
import type { LoopState } from '../run/loop.ts';
import { encodeSafetensors, type Tensors } from '../run/safetensors.ts';
import { best, checkpointState, writeCounters } from '../run/state-keys.ts';
import type { TrainerState } from '../step/state.ts';

export interface Checkpoint {
  readonly weights: Tensors;
  readonly state: TrainerState;
  readonly fitted: LoopState;
  readonly config: RunConfig;
  /** Images that are trained and validated on; undefined in files of before it was kept. */
  readonly images: number | undefined;
}

/** `metadata` is what must be said of the weights (see openTrainer). */
export function encodeCheckpoint({ weights, state, fitted, config, images }: Checkpoint, metadata: Readonly<Record<string, string>>) {
  return encodeSafetensors(
    { ...weights, ...checkpointState.write(state.tensors), ...best.write(fitted.best ?? {}) },
    {
      ...metadata,
      ...writeCounters(state.counters),
      config: JSON.stringify(config),
      evaluated: JSON.stringify(fitted.evaluated),
      images: String(images),
    },
  );
}
