/** Kernels of layers that draw random numbers. All of them are functions of (seed, step, layer, element), so that nothing is stored. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Elementwise } from '../kernel/elementwise.ts';
import { epilogueBindings, finish, type Epilogue } from '../kernel/epilogue.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { kernel, variants, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, each, MAX_GRID } from '../kernel/loops.ts';
import { float } from '../kernel/wgsl.ts';

/** The u32 below which a random word falls with probability p. */
export const threshold = (p: number): number => Math.min(2 ** 32 - 1, Math.round(p * 2 ** 32));

/**
 * Dropout of `n` values as an elementwise function: zero with probability `p`, else multiplied by `factor`. The mask is a function of (seed, step, layer,
 * element), so the same function of dy is its own backward, and nothing is stored: measured on lavapipe, the words cost 1.1 ms per million,
 * a stored mask its traffic.
 */
export const dropElements = (n: number, p: number, layer: number, factor: number): Elementwise => ({
  n,
  f: `select(zero, v * ${float(factor)}, chance(${layer}u, ${threshold(p)}u, i))`,
  draws: true,
});

/** `n` samples (or channels) of `size` values, each (or all together) dropped with probability `p`, else multiplied by `scale`. */
export interface DropSample {
  n: number;
  size: number;
  p: number;
  layer: number;
  perSample: boolean;
  scale: number;
  epilogue?: readonly Epilogue[];
}

/** One row of workgroups for each sample. */
const dropVariant = (vec4: boolean): Variant<DropSample> => {
  const length = (p: DropSample) => (vec4 ? p.size / 4 : p.size);
  const run = (lanes: number) => (lanes ? lanes * 64 : 256);
  return {
    name: vec4 ? 'vec4' : 'plain',
    ...(vec4 && { fits: p => p.size % 4 === 0, vec4: ['x', 'y', 'e0', 'e1'] }),
    grid: (p, d) => [ceilDiv(length(p), run(d.lanes)), Math.min(p.n, MAX_GRID), ceilDiv(p.n, MAX_GRID)],
    code: (p, d) =>
      finish(p.epilogue, vec4 ? 'vec4f' : 'f32') +
      wgsl`
@compute @workgroup_size(${d.lanes || 64})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let sample = group.y + group.z * ${MAX_GRID}u;
  if (sample >= ${p.n}u) { return; }
  let word = philox(vec4u(${p.perSample ? 'sample' : '0u'}, op.step, ${p.layer}u, 0u), vec2u(op.seed, 0u)).x;
  let factor = select(0.0, ${float(p.scale)}, word >= ${threshold(p.p)}u);
  let end = min((group.x + 1u) * ${run(d.lanes)}u, ${length(p)}u);
  for (var at = group.x * ${run(d.lanes)}u + lane; at < end; at += ${d.lanes || 64}u) {
    let i = sample * ${length(p)}u + at;
    y[i] = finish(x[i] * factor, i);
  }
}`,
  };
};

/** y = x with some samples at zero. */
export const dropSample = variants({
  name: 'drop_sample',
  bindings: { x: 'read', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  step: () => ({ seed: 'u32', step: 'u32' }),
  draws: () => true,
  variants: [dropVariant(true), dropVariant(false)],
});

/** Noise for `n` values, as layer number `layer`. `fixed`: that of seed and step 0, for evaluation. */
export interface Normal {
  n: number;
  std: number;
  layer: number;
  fixed: boolean;
  /** Whether it is added to x. */
  add: boolean;
  epilogue?: readonly Epilogue[];
}

/** y = x + std N(0, 1), or the noise alone without x. */
export const addNormal = kernel({
  name: 'add_normal',
  bindings: { x: 'read?', y: 'write', ...epilogueBindings },
  vec4: ['x', 'y', 'e0', 'e1'],
  epilogue: 'y',
  step: (p: Normal): Record<string, 'u32'> => (p.fixed ? {} : { seed: 'u32', step: 'u32' }),
  draws: () => true,
  grid: (p, d) => each(ceilDiv(p.n, 4), d).grid,
  code: (p, d) => {
    const [seed, step] = p.fixed ? ['0u', '0u'] : ['op.seed', 'op.step'];
    return (
      finish(p.epilogue, 'vec4f') +
      each(ceilDiv(p.n, 4), d).main(`
    let z = normal4(philox(vec4u(i, ${step}, ${p.layer}u, 0u), vec2u(${seed}, 0u)));
    y[i] = finish(${p.add ? 'x[i] + ' : ''}z * ${float(p.std)}, i);`)
    );
  },
});

/** weight [o, c]; noise of each product w x has variance w^2 (sigma^2 |w|^-gamma + lambda), so that output k has their sum's deviation. */
export interface Whiteout {
  n: number;
  o: number;
  c: number;
  sigma: number;
  gamma: number;
  lambda: number;
}

/** WGSL: one thread for each output `k`, with a `sum` of zero. */
const perOutput = (p: Whiteout, d: Profile, body: string): string => wgsl`
@compute @workgroup_size(${d.lanes || 64})
fn main(@builtin(global_invocation_id) id : vec3u) {
  let k = id.x;
  if (k >= ${p.o}u) { return; }
  var sum = 0.0;
${body}
}`;

/** deviation [o] of each output's noise. */
export const whiteoutDeviation = kernel({
  name: 'whiteout_deviation',
  bindings: { weight: 'read', deviation: 'write f32' },
  grid: (p: Whiteout, d) => [ceilDiv(p.o, d.lanes || 64), 1, 1],
  code: (p, d) =>
    perOutput(
      p,
      d,
      wgsl`
  for (var j = 0u; j < ${p.c}u; j++) {
    let w = abs(weight[k * ${p.c}u + j]);
    sum += ${float(p.sigma ** 2)} * select(0.0, exp(log(w) * ${float(2 - p.gamma)}), w > 0.0) + ${float(p.lambda)} * w * w;
  }
  deviation[k] = sqrt(sum);`,
    ),
});

/** y [n, o] = z deviation. */
export const whiteoutScale = kernel({
  name: 'whiteout_scale',
  bindings: { z: 'read', deviation: 'read', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  grid: (p: Whiteout & { epilogue?: readonly Epilogue[] }, d) => each(p.n * p.o, d).grid,
  code: (p, d) => finish(p.epilogue, 'f32') + each(p.n * p.o, d).main(`    y[i] = finish(z[i] * deviation[i % ${p.o}u], i);`),
});

/** dweight [o, c]: the part of the gradient that comes through the deviation. */
export const whiteoutBackward = kernel({
  name: 'whiteout_backward',
  bindings: { weight: 'read', z: 'read', dy: 'read', deviation: 'read', dweight: 'write' },
  step: (p: Whiteout & { gradient: Gradient }) => accumulates(p.gradient),
  grid: (p, d) => [ceilDiv(p.o, d.lanes || 64), 1, 1],
  code: (p, d) => {
    const at = `k * ${p.c}u + j`;
    return perOutput(
      p,
      d,
      wgsl`
  for (var n = 0u; n < ${p.n}u; n++) { sum += dy[n * ${p.o}u + k] * z[n * ${p.o}u + k]; }
  let scale = select(0.0, sum * 0.5 / deviation[k], deviation[k] > 0.0);
  for (var j = 0u; j < ${p.c}u; j++) {
    let w = weight[${at}]; let size = abs(w);
    let slope = select(0.0, exp(log(size) * ${float(1 - p.gamma)}) * sign(w) * ${float(p.sigma ** 2 * (2 - p.gamma))}, size > 0.0);
    let v = scale * (slope + ${float(2 * p.lambda)} * w);
    dweight[${at}] = ${accumulated(p.gradient, `dweight[${at}]`)};
  }`,
    );
  },
});
