/** What ranks hold beside their trainers' states, as tensors of a checkpoint. */
import type { Tensors } from '../run/safetensors.ts';
import type { Vectors } from './method.ts';

export const tensorsOf = (vectors: Vectors): Tensors =>
  Object.fromEntries(Object.entries(vectors).map(([name, data]) => [name, { shape: [data.length], data: data.slice() }]));

export const vectorsOf = (tensors: Tensors): Vectors => Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
