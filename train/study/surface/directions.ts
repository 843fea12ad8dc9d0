/** Ways through the space of weights: random directions whose filters are as long as the net's, and lines between nets. */
import { normals, STREAMS, streamOf } from '../../../shaders/kernel/random.ts';
import type { Tensors } from '../../run/safetensors.ts';

/** What keeps a filter of zeros from a division by zero, as in the code of Li et al. */
const TINY = 1e-10;

/**
 * A direction drawn for `weights`: each filter of a convolution [o, …] and each row of a dense layer [o, i] has the length that it has
 * there (Li et al. 2018, section 4); what has one dimension, biases and all of norms, is 0. `which` numbers directions of one seed.
 */
export function filterDirection(weights: Tensors, seed: number, which: number): Tensors {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => {
      const out = new Float32Array(data.length);
      if (shape.length < 2) return [name, { shape, data: out }];
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

const lengthOf = (values: Float32Array | Float64Array): number => Math.hypot(...values);

/** `weights` moved by so much of each direction. */
export const moved = (weights: Tensors, ways: readonly (readonly [direction: Tensors, by: number])[]): Tensors =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((v, i) => ways.reduce((sum, [direction, by]) => sum + by * direction[name]!.data[i]!, v)) },
    ]),
  );

/** The point at `share` of the way from `a` to `b`, running statistics included. */
export const between = (a: Tensors, b: Tensors, share: number): Tensors =>
  Object.fromEntries(
    Object.entries(a).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((v, i) => (1 - share) * v + share * b[name]!.data[i]!) },
    ]),
  );

/** `n` places from `low` to `high`, both among them. */
export const places = (low: number, high: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => (i === n - 1 ? high : low + ((high - low) * i) / (n - 1)));
