/** The weights of a model between device and host. */
import { check, show } from '../../engine/check.ts';
import type { Graph, Tensor } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import type { Tensors } from '../run/safetensors.ts';

/** Parameters and buffers: what a model's weights are. */
export const savedOf = (graph: Graph): Tensor[] => [...graph.init.keys()].filter(t => t.role !== 'state');

/** Lasting tensors under their names; each buffer is read once. */
export async function readTensors(memory: Memory, tensors: readonly Tensor[]): Promise<Tensors> {
  const pages = new Map<string, ArrayBuffer>();
  const out: Tensors = {};
  for (const t of tensors) {
    const { buffer, offset } = memory.place(t);
    const gpu = memory.buffers.get(buffer)!;
    if (!pages.has(buffer)) pages.set(buffer, await memory.download(gpu, 0, gpu.size));
    out[t.name] = { shape: t.shape, data: new Float32Array(pages.get(buffer)!, offset, t.size).slice() };
  }
  return out;
}

/** The first few of many names, for messages. */
const some = (names: readonly string[]): string => names.slice(0, 8).join(', ') + (names.length > 8 ? ', …' : '');

/** Throws unless each tensor of `own` is given with its shape, and no other. */
export function checkWeights(own: readonly Tensor[], tensors: Tensors): void {
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
    const { shape } = tensors[t.name]!;
    check(
      show(shape) === show(t.shape),
      `weights: tensor '${t.name}' has shape ${show(shape)}, the model has ${show(t.shape)}`,
      'it is a checkpoint of another model or head',
    );
  }
}

/** Writes the tensors `own` of a model. Each must be given with its shape, and no other. */
export function writeWeights(memory: Memory, own: readonly Tensor[], tensors: Tensors): void {
  checkWeights(own, tensors);
  for (const t of own) memory.write(t, tensors[t.name]!.data);
}
