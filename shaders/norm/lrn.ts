import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from '../kernel/epilogue.ts';
import { variants, type Variant } from '../kernel/kernel.ts';
import { each } from '../kernel/loops.ts';
import { float } from '../kernel/wgsl.ts';

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

type Body = (p: Lrn, hw: number, type: 'f32' | 'vec4f') => string;

/** A thread for each value (or four) `i`; `hw` counts values as they are taken. */
const form = (vec4: boolean, names: string[], body: Body): Variant<Lrn> => {
  const type = vec4 ? 'vec4f' : 'f32';
  const width = vec4 ? 4 : 1;
  return {
    ...(vec4 ? { name: 'vec4', fits: p => p.hw % 4 === 0, vec4: [...names, 'e0', 'e1'] } : { name: 'plain' }),
    grid: (p, d) => each((p.n * p.c * p.hw) / width, d).grid,
    code: (p, d) => finish(p.epilogue, type) + each((p.n * p.c * p.hw) / width, d).main(body(p, p.hw / width, type)),
  };
};

/** WGSL: a loop over the channels from `below` before the value's own to `above` after it; `at` is the neighbour's place. */
const neighbours = (p: Lrn, hw: number, below: number, above: number, body: string) => wgsl`
    let c = i / ${hw}u % ${p.c}u;
    for (var j = c - min(c, ${below}u); j <= min(c + ${above}u, ${p.c - 1}u); j++) {
      let at = i + j * ${hw}u - c * ${hw}u;
      ${body}
    }`;

const before = (p: Lrn) => Math.floor(p.size / 2);
const after = (p: Lrn) => Math.floor((p.size - 1) / 2);

const forward = (vec4: boolean) =>
  form(
    vec4,
    ['x', 'base', 'y'],
    (p, hw, type) => `
    var sum = ${type}(0.0);
    ${neighbours(p, hw, before(p), after(p), 'sum += x[at] * x[at];')}
    let b = sum * ${float(p.alpha / p.size)} + ${float(p.k)};
    base[i] = b;
    y[i] = finish(x[i] * exp(log(b) * ${float(-p.beta)}), i);`,
  );

/** y = x / base^beta, base = k + alpha / size * the sum of squares of the neighbours. */
export const lrnForward = variants({
  name: 'lrn_forward',
  bindings: { x: 'read', base: 'write', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  variants: [forward(true), forward(false)],
});

// A channel is in the windows of those that it stands as far after as they look back.
const backward = (vec4: boolean) =>
  form(
    vec4,
    ['x', 'base', 'dy', 'dx'],
    (p, hw, type) => `
    var sum = ${type}(0.0);
    ${neighbours(p, hw, after(p), before(p), `sum += dy[at] * x[at] * exp(log(base[at]) * ${float(-p.beta - 1)});`)}
    let own = dy[i] * exp(log(base[i]) * ${float(-p.beta)});
    dx[i] = finish(own - x[i] * sum * ${float((2 * p.alpha * p.beta) / p.size)}, i);`,
  );

/** dx [n, c, hw]: the value's own part, and what it took away as a neighbour. */
export const lrnBackward = variants({
  name: 'lrn_backward',
  bindings: { x: 'read', base: 'read', dy: 'read', dx: 'write', ...epilogueBindings },
  epilogue: 'dx',
  variants: [backward(true), backward(false)],
});
