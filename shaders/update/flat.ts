/** Kernels over flat pages: sums for norms and inner products, and combinations of vectors. */
import { kernel } from '../kernel/define.ts';
import { ceilDiv, rows, threads, values } from '../kernel/loops.ts';
import { total, totalNeeds } from '../kernel/total.ts';
import { STREAMS } from '../kernel/random.ts';

/** How many partial results a reduction leaves; the host, or a kernel, adds them up in order. */
export const PARTS = 64;

const uses = (f: string, name: string): boolean => new RegExp(`\\b${name}\\b`).test(f);

/** The parameters of a reduction: `f` is WGSL over vec4f `a` and `b`; `first` is where in `partial` its PARTS values go. */
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
  over: (_: FlatReduce, d) => rows(PARTS, threads(d)),
  body: (p, d) => {
    const { declared, of } = total(d, threads(d), { type: d.type, max: p.max ?? false });
    const all = p.max ? 'max(max(total.x, total.y), max(total.z, total.w))' : 'total.x + total.y + total.z + total.w';
    const share = ceilDiv(ceilDiv(p.n, d.width), PARTS);
    return {
      declared,
      each: `
  var own = vec4f(0.0);
  let end = min((row + 1u) * ${share}u, ${ceilDiv(p.n, d.width)}u);
  for (var i = row * ${share}u + lane; i < end; i += ${threads(d)}u) {
    let a = a[i];
    ${uses(p.f, 'b') ? 'let b = b[i];' : ''}
    let value = ${p.f};
    own = ${p.max ? 'max(own, value)' : 'own + value'};
  }
  ${of('own')}
  if (lane == 0u) { partial[${p.first}u + row] = ${all}; }`,
    };
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
  over: (p: FlatMap, d) => values(ceilDiv(p.n, d.width), d),
  body: p => `
    ${uses(p.f, 'a') ? 'let a = a[i];' : ''}
    ${uses(p.f, 'b') ? 'let b = b[i];' : ''}
    ${uses(p.f, 'y') ? 'let before = y[i];' : ''}
    y[i] = ${p.f.replace(/\by\b/g, 'before')};`,
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
  over: (p: RandomSigns, d) => values(ceilDiv(p.n, d.width), d),
  body: p => `
    let bits = philox(vec4u(i, op.step, ${p.page}u, 0u), vec2u(op.seed, ${STREAMS.probe}u));
    z[i] = select(vec4f(-1.0), vec4f(1.0), bits < vec4u(0x80000000u));`,
});
