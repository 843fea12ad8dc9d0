import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from '../kernel/epilogue.ts';
import { variants, type Variant } from '../kernel/kernel.ts';
import { each } from '../kernel/loops.ts';

/** `planes` planes of `size` values. */
export interface PlaneMean {
  planes: number;
  size: number;
  epilogue?: readonly Epilogue[];
}

/** `names` are the bindings that a variant of vec4f sees as such. */
const formOf = (vec4: boolean, names: readonly string[]) =>
  vec4 ? { name: 'vec4', fits: (p: PlaneMean) => p.size % 4 === 0, vec4: names } : { name: 'plain' };

/** One thread for each plane. */
const meanVariant = (vec4: boolean): Variant<PlaneMean> => ({
  ...formOf(vec4, ['x']),
  grid: (p, d) => each(p.planes, d).grid,
  code: (p, d) => {
    const size = vec4 ? p.size / 4 : p.size;
    return (
      finish(p.epilogue, 'f32') +
      each(p.planes, d).main(wgsl`
    var sum = ${vec4 ? 'vec4f(0.0)' : '0.0'};
    for (var at = 0u; at < ${size}u; at++) { sum += x[i * ${size}u + at]; }
    y[i] = finish(${vec4 ? 'dot(sum, vec4f(1.0))' : 'sum'} * ${1 / p.size}, i);`)
    );
  },
});

/** y [planes] = the mean of each plane of x [planes, size]. */
export const planeMean = variants({
  name: 'plane_mean',
  bindings: { x: 'read', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  variants: [meanVariant(true), meanVariant(false)],
});

const spreadVariant = (vec4: boolean): Variant<PlaneMean> => ({
  ...formOf(vec4, ['dx', 'e0', 'e1']),
  grid: (p, d) => each((p.planes * p.size) / (vec4 ? 4 : 1), d).grid,
  code: (p, d) => {
    const size = vec4 ? p.size / 4 : p.size;
    const type = vec4 ? 'vec4f' : 'f32';
    return (
      finish(p.epilogue, type) +
      each(p.planes * size, d).main(`
    dx[i] = finish(${type}(dy[i / ${size}u] * ${1 / p.size}), i);`)
    );
  },
});

/** dx [planes, size]: dy [planes] / size everywhere in its plane. */
export const planeMeanBackward = variants({
  name: 'plane_mean_backward',
  bindings: { dy: 'read', dx: 'write', ...epilogueBindings },
  epilogue: 'dx',
  variants: [spreadVariant(true), spreadVariant(false)],
});
