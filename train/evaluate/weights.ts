/** The weights of a model on the device, and how they are read from there (match.ts writes them). */
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { product } from '../../shaders/kernel/shape.ts';
import type { Memory } from '../../engine/memory.ts';
import type { Tensors } from '../run/safetensors.ts';

/** Parameters and buffers: what a model's weights are. */
export const savedOf = (graph: Graph): Tensor[] => [...graph.init.keys()].filter(t => t.role !== 'state');

/** Gives the parameters and buffers of a graph their place on a device, with first values, and returns them. */
export function putOn(memory: Memory, graph: Graph): Tensor[] {
  memory.reserve(graph);
  memory.allocate(graph);
  return savedOf(graph);
}

/** The name and shape under which files have a tensor: rows of a large one are part of that. */
export const inFiles = (t: Tensor): Pick<Tensor, 'name' | 'shape'> => t.rows ?? t;

/** Where in the tensor of a file the values of `t` begin. */
export const startOf = ({ rows, shape }: Tensor): number => (rows ? rows.first * product(shape.slice(1)) : 0);

/** Lasting tensors under their names; each buffer is read once. */
export async function readTensors(memory: Memory, tensors: readonly Tensor[]): Promise<Tensors> {
  const pages = new Map<string, ArrayBuffer>();
  const out: Tensors = {};
  for (const t of tensors) {
    const { buffer, offset } = memory.place(t);
    const gpu = memory.buffers.get(buffer)!;
    if (!pages.has(buffer)) pages.set(buffer, await memory.download(gpu, 0, gpu.size));
    const values = new Float32Array(pages.get(buffer)!, offset, t.size);
    const { name, shape } = inFiles(t);
    if (t.rows) (out[name] ??= { shape, data: new Float32Array(product(shape)) }).data.set(values, startOf(t));
    else out[name] = { shape, data: values.slice() };
  }
  return out;
}
