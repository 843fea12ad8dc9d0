/** Reads the file of a run (see checkpoint.ts), and says whether another goes on from there. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, some } from '../../engine/check.ts';
import { madeBefore } from '../config/changes.ts';
import { completed, type RunConfig } from '../config/config.ts';
import { KEYS } from '../config/options.ts';
import { factsIn, type WeightsFacts } from '../run/metadata.ts';
import { decodeSafetensors } from '../run/read-safetensors.ts';
import { best, checkpointState, isBesideWeights, readCounters } from '../run/state-keys.ts';
import type { EvalMetrics } from '../step/metrics.ts';
import type { Checkpoint } from './checkpoint.ts';

/** What may differ from one stretch of a run to the next. */
const FREE: readonly string[] = ['epochs', 'steps', 'logEvery'];

/** What a checkpoint says of its data, by which another is known for other data. */
type OfData = Pick<WeightsFacts, 'classes' | 'outputs' | 'inputs'>;

/** Reads a checkpoint. Throws where it is none. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint & { readonly names: OfData } {
  const { tensors, metadata } = decodeSafetensors(bytes, 'resume');
  const { config: text, evaluated, images } = metadata;
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
    images: images === undefined ? undefined : Number(images),
    names: factsIn(metadata, 'resume'),
  };
}

/** Throws where a checkpoint is of data with other names. What is told where there are other images now, by whose number the order goes. */
export function checkSameData({ names, images }: ReturnType<typeof decodeCheckpoint>, dataset: Dataset): string[] {
  for (const key of ['classes', 'outputs', 'inputs'] as const) {
    const [before, now] = [names[key] ?? [], dataset[key] ?? []];
    const isSame = before.length === now.length && before.every((name, i) => name === now[i]);
    check(isSame, `resume: the ${key} were ${some(before)}, now they are ${some(now)}`, 'give the data that the run began on');
  }
  const { n } = dataset.train;
  if (images === undefined || images === n) return [];
  return [
    `resume: this run began with ${images} images to train on, and there are ${n} now; it goes on with these, not as if it had never stopped`,
  ];
}

/** Throws where the run of a checkpoint had another configuration; what changes after its step may change. */
export function checkGoesOn({ config: written, state }: Pick<Checkpoint, 'config' | 'state'>, asked: RunConfig): void {
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
