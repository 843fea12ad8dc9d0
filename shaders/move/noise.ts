/** Kernels of layers that draw random numbers. All of them are functions of (seed, step, layer, element), so that nothing is stored. */
import { kernel } from '../kernel/define.ts';
import type { Elementwise } from '../kernel/elementwise.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { accumulates, type Gradient } from '../kernel/gradient.ts';
import { isSoftware } from '../kernel/kernel.ts';
import { ceilDiv, items, planes, threads, values } from '../kernel/loops.ts';
import { fitsVec4, float } from '../kernel/wgsl.ts';
import type { Whiteout } from './whiteout-code.ts';

/** The u32 below which a random word falls with probability p. */
export const threshold = (p: number): number => Math.min(2 ** 32 - 1, Math.round(p * 2 ** 32));

/**
 * Dropout of `n` values as an elementwise function: times 0 with probability `p`, else times `factor`, so that what is NaN or infinite and
 * dropped is NaN, as in PyTorch. The mask is a function of (seed, step, layer, element), so the same function of dy is its own backward, and
 * nothing is stored: measured on lavapipe, the words cost 1.1 ms per million, a stored mask its traffic.
 */
export const dropElements = (n: number, p: number, layer: number, factor: number): Elementwise => ({
  n,
  f: `v * select(zero, one * ${float(factor)}, chance(${layer}u, ${threshold(p)}u, i))`,
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

/** y = x with some samples at zero. */
export const dropSample = kernel({
  name: 'drop_sample',
  bindings: { x: 'read', y: 'write' },
  epilogue: 'y',
  step: () => ({ seed: 'u32', step: 'u32' }),
  draws: () => true,
  vec4: { of: ['x', 'y'], where: (p: DropSample) => fitsVec4(p.size) },
  over: (p, d) => planes({ count: p.n, size: p.size / d.width, threads: threads(d), perThread: isSoftware(d) ? 64 : 4 }),
  body: (p, d) => ({
    before: `
  let word = philox(vec4u(${p.perSample ? 'plane' : '0u'}, op.step, ${p.layer}u, 0u), vec2u(op.seed, 0u)).x;
  let factor = select(0.0, ${float(p.scale)}, word >= ${threshold(p.p)}u);`,
    each: `
    let i = plane * ${p.size / d.width}u + at;
    y[i] = finish(x[i] * factor, i);`,
  }),
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
  bindings: { x: 'read?', y: 'write' },
  epilogue: 'y',
  vec4: ['x', 'y'],
  step: (p: Normal): Record<string, 'u32'> => (p.fixed ? {} : { seed: 'u32', step: 'u32' }),
  draws: () => true,
  over: (p, d) => values(ceilDiv(p.n, d.width), d),
  body: p => {
    const [seed, step] = p.fixed ? ['0u', '0u'] : ['op.seed', 'op.step'];
    return `
    let z = normal4(philox(vec4u(i, ${step}, ${p.layer}u, 0u), vec2u(${seed}, 0u)));
    y[i] = finish(${p.add ? 'x[i] + ' : ''}z * ${float(p.std)}, i);`;
  },
});

/** The WGSL of whiteout, which few nets take. */
const whiteout = () => import('./whiteout-code.ts');

/** deviation [o] of each output's noise. */
export const whiteoutDeviation = kernel({
  name: 'whiteout_deviation',
  bindings: { weight: 'read', deviation: 'write f32' },
  over: (p: Whiteout, d) => items(p.o, d),
  body: async p => ({ each: (await whiteout()).deviation(p) }),
});

/** y [n, o] = z deviation. */
export const whiteoutScale = kernel({
  name: 'whiteout_scale',
  bindings: { z: 'read', deviation: 'read', y: 'write' },
  epilogue: 'y',
  over: (p: Whiteout & { epilogue?: readonly Epilogue[] }, d) => values(p.n * p.o, d),
  body: p => `    y[i] = finish(z[i] * deviation[i % ${p.o}u], i);`,
});

/** dweight [o, c]: the part of the gradient that comes through the deviation. */
export const whiteoutBackward = kernel({
  name: 'whiteout_backward',
  bindings: { weight: 'read', z: 'read', dy: 'read', deviation: 'read', dweight: 'write' },
  step: (p: Whiteout & { gradient: Gradient }) => accumulates(p.gradient),
  over: (p, d) => items(p.o, d),
  body: async p => ({ each: (await whiteout()).backward(p) }),
});
