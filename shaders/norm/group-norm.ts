/**
 * Layer, group and instance normalisation are one family: sets of neighbouring values, each by its own mean and variance, then weight and
 * bias by element (layer norm) or by channel. `moments` and `joinMoments` (moments.ts) take each set as a channel of one image.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from '../kernel/epilogue.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { kernel, variants, type Profile, type Variant } from '../kernel/kernel.ts';
import { each, fold, MAX_GRID } from '../kernel/loops.ts';
import { total, totalNeeds } from '../kernel/total.ts';

/** `sets` of `size` values; value i has weight number i / span % count, or none where `count` is 0. */
export interface SetNorm {
  sets: number;
  size: number;
  span: number;
  count: number;
  gradient?: Gradient;
  epilogue?: readonly Epilogue[];
}

const workers = (d: Profile) => d.lanes || Math.min(64, d.maxWorkgroup);

/** Whether four neighbouring values have one weight, or four that lie side by side. */
const inFours = (p: SetNorm) => p.size % 4 === 0 && (!p.count || p.span % 4 === 0 || (p.span === 1 && p.count % 4 === 0));

/** WGSL: weight (or bias) of value `i`, or of the four values of vec4 `i`. */
const scaleAt = (p: SetNorm, vec4: boolean, name: string, without: string): string => {
  if (!p.count) return without;
  if (!vec4) return `${name}[i / ${p.span}u % ${p.count}u]`;
  if (p.span > 1) return `${name}[i / ${p.span / 4}u % ${p.count}u]`;
  return `vec4f(${[0, 1, 2, 3].map(j => `${name}[i % ${p.count / 4}u * 4u + ${j}u]`).join(', ')})`;
};

/** WGSL `body` for each value (or four), numbered `i`, of the set numbered `s`. */
function elementwise(vec4: boolean, tensors: string[], body: (p: SetNorm, type: 'f32' | 'vec4f') => string): Variant<SetNorm> {
  const type = vec4 ? 'vec4f' : 'f32';
  const width = vec4 ? 4 : 1;
  return {
    ...(vec4 ? { name: 'vec4', fits: inFours, vec4: [...tensors, 'e0', 'e1'] } : { name: 'plain' }),
    grid: (p, d) => each((p.sets * p.size) / width, d).grid,
    code: (p, d) =>
      finish(p.epilogue, type) +
      each((p.sets * p.size) / width, d).main(`
    let s = i / ${p.size / width}u;
    ${body(p, type)}`),
  };
}

const applied = (vec4: boolean) =>
  elementwise(vec4, ['x', 'y'], (p, type) => {
    const weight = scaleAt(p, vec4, 'weight', '1.0');
    const bias = scaleAt(p, vec4, 'bias', `${type}(0.0)`);
    return `y[i] = finish((x[i] - stats[s]) * stats[${p.sets}u + s] * ${weight} + ${bias}, i);`;
  });

/** y = (x - mean) / deviation * weight + bias; stats [2, sets]. */
export const setNormApply = variants({
  name: 'set_norm_apply',
  bindings: { x: 'read', stats: 'read', weight: 'read?', bias: 'read?', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  variants: [applied(true), applied(false)],
});

/** A workgroup for each of `count` places `at`: `add` adds value `j` of `size` to the vec2f `sums`, and `write` uses their `total`. */
function sums(d: Profile, { count, size, add, write }: { count: number; size: number; add: string; write: string }): string {
  const { declared, of } = total(d, workers(d), { type: 'vec2f' });
  return (
    declared +
    wgsl`
@compute @workgroup_size(${workers(d)})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let at = group.x + group.y * ${MAX_GRID}u;
  if (at >= ${count}u) { return; }
  var sums = vec2f(0.0);
  for (var j = lane; j < ${size}u; j += ${workers(d)}u) {
    ${add}
  }
  ${of('sums')}
  if (lane == 0u) {
    ${write}
  }
}`
  );
}

/** means [2, sets]: mean of dy weight, and of dy weight xhat over the deviation. One workgroup per set. */
export const setNormSums = kernel({
  name: 'set_norm_sums',
  bindings: { x: 'read', dy: 'read', stats: 'read', weight: 'read?', means: 'write f32' },
  needs: totalNeeds,
  grid: (p: SetNorm) => fold(p.sets),
  code: (p, d) =>
    sums(d, {
      count: p.sets,
      size: p.size,
      add: `
    let i = at * ${p.size}u + j; let s = at;
    let v = dy[i] * ${scaleAt(p, false, 'weight', '1.0')};
    sums += vec2f(v, v * (x[i] - stats[s]));`,
      write: `
    let inverse = stats[${p.sets}u + at];
    means[at] = total.x * ${1 / p.size};
    means[${p.sets}u + at] = total.y * inverse * inverse * ${1 / p.size};`,
    }),
});

/** Gradients of weight and bias [count]: sums of dy xhat and dy over all values that they scale. One workgroup each. */
export const setNormGradients = kernel({
  name: 'set_norm_gradients',
  bindings: { x: 'read', dy: 'read', stats: 'read', dweight: 'write', dbias: 'write' },
  step: (p: SetNorm) => accumulates(p.gradient),
  needs: totalNeeds,
  grid: p => fold(p.count),
  code: (p, d) =>
    sums(d, {
      count: p.count,
      size: (p.sets * p.size) / p.count,
      add: `
    let i = (j / ${p.span}u * ${p.count}u + at) * ${p.span}u + j % ${p.span}u;
    let s = i / ${p.size}u;
    sums += dy[i] * vec2f((x[i] - stats[s]) * stats[${p.sets}u + s], 1.0);`,
      write: `
    { let v = total.x; dweight[at] = ${accumulated(p.gradient, 'dweight[at]')}; }
    { let v = total.y; dbias[at] = ${accumulated(p.gradient, 'dbias[at]')}; }`,
    }),
});

const backward = (vec4: boolean) =>
  elementwise(vec4, ['x', 'dy', 'dx'], p => {
    const dxhat = `dy[i] * ${scaleAt(p, vec4, 'weight', '1.0')}`;
    return `
    let v = finish((${dxhat} - means[s] - (x[i] - stats[s]) * means[${p.sets}u + s]) * stats[${p.sets}u + s], i);
    dx[i] = ${accumulated(p.gradient, 'dx[i]')};`;
  });

/** dx = (dy weight - mean(dy weight) - xhat mean(dy weight xhat)) / deviation; where x is a parameter, dx is its gradient. */
export const setNormBackward = variants({
  name: 'set_norm_backward',
  bindings: { x: 'read', dy: 'read', stats: 'read', means: 'read', weight: 'read?', dx: 'write', ...epilogueBindings },
  epilogue: 'dx',
  step: p => accumulates(p.gradient),
  variants: [backward(true), backward(false)],
});
