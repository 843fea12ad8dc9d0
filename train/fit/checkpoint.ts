/** A run as one safetensors file: its weights under their own names, and all that it goes on from beside them. */
import { check } from '../../engine/check.ts';
import { madeBefore } from '../config/changes.ts';
import { completed, type RunConfig } from '../config/config.ts';
import { KEYS } from '../config/options.ts';
import type { LoopState } from '../run/loop.ts';
import { decodeSafetensors, encodeSafetensors, type Tensors } from '../run/safetensors.ts';
import { best, checkpointState, isBesideWeights, readCounters, writeCounters } from '../run/state-keys.ts';
import type { EvalMetrics } from '../step/metrics.ts';
import type { TrainerState } from '../step/state.ts';

export interface Checkpoint {
  readonly weights: Tensors;
  readonly state: TrainerState;
  readonly fitted: LoopState;
  readonly config: RunConfig;
}

/** What may differ from one stretch of a run to the next. */
const FREE: readonly string[] = ['epochs', 'steps', 'logEvery'];

/** `metadata` is what must be said of the weights (see openTrainer). */
export function encodeCheckpoint({ weights, state, fitted, config }: Checkpoint, metadata: Readonly<Record<string, string>>) {
  return encodeSafetensors(
    { ...weights, ...checkpointState.write(state.tensors), ...best.write(fitted.best ?? {}) },
    {
      ...metadata,
      ...writeCounters(state.counters),
      config: JSON.stringify(config),
      evaluated: JSON.stringify(fitted.evaluated),
    },
  );
}

/** Reads a checkpoint. Throws where it is none. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, 'resume');
  const { config: text, evaluated } = metadata;
  check(text && evaluated, 'resume: the file holds weights alone, not the state of a run', 'give it as init, to start from these weights');
  const state = checkpointState.read(tensors);
  const bestWeights = best.read(tensors);
  return {
    weights: Object.fromEntries(Object.entries(tensors).filter(([name]) => !isBesideWeights(name))),
    state: { tensors: state, counters: readCounters(metadata) },
    fitted: {
      evaluated: JSON.parse(evaluated) as EvalMetrics[],
      ...(Object.keys(bestWeights).length && { best: bestWeights }),
    },
    config: completed(JSON.parse(text) as RunConfig),
  };
}

/** Throws where the run of a checkpoint had another configuration; what changes after its step may change. */
export function checkGoesOn({ config: written, state }: Checkpoint, asked: RunConfig): void {
  const upTo = (config: RunConfig) => ({ ...config, changes: madeBefore(config, state.counters.steps) });
  const [before, config] = [upTo(written), upTo(asked)];
  for (const key of ['model', ...KEYS] as const) {
    check(
      FREE.includes(key) || before[key] === config[key],
      `resume: ${key} was ${before[key] ?? 'not given'}, now it is ${config[key] ?? 'not given'}`,
      'a run that goes on keeps its options, only epochs, steps, logEvery and later changes may change',
    );
  }
}
