/** Local response normalisation (Krizhevsky 2012, section 3.3; alpha is divided by the size, as in PyTorch). */
import { kernel, type Target } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { values } from '../kernel/loops.ts';
import { logarithms } from '../kernel/nan.ts';
import { fitsVec4, float } from '../kernel/wgsl.ts';

/** Local response normalisation of x [n, c, hw] over `size` neighbouring channels, from c - size / 2 to c + (size - 1) / 2. */
export interface Lrn {
  n: number;
  c: number;
  hw: number;
  size: number;
  alpha: number;
  beta: number;
  k: number;
  epilogue?: readonly Epilogue[];
}

/** A value (or four) for each thread. */
const over = (p: Lrn, d: Target) => values((p.n * p.c * p.hw) / d.width, d);
const vec4 = (of: readonly string[]) => ({ of, where: (p: Lrn) => fitsVec4(p.hw) });

/** WGSL: a loop over the channels from `below` before the value's own to `above` after it; `at` is the neighbour's place. */
function neighbours(p: Lrn, { width }: Target, below: number, above: number, body: string): string {
  const hw = p.hw / width;
  return `
    let c = i / ${hw}u % ${p.c}u;
    for (var j = c - min(c, ${below}u); j <= min(c + ${above}u, ${p.c - 1}u); j++) {
      let at = i + j * ${hw}u - c * ${hw}u;
      ${body}
    }`;
}

const before = (p: Lrn) => Math.floor(p.size / 2);
const after = (p: Lrn) => Math.floor((p.size - 1) / 2);

/** y = x / base^beta, base = k + alpha / size * the sum of squares of the neighbours. */
export const lrnForward = kernel({
  name: 'lrn_forward',
  bindings: { x: 'read', base: 'write', y: 'write' },
  epilogue: 'y',
  vec4: vec4(['x', 'base', 'y']),
  over,
  body: (p, d) => ({
    declared: logarithms(d.type),
    each: `
    var sum = ${d.type}(0.0);
    ${neighbours(p, d, before(p), after(p), 'sum += x[at] * x[at];')}
    let b = sum * ${float(p.alpha / p.size)} + ${float(p.k)};
    base[i] = b;
    y[i] = finish(x[i] * exp_of(log_of(b) * ${float(-p.beta)}), i);`,
  }),
});

/**
 * dx [n, c, hw]: the value's own part, and what it took away as a neighbour. A channel is in the windows of those that it stands as far
 * after as they look back.
 */
export const lrnBackward = kernel({
  name: 'lrn_backward',
  bindings: { x: 'read', base: 'read', dy: 'read', dx: 'write' },
  epilogue: 'dx',
  vec4: vec4(['x', 'base', 'dy', 'dx']),
  over,
  body: (p, d) => ({
    declared: logarithms(d.type),
    each: `
    var sum = ${d.type}(0.0);
    ${neighbours(p, d, after(p), before(p), `sum += dy[at] * x[at] * exp_of(log_of(base[at]) * ${float(-p.beta - 1)});`)}
    let own = dy[i] * exp_of(log_of(base[i]) * ${float(-p.beta)});
    dx[i] = finish(own - x[i] * sum * ${float((2 * p.alpha * p.beta) / p.size)}, i);`,
  }),
});
