/** The one fused update: what comes before the rule, the rule, what comes after it; and the constraints that need whole rows or norms. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { PARTS } from './flat.ts';
import { LEFT_OUT } from './loss-scale.ts';
import { ceilDiv, each, fold, kernel, MAX_GRID, type Bindings, type Kernel } from '../kernel/kernel.ts';

/** A run of `n` values from `first` on (both multiples of 4) of page number `page`. */
export interface Update {
  n: number;
  first: number;
  page: number;
  /** Whether L2, L1 and decoupled decay act on it. */
  decays: boolean;
}

/** What surrounds the rule, as switches; the numbers come as step values. */
export interface Surroundings {
  readonly scale: boolean;
  /** See shaders/update/loss-scale.ts. */
  readonly scaling?: boolean;
  readonly clipNorm: boolean;
  readonly clipValue: boolean;
  readonly noise: boolean;
  readonly l2: boolean;
  readonly l1: boolean;
  readonly decoupled: boolean;
  readonly lookahead: boolean;
  readonly average: boolean;
}

/** Whether a rule reads `first`; it then needs the step value `update`, which counts updates from 1. */
export const asksFirst = (rule: string): boolean => /\bfirst\b/.test(rule);

/** Key of the gradient noise, apart from that of dropout. */
const NOISE = 0x6e6f6973;

/**
 * Reads, clips, adds noise and penalties, applies `rule` (WGSL over vec4f `w`, `g` and the state), averages, writes: one dispatch per page,
 * whatever the number of tensors. `fields` are the step values that the rule reads as `op.<name>`.
 */
export function fusedUpdate(
  name: string,
  state: readonly string[],
  rule: string,
  fields: readonly string[],
  s: Surroundings,
): Kernel<Update> {
  const all = [...state, ...(s.lookahead ? ['slow'] : []), ...(s.average ? ['ema'] : [])];
  const moving = ['w', ...state]; // what stays as it was where an update is left out
  const stored = Object.fromEntries(all.map(x => [`${x}_all`, 'write' as const]));
  return kernel<Update, Bindings>({
    name: `update_${name}`,
    bindings: { w_all: 'write', g_all: 'read', ...stored, clip: 'read?', scaling: 'read?' },
    vec4: ['w_all', 'g_all', ...Object.keys(stored)],
    step: () => ({
      ...Object.fromEntries(fields.map(f => [f, 'f32' as const])),
      ...(s.noise && { seed: 'u32', step: 'u32' }),
    }),
    grid: (p, d) => each(ceilDiv(p.n, 4), d).grid,
    code: (p, d) =>
      each(ceilDiv(p.n, 4), d).main(wgsl`
    let k = i + ${p.first / 4}u;
    var w = w_all[k];
    var g = g_all[k];
    ${all.map(x => `var ${x} = ${x}_all[k];`).join('\n    ')}
    #if ${s.scaling ?? false}
    let skip = scaling[2] == 0.0;
    let before = array<vec4f, ${moving.length}>(${moving.join(', ')});
    g = select(g * scaling[2], vec4f(0.0), skip);
    #endif
    #if ${s.scale}
    g *= op.g_scale;
    #endif
    #if ${s.lookahead}
    slow = select(slow, w, op.slow_first > 0.5);
    #endif
    #if ${s.clipNorm}
    g *= clip[0];
    #endif
    #if ${s.clipValue}
    g = clamp(g, vec4f(-op.clip_value), vec4f(op.clip_value));
    #endif
    #if ${s.noise}
    g += op.noise * normal4(philox(vec4u(k, op.step, ${p.page}u, 0u), vec2u(op.seed, ${NOISE}u)));
    #endif
    #if ${s.l2 && p.decays}
    g += op.l2 * w;
    #endif
    #if ${s.l1 && p.decays}
    g += op.l1 * sign(w);
    #endif
    #if ${s.decoupled && p.decays}
    w *= op.shrink;
    #endif
    #if ${asksFirst(rule)}
    let first = op.update${s.scaling ? ` - scaling[${LEFT_OUT}]` : ''} < 1.5; // those that were left out do not count
    #endif
    ${rule}
    #if ${s.scaling ?? false}
    if (skip) { ${moving.map((x, j) => `${x} = before[${j}];`).join(' ')} }
    #endif
    #if ${s.lookahead}
    if (op.sync > 0.0) { slow += op.sync * (w - slow); w = slow; }
    #endif
    #if ${s.average}
    ema += op.ema_rate * (w - ema);
    #endif
    w_all[k] = w;
    ${all.map(x => `${x}_all[k] = ${x};`).join('\n    ')}`),
  });
}

/** scale = [min(1, max / (norm + 1e-6)), norm] from partial sums of squares of all gradients (PyTorch's clip_grad_norm_; Pascanu 2013). */
export const clipScale = kernel({
  name: 'clip_scale',
  bindings: { partial: 'read', scaling: 'read?', scale: 'write' },
  step: () => ({ clip_norm: 'f32', g_scale: 'f32' }),
  grid: () => [1, 1, 1],
  code: (p: { pages: number; scaling?: boolean }) => wgsl`
@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var i = 0u; i < ${p.pages * PARTS}u; i++) { sum += partial[i]; }
  let norm = sqrt(sum) * op.g_scale${p.scaling ? ' * scaling[2]' : ''};
  scale[0] = min(1.0, op.clip_norm / (norm + 1e-6));
  scale[1] = norm;
}`,
});

/**
 * Max-norm (Srivastava 2014): each row of w that is longer than `op.max_norm` is scaled back to it. `table` holds start and length of each
 * row, the incoming weights of one output. One workgroup per row.
 */
export const maxNorm = kernel({
  name: 'max_norm',
  bindings: { w: 'write', table: 'read u32' },
  step: () => ({ max_norm: 'f32' }),
  grid: (p: { rows: number }) => fold(p.rows),
  code: (p, d) => wgsl`
#if ${!d.lanes}
var<workgroup> part : array<f32, 64>;
#endif
@compute @workgroup_size(${d.lanes || 64})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let row = group.x + group.y * ${MAX_GRID}u;
  if (row >= ${p.rows}u) { return; }
  let start = table[2u * row];
  let end = start + table[2u * row + 1u];
  var total = 0.0;
  for (var i = start + lane; i < end; i += ${d.lanes || 64}u) { total += w[i] * w[i]; }
  #if ${d.lanes > 0}
  let sum = subgroupAdd(total);
  #else
  part[lane] = total;
  for (var half = 32u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (lane < half) { part[lane] += part[lane + half]; }
  }
  workgroupBarrier();
  let sum = part[0];
  #endif
  if (sum > op.max_norm * op.max_norm) {
    let factor = op.max_norm / sqrt(sum);
    for (var i = start + lane; i < end; i += ${d.lanes || 64}u) { w[i] *= factor; }
  }
}`,
});

/** mean += op.ema_rate (w - mean) over one page, where the averaging must follow a constraint. */
export const averageWeights = kernel({
  name: 'average_weights',
  bindings: { w: 'read', mean: 'write' },
  vec4: ['w', 'mean'],
  step: () => ({ ema_rate: 'f32' }),
  grid: (p: { n: number }, d) => each(ceilDiv(p.n, 4), d).grid,
  code: (p, d) => each(ceilDiv(p.n, 4), d).main('    mean[i] += op.ema_rate * (w[i] - mean[i]);'),
});
