/** Kernels over flat pages: sums for norms and inner products, and combinations of vectors. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/kernel.ts';
import { ceilDiv, each } from '../kernel/loops.ts';
import { total, totalNeeds } from '../kernel/total.ts';
import { STREAMS } from '../kernel/random.ts';

/** How many partial results a reduction leaves; the host, or a kernel, adds them up in order. */
export const PARTS = 64;

const uses = (f: string, name: string): boolean => new RegExp(`\\b${name}\\b`).test(f);

/** Of a reduction: `f` is WGSL over vec4f `a` and `b`; `first` is where in `partial` its PARTS values go. */
export interface FlatReduce {
  n: number;
  f: string;
  first: number;
  max?: boolean;
}

/** partial[first …] = sums (or maxima) of f(a, b) over equal shares of `n` values, in a fixed order. */
export const flatReduce = kernel({
  name: 'flat_reduce',
  bindings: { a: 'read', b: 'read?', partial: 'write' },
  vec4: ['a', 'b'],
  needs: totalNeeds,
  grid: () => [PARTS, 1, 1],
  code: (p: FlatReduce, d) => {
    const threads = d.lanes || 64;
    const share = ceilDiv(ceilDiv(p.n, 4), PARTS);
    const { declared, of } = total(d, threads, { type: 'vec4f', max: p.max ?? false });
    const result = p.max ? 'max(max(total.x, total.y), max(total.z, total.w))' : 'total.x + total.y + total.z + total.w';
    return wgsl`
${declared}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  var own = vec4f(0.0);
  let end = min((group.x + 1u) * ${share}u, ${ceilDiv(p.n, 4)}u);
  for (var i = group.x * ${share}u + lane; i < end; i += ${threads}u) {
    let a = a[i];
    ${uses(p.f, 'b') ? 'let b = b[i];' : ''}
    let value = ${p.f};
    own = ${p.max ? 'max(own, value)' : 'own + value'};
  }
  ${of('own')}
  if (lane == 0u) { partial[${p.first}u + group.x] = ${result}; }
}`;
  },
});

/** y = f over `n` values: WGSL over vec4f `y`, `a`, `b` and the numbers `op.alpha`, `op.beta`. */
export interface FlatMap {
  n: number;
  f: string;
}

export const flatMap = kernel({
  name: 'flat_map',
  bindings: { y: 'write', a: 'read?', b: 'read?' },
  vec4: ['y', 'a', 'b'],
  step: () => ({ alpha: 'f32', beta: 'f32' }),
  grid: (p: FlatMap, d) => each(ceilDiv(p.n, 4), d).grid,
  code: (p, d) =>
    each(ceilDiv(p.n, 4), d).main(`
    ${uses(p.f, 'a') ? 'let a = a[i];' : ''}
    ${uses(p.f, 'b') ? 'let b = b[i];' : ''}
    ${uses(p.f, 'y') ? 'let before = y[i];' : ''}
    y[i] = ${p.f.replace(/\by\b/g, 'before')};`),
});

/** z = -1 or 1 at random, `n` values of page `page`: the probes of Hutchinson's estimator. */
export interface RandomSigns {
  n: number;
  page: number;
}

export const randomSigns = kernel({
  name: 'random_signs',
  bindings: { z: 'write' },
  vec4: ['z'],
  step: () => ({ seed: 'u32', step: 'u32' }),
  draws: () => true,
  grid: (p: RandomSigns, d) => each(ceilDiv(p.n, 4), d).grid,
  code: (p, d) =>
    each(ceilDiv(p.n, 4), d).main(`
    let bits = philox(vec4u(i, op.step, ${p.page}u, 0u), vec2u(op.seed, ${STREAMS.probe}u));
    z[i] = select(vec4f(-1.0), vec4f(1.0), bits < vec4u(0x80000000u));`),
});
