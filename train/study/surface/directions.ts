/** Ways through the space of weights: random directions whose filters are as long as the net's, and lines between nets. */
import { normals, STREAMS, streamOf } from '../../../shaders/kernel/random.ts';
import type { Tensors } from '../../run/safetensors.ts';

/** What keeps a filter of zeros from a division by zero, as in the code of Li et al. */
const TINY = 1e-10;

/** Whether weights are moved along directions: what has one dimension, biases and all of norms, stays (Li et al. 2018). */
export const isMoved = ({ shape }: Tensors[string]): boolean => shape.length > 1;

/**
 * A direction drawn for `weights`: each filter of a convolution [o, …] and each row of a dense layer [o, i] has the length that it has
 * there (Li et al. 2018, section 4); the rest is 0. `which` numbers directions of one seed.
 */
export function filterDirection(weights: Tensors, seed: number, which: number): Tensors {
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      const { shape, data } = tensor;
      const out = new Float32Array(data.length);
      if (!isMoved(tensor)) return [name, { shape, data: out }];
      const draw = normals(seed, STREAMS.probe, streamOf(`${name} ${which}`));
      const width = data.length / shape[0]!;
      for (let at = 0; at < data.length; at += width) {
        const drawn = Float64Array.from({ length: width }, draw);
        const scale = lengthOf(data.subarray(at, at + width)) / (lengthOf(drawn) + TINY);
        out.set(
          drawn.map(v => v * scale),
          at,
        );
      }
      return [name, { shape, data: out }];
    }),
  );
}

/** A direction of length 1 over all weights but biases and norms, drawn alike from all there are. */
export const drawnDirection = (weights: Tensors, seed: number, which: number): Tensors =>
  unit(
    Object.fromEntries(
      Object.entries(weights).map(([name, tensor]) => {
        const draw = normals(seed, STREAMS.probe, streamOf(`${name} ${which}`));
        return [name, { ...tensor, data: tensor.data.map(() => (isMoved(tensor) ? draw() : 0)) }];
      }),
    ),
  );

const lengthOf = (values: Float32Array | Float64Array): number => Math.hypot(...values);

/** `weights` moved by so much of each direction. */
export const moved = (weights: Tensors, ways: readonly (readonly [direction: Tensors, by: number])[]): Tensors =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((v, i) => ways.reduce((sum, [direction, by]) => sum + by * direction[name]!.data[i]!, v)) },
    ]),
  );

/** The sum of weights, each by its factor, running statistics included. */
export const mixed = (weights: readonly Tensors[], factors: readonly number[]): Tensors =>
  Object.fromEntries(
    Object.entries(weights[0]!).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((_, i) => factors.reduce((sum, factor, k) => sum + factor * weights[k]![name]!.data[i]!, 0)) },
    ]),
  );

/** The point at `share` of the way from `a` to `b`, running statistics included. */
export const between = (a: Tensors, b: Tensors, share: number): Tensors => mixed([a, b], [1 - share, share]);

/** The sum of products over all values. */
export function inner(a: Tensors, b: Tensors): number {
  let sum = 0;
  for (const [name, { data }] of Object.entries(a)) for (let i = 0; i < data.length; i++) sum += data[i]! * b[name]!.data[i]!;
  return sum;
}

/** Divided by its length over all values, where that is not 0. */
export const unit = (direction: Tensors): Tensors => mixed([direction], [1 / (Math.sqrt(inner(direction, direction)) || 1)]);

/** `n` places from `low` to `high`, both among them. */
export const places = (low: number, high: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => (i === n - 1 ? high : low + ((high - low) * i) / (n - 1)));
