/** Parameters, buffers and optimizer states between device and host. */
import { check, show } from '../../engine/check.ts';
import type { Graph, Tensor } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import { LOSS_SCALE } from '../../optim/loss-scale.ts';
import { stateBuffer, type Optimizer } from '../../optim/optimizer.ts';
import type { Tensors } from './safetensors.ts';
import * as keys from './state-keys.ts';

/** All that a resumed run needs besides the weights: the optimizers' tensors, and its numbers (steps done, and the like). */
export interface TrainerState {
  readonly tensors: Tensors;
  readonly counters: Readonly<Record<string, number>>;
}

/** Parameters and buffers: what a model's weights are. */
export const lastingOf = (graph: Graph): Tensor[] => [...graph.init.keys()].filter(t => t.role !== 'state');

/** Lasting tensors under their names; each buffer is read once. */
export async function readTensors(memory: Memory, tensors: readonly Tensor[]): Promise<Tensors> {
  const pages = new Map<string, ArrayBuffer>();
  const out: Tensors = {};
  for (const t of tensors) {
    const { buffer, offset } = memory.place(t);
    const gpu = memory.buffers.get(buffer)!;
    if (!pages.has(buffer)) pages.set(buffer, await memory.device.read(gpu, 0, gpu.size));
    out[t.name] = { shape: t.shape, data: new Float32Array(pages.get(buffer)!, offset, t.size).slice() };
  }
  return out;
}

/** The first few of many names, for messages. */
const some = (names: readonly string[]): string => names.slice(0, 8).join(', ') + (names.length > 8 ? ', …' : '');

/** Writes the tensors `own` of a model. Each must be given with its shape, and no other. */
export function writeWeights(memory: Memory, own: readonly Tensor[], tensors: Tensors): void {
  const names = new Set(own.map(t => t.name));
  const missing = own.find(t => !Object.hasOwn(tensors, t.name));
  check(
    !missing,
    `weights: tensor '${missing?.name}' ${show(missing?.shape ?? [])} is missing`,
    `the file has ${some(Object.keys(tensors))}`,
  );
  const extra = Object.keys(tensors).find(n => !names.has(n) && !n.endsWith('num_batches_tracked'));
  check(!extra, `weights: tensor '${extra}' is not in this model`, `it is a checkpoint of another one, which has ${some([...names])} here`);
  for (const t of own) {
    const { shape, data } = tensors[t.name]!;
    check(
      show(shape) === show(t.shape),
      `weights: tensor '${t.name}' has shape ${show(shape)}, the model has ${show(t.shape)}`,
      'it is a checkpoint of another model or head',
    );
    memory.write(t, data);
  }
}

/** The tensor of dynamic loss scaling, where a graph has it. */
export const scalingOf = (graph: Graph): Tensor | undefined => graph.tensors.find(t => t.role === 'state' && t.name === LOSS_SCALE);

/** The states of optimizers by parameter: `adam.m.conv1.weight`; and of loss scaling. */
export async function readState(memory: Memory, graph: Graph, optimizers: readonly Optimizer[]): Promise<Tensors> {
  const tensors: Tensors = {};
  const scaling = scalingOf(graph);
  if (scaling) tensors[keys.LOSS_SCALE] = { shape: scaling.shape, data: (await memory.read(scaling)).slice() };
  for (const { rule, state: states } of optimizers) {
    for (const [page, { buffer, bytes }] of memory.layout.pages('param').entries()) {
      for (const state of states) {
        const all = await memory.device.read(memory.buffers.get(stateBuffer(rule, state, page))!, 0, bytes);
        for (const { value } of graph.params.values()) {
          const place = memory.place(value);
          if (place.buffer !== buffer) continue;
          const data = new Float32Array(all, place.offset, value.size).slice();
          tensors[keys.ruleState(rule.name, state).key(value.name)] = { shape: value.shape, data };
        }
      }
    }
  }
  return tensors;
}

/** The gradients in memory, where an update still waits for more of them. */
export async function readGradients(memory: Memory, graph: Graph): Promise<Tensors> {
  const tensors: Tensors = {};
  for (const [name, { grad }] of graph.params) {
    tensors[name] = { shape: grad.shape, data: (await memory.read(grad)).slice() };
  }
  return keys.gradients.write(tensors);
}

export function writeGradients(memory: Memory, graph: Graph, tensors: Tensors): void {
  const kept = keys.gradients.read(tensors);
  for (const [name, { grad }] of graph.params) memory.write(grad, kept[name]!.data);
}

/** Puts back what `readState` gave. Throws where a state is missing: the checkpoint is of another optimizer. */
export function writeState(memory: Memory, graph: Graph, optimizers: readonly Optimizer[], tensors: Tensors): void {
  const pages = memory.layout.pages('param').map(p => p.buffer);
  const scaling = scalingOf(graph);
  const kept = tensors[keys.LOSS_SCALE];
  if (scaling) {
    check(kept?.data.length === scaling.size, "optimizer state: 'loss scale' is missing", 'the checkpoint is of a run in f32');
    memory.write(scaling, Float32Array.from(kept.data));
  }
  for (const { rule, state: states } of optimizers) {
    for (const state of states) {
      for (const { value } of graph.params.values()) {
        const name = keys.ruleState(rule.name, state).key(value.name);
        const saved = tensors[name];
        const place = memory.place(value);
        check(
          saved && saved.data.length === value.size,
          `optimizer state: '${name}' ${show(value.shape)} is missing or of another size`,
          'the checkpoint is of another optimizer or model',
        );
        const target = memory.buffers.get(stateBuffer(rule, state, pages.indexOf(place.buffer)))!;
        memory.device.gpu.queue.writeBuffer(target, place.offset, saved.data as Float32Array<ArrayBuffer>);
      }
    }
  }
}
