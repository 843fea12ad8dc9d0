import { product, type Init, type Shape } from '../engine/graph.ts';
import { normals, STREAMS, uniforms } from '../shaders/random.ts';

/** FNV-1a: parameters draw from streams of their own by name, so that a layer added elsewhere changes none of them. */
export function hash(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

const draw = (numbers: Generator<number>, shape: Shape, scale: number, shift = 0): Float32Array => {
  const out = new Float32Array(product(shape));
  for (let i = 0; i < out.length; i++) out[i] = (numbers.next().value as number) * scale + shift;
  return out;
};

/** U(-bound, bound). */
export const uniform = (bound: number): Init => (shape, name, seed) => draw(uniforms(seed, STREAMS.init, hash(name)), shape, 2 * bound, -bound);
/** N(0, std^2). */
export const normal = (std: number): Init => (shape, name, seed) => draw(normals(seed, STREAMS.init, hash(name)), shape, std);
export const constant = (value: number): Init => shape => new Float32Array(product(shape)).fill(value);

/** PyTorch's default for weight and bias of dense and convolution layers: U(-1/sqrt(fan_in), 1/sqrt(fan_in)). */
export const torchDefault = (fanIn: number): Init => uniform(1 / Math.sqrt(fanIn));
