/** The one fused update of a page of parameters, and the kernels around it that need whole rows or the norm of all gradients. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { PARTS } from './flat.ts';
import { FACTOR } from './loss-scale.ts';
import { kernel } from '../kernel/define.ts';
import type { Bindings, Kernel } from '../kernel/kernel.ts';
import { ceilDiv, rows, threads, values } from '../kernel/loops.ts';
import { keeping } from '../kernel/nan.ts';
import { totalNeeds } from '../kernel/total.ts';
import { range } from '../kernel/wgsl.ts';

/** The `n` values of page number `page`. */
export interface Update {
  n: number;
  page: number;
}

/** What an update does to each vec4 of a page. */
export interface UpdateCode {
  readonly name: string;
  /** Arrays of one value for each weight: `w`, `g` and the state. Those that are written are stored again. */
  readonly arrays: Readonly<Record<string, 'read' | 'write'>>;
  /** Other buffers, f32. */
  readonly reads?: readonly string[];
  /** Step values, read as `op.<name>`. */
  readonly fields: readonly string[];
  /** Whether it reads `op.seed` and `op.step`, its place `k` in the page, and `page`. */
  readonly draws?: boolean;
  /** Groups of weights: in each `op.<name>` is another step value, that of group number k, from 1, being `<name>_k` in the uniforms. */
  readonly groups?: number;
  /** WGSL over vec4f variables called as the arrays are; it may call `keep` (see nan.ts). */
  readonly body: string;
}

/** Values of a page that are of one group for sure: `groups` holds the number of each so many. */
export const GROUPED = 64;

/** The name of a step value in a group. */
export const inGroup = (field: string, group: number): string => (group ? `${field}_${group}` : field);

/** Loads, does `body`, stores: one dispatch per page, whatever the number of tensors. */
export function fusedUpdate({ name, arrays, reads = [], fields, draws = false, groups = 1, body }: UpdateCode): Kernel<Update> {
  const pages = Object.fromEntries(Object.entries(arrays).map(([x, access]) => [`${x}_all`, access]));
  const stored = Object.keys(arrays).filter(x => arrays[x] === 'write');
  const random: Readonly<Record<string, 'u32'>> = draws ? { seed: 'u32', step: 'u32' } : {};
  const fieldsOf = (group: number) => fields.map(f => inGroup(f, group));
  return kernel<Update, Bindings>({
    name,
    bindings: { ...pages, ...Object.fromEntries(reads.map(x => [x, 'read' as const])), ...(groups > 1 && { groups: 'read u32' as const }) },
    vec4: Object.keys(pages),
    step: () => ({
      ...Object.fromEntries(
        range(groups)
          .flatMap(fieldsOf)
          .map(f => [f, 'f32' as const]),
      ),
      ...random,
    }),
    draws: () => draws,
    over: (p, d) => values(ceilDiv(p.n, d.width), d),
    body: p => ({
      declared: keeping('vec4f') + (groups > 1 ? groupValues(groups, fieldsOf, random) : ''),
      each: `
    let k = i;
    ${groups > 1 ? `let op = values_of(groups[k / ${GROUPED / 4}u]);` : ''}
    ${draws ? `let page = ${p.page}u;` : ''}
    ${Object.keys(arrays)
      .map(x => `var ${x} = ${x}_all[k];`)
      .join('\n    ')}
    ${body}
    ${stored.map(x => `${x}_all[k] = ${x};`).join('\n    ')}`,
    }),
  });
}

/** WGSL: the step values of a group, called as in the uniforms. */
function groupValues(groups: number, fieldsOf: (group: number) => readonly string[], random: Readonly<Record<string, string>>): string {
  const drawn = Object.keys(random);
  const made = (group: number) => `Values(${[...fieldsOf(group), ...drawn].map(f => `op.${f}`).join(', ')})`;
  const others = range(groups - 1).map(i => `case ${i + 1}u: { return ${made(i + 1)}; }`);
  return `
struct Values { ${[...fieldsOf(0).map(f => `${f}: f32`), ...drawn.map(f => `${f}: u32`)].join(', ')} }
fn values_of(group: u32) -> Values {
  switch group {
    ${others.join('\n    ')}
    default: { return ${made(0)}; }
  }
}
`;
}

/**
 * scale = [min(1, max / (norm + 1e-6)), norm] from partial sums of squares of all gradients (PyTorch's clip_grad_norm_; Pascanu 2013). A
 * norm that is NaN makes the scale, and with it every gradient, NaN.
 */
export const clipScale = kernel({
  name: 'clip_scale',
  bindings: { partial: 'read', scaling: 'read?', scale: 'write' },
  step: () => ({ clip_norm: 'f32', g_scale: 'f32' }),
  grid: () => [1, 1, 1],
  code: (p: { pages: number; scaling?: boolean }) => wgsl`
${keeping('f32')}
@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var i = 0u; i < ${p.pages * PARTS}u; i++) { sum += partial[i]; }
  let norm = keep(sum, sqrt(sum)) * op.g_scale${p.scaling ? ` * scaling[${FACTOR}]` : ''};
  let factor = op.clip_norm / (norm + 1e-6);
  scale[0] = select(factor, 1.0, factor >= 1.0);
  scale[1] = norm;
}`,
});

/** sum += scale[0] * a over `n` values, from 0 where `op.sample` is 0. */
export const addClipped = kernel({
  name: 'add_clipped',
  bindings: { a: 'read', scale: 'read f32', sum: 'write' },
  vec4: ['a', 'sum'],
  step: () => ({ sample: 'u32' }),
  over: (p: { n: number }, d) => values(ceilDiv(p.n, d.width), d),
  body: () => `
    let clipped = scale[0] * a[i];
    if (op.sample == 0u) { sum[i] = clipped; } else { sum[i] += clipped; }`,
});

/**
 * Max-norm (Srivastava 2014): each row of w that is longer than `op.max_norm` is scaled back to it. `table` holds of each row, the
 * incoming weights of one output, its start, its length, and the length and distance of its runs. One workgroup per row.
 */
export const maxNorm = kernel({
  name: 'max_norm',
  bindings: { w: 'write', table: 'read u32' },
  step: () => ({ max_norm: 'f32' }),
  needs: totalNeeds,
  over: (p: { rows: number }, d) => rows(p.rows, threads(d)),
  body: async (_, d) => (await import('./max-norm-code.ts')).maxNormCode(d),
});
