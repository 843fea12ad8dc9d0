import { lookUp } from '../engine/check.ts';
import type { Init } from '../engine/tensor.ts';
import { product, type Shape } from '../shaders/kernel/shape.ts';
import { normals, STREAMS, streamOf, uniforms, type Draw } from '../shaders/kernel/random.ts';

const draw = (next: Draw, shape: Shape, scale: number, shift = 0): Float32Array => {
  const out = new Float32Array(product(shape));
  for (let i = 0; i < out.length; i++) out[i] = next() * scale + shift;
  return out;
};

/** U(-bound, bound). */
export const uniform =
  (bound: number): Init =>
  (shape, name, seed) =>
    draw(uniforms(seed, STREAMS.init, streamOf(name)), shape, 2 * bound, -bound);

/** N(0, std^2). */
export const normal =
  (std: number): Init =>
  (shape, name, seed) =>
    draw(normals(seed, STREAMS.init, streamOf(name)), shape, std);

/** One value everywhere. */
export const constant =
  (value: number): Init =>
  shape =>
    new Float32Array(product(shape)).fill(value);

/** PyTorch's default for weight and bias of dense and convolution layers: U(-1/sqrt(fan_in), 1/sqrt(fan_in)). */
export const torchDefault = (fanIn: number): Init => uniform(1 / Math.sqrt(fanIn));

/** Inputs and outputs that one value of a weight [o, c, k, k] or [o, c] takes part in, as torch.nn.init. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  const area = product(shape.slice(2));
  return { fanIn: shape[1]! * area, fanOut: shape[0]! * area };
}

/** An init whose scale is a function of the weight's fans. */
const fanned =
  (of: (fanIn: number, fanOut: number) => Init): Init =>
  (shape, name, seed) => {
    const { fanIn, fanOut } = fans(shape);
    return of(fanIn, fanOut)(shape, name, seed);
  };

/**
 * Rows (or columns, where there are fewer) orthonormal, the weight taken as [o, the rest] (Saxe et al. 2013): Gram-Schmidt, twice, of
 * normal numbers. The time grows with the square of the smaller side: seconds for 1024 x 1024.
 */
export const orthogonal: Init = (shape, name, seed) => {
  const rows = shape[0]!;
  const columns = product(shape) / rows;
  const wide = columns >= rows;
  const [count, length] = wide ? [rows, columns] : [columns, rows];
  const numbers = Float64Array.from(draw(normals(seed, STREAMS.init, streamOf(name)), shape, 1));
  const vector = (i: number) => numbers.subarray(i * length, (i + 1) * length);
  const out = new Float32Array(product(shape));
  for (let i = 0; i < count; i++) {
    const v = vector(i);
    for (let pass = 0; pass < 2; pass++)
      for (let j = 0; j < i; j++) {
        const u = vector(j);
        const along = dot(u, v);
        for (let k = 0; k < length; k++) v[k]! -= along * u[k]!;
      }
    const norm = Math.sqrt(dot(v, v));
    for (let k = 0; k < length; k++) v[k]! /= norm;
    for (let k = 0; k < length; k++) out[wide ? i * columns + k : k * columns + i] = v[k]!;
  }
  return out;
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/**
 * Randomized asymmetric initialisation (Lu et al. 2020): N(0, 0.6007^2 / fan_in) but for one of each unit's weights and bias, by chance,
 * which is positive, of the distribution Beta(2, 1).
 */
export const asymmetric: Init = (shape, name, seed) => {
  const { fanIn } = fans(shape);
  const out = normal(0.6007 / Math.sqrt(fanIn))(shape, name, seed);
  for (const [unit, { at, value }] of positives(shape[0]!, fanIn, name, seed).entries()) if (at < fanIn) out[unit * fanIn + at] = value;
  return out;
};

/** The biases that go with it. */
const asymmetricBias =
  (fanIn: number): Init =>
  (shape, name, seed) => {
    const out = normal(0.6007 / Math.sqrt(fanIn))(shape, name, seed);
    for (const [unit, { at, value }] of positives(shape[0]!, fanIn, name, seed).entries()) if (at === fanIn) out[unit] = value;
    return out;
  };

/** Which of a unit's weights is positive, or its bias where `at` is their number; the same for weight and bias of a layer. */
function positives(units: number, fanIn: number, name: string, seed: number): { at: number; value: number }[] {
  const next = uniforms(seed, STREAMS.init, streamOf(name.replace(/[^.]*$/, 'positive')));
  return Array.from({ length: units }, () => ({ at: Math.floor(next() * (fanIn + 1)), value: Math.sqrt(next()) }));
}

/**
 * As torch.nn.init.dirac_ on the first filters of a convolution, one for each input channel, which pass that on as it is; the other filters,
 * and dense layers, have PyTorch's default (Jordan 2024).
 */
const dirac: Init = (shape, name, seed) => {
  const [o, c] = shape as [number, number];
  const size = product(shape) / o;
  const out = torchDefault(size)(shape, name, seed);
  const taps = shape.slice(2);
  if (!taps.length) return out;
  const middle = taps.reduce((at, k) => at * k + Math.floor(k / 2), 0);
  const identities = Math.min(o, c);
  out.fill(0, 0, identities * size);
  for (let i = 0; i < identities; i++) out[i * size + i * product(taps) + middle] = 1;
  return out;
};

const glorotUniform = fanned((fanIn, fanOut) => uniform(Math.sqrt(6 / (fanIn + fanOut))));
const glorotNormal = fanned((fanIn, fanOut) => normal(Math.sqrt(2 / (fanIn + fanOut))));
const heUniform = fanned(fanIn => uniform(Math.sqrt(6 / fanIn)));
const heNormal = fanned(fanIn => normal(Math.sqrt(2 / fanIn)));

/**
 * Schemes for the weights of convolutions and dense layers by the names of the command line; biases keep PyTorch's default but where
 * `biasScheme` has another. Glorot & Bengio 2010 (Xavier); He et al. 2015 (Kaiming) for relu, by fan-in; `constant`, under which the
 * units of a layer stay equal to one another, is for showing just that.
 */
export const schemes: Readonly<Record<string, Init>> = {
  torch: fanned(fanIn => torchDefault(fanIn)),
  constant: constant(0.01),
  gaussian: normal(0.01),
  'glorot-uniform': glorotUniform,
  'glorot-normal': glorotNormal,
  'xavier-uniform': glorotUniform,
  'xavier-normal': glorotNormal,
  'he-uniform': heUniform,
  'he-normal': heNormal,
  'kaiming-uniform': heUniform,
  'kaiming-normal': heNormal,
  orthogonal,
  dirac,
  rai: asymmetric,
};

/** Schemes of biases, where that is not PyTorch's default: random ones would part what `constant` makes equal. */
const biasSchemes: Readonly<Record<string, (fanIn: number) => Init>> = {
  constant: () => constant(0),
  dirac: () => constant(0),
  rai: asymmetricBias,
};

/** What draws the biases under a scheme by the inputs of each unit, where that is not PyTorch's default. */
export const biasScheme = (name: string): ((fanIn: number) => Init) | undefined =>
  Object.hasOwn(biasSchemes, name) ? biasSchemes[name] : undefined;

/** A scheme by name. */
export const initializer = (name: string): Init => lookUp('initialisation', name, schemes);
