/**
 * Layer, group and instance normalisation (Ba 2016, Wu & He 2018, Ulyanov 2016) are one family: sets of neighbouring values, each by its own
 * mean and variance, then weight and bias by element (layer norm) or by channel. `moments` and `joinMoments` (moments.ts) take each set as a channel of one image.
 */
import { kernel, type Target } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { rows, threads, values } from '../kernel/loops.ts';
import { total, totalNeeds } from '../kernel/total.ts';
import { fitsVec4, range, type Width } from '../kernel/wgsl.ts';

/** `sets` of `size` values; value i has weight number i / span % count, or none where `count` is 0. */
export interface SetNorm {
  sets: number;
  size: number;
  span: number;
  count: number;
  gradient?: Gradient;
  epilogue?: readonly Epilogue[];
}

/** Whether four neighbouring values have one weight, or four that lie side by side. */
const takesVec4 = (p: SetNorm) => fitsVec4(p.size) && (!p.count || fitsVec4(p.span) || (p.span === 1 && fitsVec4(p.count)));

/** WGSL: weight (or bias) of value `i`, or of the four values of vec4 `i`. */
const scaleAt = (p: SetNorm, { width }: Width, name: string, without: string): string => {
  if (!p.count) return without;
  if (width === 1) return `${name}[i / ${p.span}u % ${p.count}u]`;
  if (p.span > 1) return `${name}[i / ${p.span / 4}u % ${p.count}u]`;
  return `vec4f(${range(4)
    .map(j => `${name}[i % ${p.count / 4}u * 4u + ${j}u]`)
    .join(', ')})`;
};

/** All values (or vec4), numbered `i`. */
const over = (p: SetNorm, d: Target) => values((p.sets * p.size) / d.width, d);
/** WGSL: the set that `i` belongs to. */
const set = (p: SetNorm, d: Target) => `let s = i / ${p.size / d.width}u;`;

/** y = (x - mean) / deviation * weight + bias; stats [2, sets]. */
export const setNormApply = kernel({
  name: 'set_norm_apply',
  bindings: { x: 'read', stats: 'read', weight: 'read?', bias: 'read?', y: 'write' },
  epilogue: 'y',
  vec4: { of: ['x', 'y'], where: takesVec4 },
  over,
  body: (p, d) => {
    const weight = scaleAt(p, d, 'weight', '1.0');
    const bias = scaleAt(p, d, 'bias', `${d.type}(0.0)`);
    return `
    ${set(p, d)}
    y[i] = finish((x[i] - stats[s]) * stats[${p.sets}u + s] * ${weight} + ${bias}, i);`;
  },
});

/** Two sums over `size` values of each row: `add` adds value `j` to the vec2f `sums`, and `store` uses their `total`. */
function rowSums(d: Target, { size, add, store }: { size: number; add: string; store: string }) {
  const { declared, of } = total(d, threads(d), { type: 'vec2f' });
  return {
    declared,
    each: `
  var sums = vec2f(0.0);
  for (var j = lane; j < ${size}u; j += ${threads(d)}u) {
    ${add}
  }
  ${of('sums')}
  if (lane == 0u) {
    ${store}
  }`,
  };
}

/** means [2, sets]: mean of dy weight, and of dy weight xhat over the deviation. One workgroup per set. */
export const setNormSums = kernel({
  name: 'set_norm_sums',
  bindings: { x: 'read', dy: 'read', stats: 'read', weight: 'read?', means: 'write f32' },
  needs: totalNeeds,
  over: (p: SetNorm, d) => rows(p.sets, threads(d)),
  body: (p, d) =>
    rowSums(d, {
      size: p.size,
      add: `
    let i = row * ${p.size}u + j;
    let v = dy[i] * ${scaleAt(p, d, 'weight', '1.0')};
    sums += vec2f(v, v * (x[i] - stats[row]));`,
      store: `
    let inverse = stats[${p.sets}u + row];
    means[row] = total.x * ${1 / p.size};
    means[${p.sets}u + row] = total.y * inverse * inverse * ${1 / p.size};`,
    }),
});

/** Gradients of weight and bias [count]: sums of dy xhat and dy over all values that they scale. One workgroup each. */
export const setNormGradients = kernel({
  name: 'set_norm_gradients',
  bindings: { x: 'read', dy: 'read', stats: 'read', dweight: 'write', dbias: 'write' },
  step: (p: SetNorm) => accumulates(p.gradient),
  needs: totalNeeds,
  over: (p, d) => rows(p.count, threads(d)),
  body: (p, d) =>
    rowSums(d, {
      size: (p.sets * p.size) / p.count,
      add: `
    let i = (j / ${p.span}u * ${p.count}u + row) * ${p.span}u + j % ${p.span}u;
    let s = i / ${p.size}u;
    sums += dy[i] * vec2f((x[i] - stats[s]) * stats[${p.sets}u + s], 1.0);`,
      store: `
    { let v = total.x; dweight[row] = ${accumulated(p.gradient, 'dweight[row]')}; }
    { let v = total.y; dbias[row] = ${accumulated(p.gradient, 'dbias[row]')}; }`,
    }),
});

/** dx = (dy weight - mean(dy weight) - xhat mean(dy weight xhat)) / deviation; where x is a parameter, dx is its gradient. */
export const setNormBackward = kernel({
  name: 'set_norm_backward',
  bindings: { x: 'read', dy: 'read', stats: 'read', means: 'read', weight: 'read?', dx: 'write' },
  epilogue: 'dx',
  step: p => accumulates(p.gradient),
  vec4: { of: ['x', 'dy', 'dx'], where: takesVec4 },
  over,
  body: (p, d) => `
    ${set(p, d)}
    let dxhat = dy[i] * ${scaleAt(p, d, 'weight', '1.0')};
    let v = finish((dxhat - means[s] - (x[i] - stats[s]) * means[${p.sets}u + s]) * stats[${p.sets}u + s], i);
    dx[i] = ${accumulated(p.gradient, 'dx[i]')};`,
});
