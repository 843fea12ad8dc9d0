/** What of a run a checkpoint keeps beside the weights, between device and host; each is written and read beside each other. */
import { check, kindOf } from '../../engine/check.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { Tensors } from '../run/safetensors.ts';
import * as keys from '../run/state-keys.ts';
import { FirstOrderPhase } from './phases/first-order.ts';
import type { ActivePhase } from './phases/phases.ts';
import { readRules, writeRules } from './rule-state.ts';
import type { Steps } from './steps.ts';
import type { TrainingGraph } from './training-graph.ts';

/** All that a resumed run needs besides the weights: tensors under keys of their own (state-keys.ts), and numbers. */
export interface TrainerState {
  readonly tensors: Tensors;
  readonly counters: keys.Counters;
}

/** The parts of a run that have a state; `scores` are the difficulties of images, where the order goes by them. */
interface Run {
  readonly memory: Memory;
  readonly train: TrainingGraph;
  readonly steps: Steps;
  readonly scores: Float32Array | undefined;
}

export async function readState({ memory, train, steps, scores }: Run): Promise<TrainerState> {
  const { graph } = train;
  const tensors = {
    ...(await readLossScale(memory, train)),
    ...(await readRules(memory, graph, optimizersOf(steps.phases))),
    ...(await readCurvature(steps.phases)),
    ...(steps.accumulation?.adds && (await readGradients(memory, graph))),
    ...(scores && { [keys.SCORES]: { shape: [scores.length], data: scores } }),
  };
  return { tensors, counters: steps.counters };
}

/** Puts back what `readState` gave, and returns the scores. Throws where the state is that of another run. */
export function writeState({ memory, train, steps }: Omit<Run, 'scores'>, state: TrainerState): Float32Array | undefined {
  const { tensors, counters }: Partial<TrainerState> = Object(state);
  check(tensors && counters && Number.isInteger(counters.steps), `state: got ${kindOf(state)}`, 'give what state() returned');
  const { graph } = train;
  steps.load(counters);
  writeLossScale(memory, train, tensors);
  writeRules(memory, graph, optimizersOf(steps.phases), tensors);
  writeCurvature(steps.phases, tensors);
  if (steps.accumulation?.adds) writeGradients(memory, graph, tensors);
  const scores = tensors[keys.SCORES];
  return scores && Float32Array.from(scores.data);
}

async function readLossScale(memory: Memory, { scaling }: TrainingGraph): Promise<Tensors> {
  return scaling ? { [keys.LOSS_SCALE]: { shape: scaling.shape, data: (await memory.read(scaling)).slice() } } : {};
}

function writeLossScale(memory: Memory, { scaling }: TrainingGraph, tensors: Tensors): void {
  if (!scaling) return;
  const kept = tensors[keys.LOSS_SCALE];
  check(kept?.data.length === scaling.size, `optimizer state: '${keys.LOSS_SCALE}' is missing`, 'the checkpoint is of a run in f32');
  memory.write(scaling, Float32Array.from(kept.data));
}

const optimizersOf = (phases: readonly ActivePhase[]): Optimizer[] =>
  phases.flatMap(p => (p instanceof FirstOrderPhase ? p.optimizer : []));

/** What quasi-Newton methods and Kronecker factors know of the curvature. */
export async function readCurvature(phases: readonly ActivePhase[]): Promise<Tensors> {
  const tensors: Tensors = {};
  for (const [i, phase] of phases.entries()) {
    if (!phase.curvature) continue;
    const state = Object.entries(await phase.curvature.state());
    const own = state.map(([name, data]) => [name, { shape: [data.length], data }] as const);
    Object.assign(tensors, keys.phaseState(i + 1).write(Object.fromEntries(own)));
  }
  return tensors;
}

export function writeCurvature(phases: readonly ActivePhase[], tensors: Tensors): void {
  for (const [i, phase] of phases.entries()) {
    if (!phase.curvature) continue;
    const own = Object.entries(keys.phaseState(i + 1).read(tensors));
    phase.curvature.load(Object.fromEntries(own.map(([name, { data }]) => [name, data])));
  }
}

/** The gradients in memory, where an update waits for more of them. */
async function readGradients(memory: Memory, graph: Graph): Promise<Tensors> {
  const tensors: Tensors = {};
  for (const [name, { grad }] of graph.params) {
    tensors[name] = { shape: grad.shape, data: (await memory.read(grad)).slice() };
  }
  return keys.gradients.write(tensors);
}

function writeGradients(memory: Memory, graph: Graph, tensors: Tensors): void {
  const kept = keys.gradients.read(tensors);
  for (const [name, { grad }] of graph.params) memory.write(grad, kept[name]!.data);
}
