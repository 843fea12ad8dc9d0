/**
 * Kernels of layers that are computed step by step: what differs between steps is a size and no constant, so that all of them share a
 * pipeline.
 */
import { kernel } from '../kernel/define.ts';
import { finish, type Epilogue } from '../kernel/epilogue.ts';
import { values } from '../kernel/loops.ts';
import { philox } from '../kernel/random.ts';
import { float } from '../kernel/wgsl.ts';
import { threshold } from './noise.ts';

/** Step `at` of `planes` sequences of `steps` rows of `width` values. */
export interface Step {
  planes: number;
  steps: number;
  width: number;
  at: number;
  epilogue?: readonly Epilogue[];
}

/** y [planes, width] from x [planes, steps, width]. */
export const readStep = kernel({
  name: 'read_step',
  bindings: { x: 'read', y: 'write' },
  epilogue: 'y',
  sizes: (p: Step) => ({ at: p.at }),
  grid: (p, d) => values(p.planes * p.width, d).grid,
  code: (p, d) =>
    finish(p.epilogue, 'f32') +
    values(p.planes * p.width, d).main(`
    y[i] = finish(x[(i / ${p.width}u * ${p.steps}u + u32(op.at)) * ${p.width}u + i % ${p.width}u], i);`),
});

/** dx [planes, steps, width]: the gradient of y at step `at`, zeros at all others. */
export const readStepBackward = kernel({
  name: 'read_step_backward',
  bindings: { dy: 'read', dx: 'write' },
  epilogue: 'dx',
  sizes: (p: Step) => ({ at: p.at }),
  grid: (p, d) => values(p.planes * p.steps * p.width, d).grid,
  code: (p, d) =>
    finish(p.epilogue, 'f32') +
    values(p.planes * p.steps * p.width, d).main(`
    let row = i / ${p.width}u;
    let place = row / ${p.steps}u * ${p.width}u + i % ${p.width}u;
    dx[i] = finish(select(0.0, dy[place], row % ${p.steps}u == u32(op.at)), i);`),
});

/**
 * Of `n` values those of v, with probability `p` those of a in their place; `of` says which are given, and what is not counts as 0. v is
 * multiplied by `factor`. The choice is a function of (seed, step, layer, element), as that of dropout, so that backward draws it again.
 */
export interface Choice {
  n: number;
  of: 'both' | 'v' | 'a';
  p: number;
  layer: number;
  factor: number;
  epilogue?: readonly Epilogue[];
}

/** Whether the choice of value `i` in a step is v: what the device draws, on the host. */
export const isKept = (i: number, { p, layer }: Pick<Choice, 'p' | 'layer'>, seed: number, step: number): boolean =>
  philox([i >>> 2, step, layer, 0], [seed, 0])[i & 3]! >= threshold(p);

/** WGSL of a chosen value. What is not finite is NaN where it is not chosen and nothing takes its place, as in dropout. */
const chosen = ({ of, factor }: Choice): string => {
  if (of === 'a') return 'a[i] * select(1.0, 0.0, kept)';
  return of === 'v' ? `v[i] * select(0.0, ${float(factor)}, kept)` : `select(a[i], v[i] * ${float(factor)}, kept)`;
};

export const choose = kernel({
  name: 'choose',
  bindings: { v: 'read?', a: 'read?', y: 'write' },
  epilogue: 'y',
  sizes: (p: Choice) => ({ layer: p.layer }),
  step: () => ({ seed: 'u32', step: 'u32' }),
  draws: () => true,
  grid: (p, d) => values(p.n, d).grid,
  code: (p, d) =>
    finish([{ f: 'v', draws: true }, ...(p.epilogue ?? [])], 'f32') +
    values(p.n, d).main(`
    let kept = chance(u32(op.layer), ${threshold(p.p)}u, i);
    y[i] = finish(${chosen(p)}, i);`),
});
