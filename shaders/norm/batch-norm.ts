/** Batch normalisation: its application and its gradients. Nothing here divides by a runtime value per element. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from '../kernel/epilogue.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { kernel, variants, type Grid, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, each, MAX_GRID } from '../kernel/loops.ts';
import { totalNeeds } from '../kernel/total.ts';
import { float } from '../kernel/wgsl.ts';
import { overChannels, overChannelsGrid, partialAt, runs, vec4Variant, workers, type Channels, type Loop } from './moments.ts';

/** x [n, c, hw]. */
export interface BatchNorm {
  n: number;
  c: number;
  hw: number;
  affine: boolean;
  epilogue?: readonly Epilogue[];
}

/** By the `stats` of the batch, or by running `mean` and `variance`; `linear` leaves out mean and bias, as for a gradient. */
export type BatchNormApply = BatchNorm & ({ by: 'batch' } | { by: 'running'; eps: number; linear?: boolean });

/** Images that one workgroup takes of its channel: enough that starting it does not count. */
const perWorkgroup = (p: BatchNorm, d: Profile) => Math.min(p.n, ceilDiv((d.lanes ? 96 : 4) * workers(d) * 4, p.hw));

/** A workgroup for each channel and some images: what belongs to the channel is read once, in `before`. */
const applied = (p: BatchNorm, d: Profile, vec4: boolean, { before, body }: Omit<Loop, 'after'>) => {
  const hw = vec4 ? p.hw / 4 : p.hw;
  const per = perWorkgroup(p, d);
  return (
    finish(p.epilogue, vec4 ? 'vec4f' : 'f32') +
    wgsl`
@compute @workgroup_size(${workers(d)})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let c = group.y + group.z * ${MAX_GRID}u;
  if (c >= ${p.c}u) { return; }
  let start = group.x * ${per}u;
  let values = min(${per}u, ${p.n}u - start) * ${hw}u;
  ${before}
  for (var j = lane; j < values; j += ${workers(d)}u) {
    let i = ((start + j / ${hw}u) * ${p.c}u + c) * ${hw}u + j % ${hw}u;
    ${body}
  }
}`
  );
};
const appliedGrid = (p: BatchNorm, d: Profile): Grid => [ceilDiv(p.n, perWorkgroup(p, d)), Math.min(p.c, MAX_GRID), ceilDiv(p.c, MAX_GRID)];

const applyVariant = (vec4: boolean): Variant<BatchNormApply> => ({
  ...(vec4 ? { ...vec4Variant, vec4: ['x', 'y', 'e0', 'e1'] } : { name: 'plain' }),
  grid: appliedGrid,
  code: (p, d) => {
    const mean = p.by === 'batch' ? 'stats[c]' : 'mean[c]';
    const inverse = p.by === 'batch' ? `stats[${p.c}u + c]` : `1.0 / sqrt(variance[c] + ${float(p.eps)})`;
    const linear = p.by === 'running' && p.linear;
    return applied(p, d, vec4, {
      before: `
  let shift = ${linear ? '0.0' : mean};
  let factor = ${inverse}${p.affine ? ' * weight[c]' : ''};
  let offset = ${p.affine && !linear ? 'bias[c]' : '0.0'};`,
      body: 'y[i] = finish((x[i] - shift) * factor + offset, i);',
    });
  },
});

/** y = (x - mean) / deviation * weight + bias, by `stats` of the batch, or by `mean` and `variance`. */
export const batchNormApply = variants({
  name: 'batch_norm_apply',
  bindings: {
    x: 'read',
    stats: 'read?',
    mean: 'read?',
    variance: 'read?',
    weight: 'read?',
    bias: 'read?',
    y: 'write',
    ...epilogueBindings,
  },
  epilogue: 'y',
  variants: [applyVariant(true), applyVariant(false)],
});

/**
 * A convolution's weight [o, size] and bias [o] with the batch normalisation after it taken in: weight gamma / deviation, (bias - mean)
 * gamma / deviation + beta.
 */
export const foldBatchNorm = kernel({
  name: 'fold_batch_norm',
  bindings: {
    weight: 'read',
    bias: 'read?',
    mean: 'read',
    variance: 'read',
    gamma: 'read?',
    beta: 'read?',
    folded: 'write',
    shift: 'write',
  },
  grid: (p: { o: number; size: number; eps: number; bias: boolean; affine: boolean }, d) => each(p.o * p.size, d).grid,
  code: (p, d) =>
    each(p.o * p.size, d).main(wgsl`
    let o = i / ${p.size}u;
    let factor = ${p.affine ? 'gamma[o]' : '1.0'} / sqrt(variance[o] + ${float(p.eps)});
    folded[i] = weight[i] * factor;
    if (i % ${p.size}u == 0u) { shift[o] = (${p.bias ? 'bias[o] ' : ''}- mean[o]) * factor${p.affine ? ' + beta[o]' : ''}; }`),
});

const sumsVariant = (vec4: boolean): Variant<Channels> => ({
  ...(vec4 ? { ...vec4Variant, vec4: ['x', 'dy'] } : { name: 'plain' }),
  needs: totalNeeds,
  grid: overChannelsGrid,
  code: (p, d) =>
    overChannels(p, d, vec4, {
      before: 'let mean = stats[c];',
      body: `
    let v = dy[i];
    first += v;
    second += v * (x[i] - mean);`,
      after: `
    partial[out] = total.x;
    partial[out + 1u] = total.y;`,
    }),
});

/** partial [split, c, 2]: the sums of dy and of dy (x - mean), of each channel in each run of images. */
export const batchNormSums = variants({
  name: 'batch_norm_sums',
  bindings: { x: 'read', dy: 'read', stats: 'read', partial: 'write' },
  variants: [sumsVariant(true), sumsVariant(false)],
});

/** means [2, c]: mean of dy, and of dy xhat over the deviation (what dx needs); gradients of weight and bias. */
export const batchNormGradients = kernel({
  name: 'batch_norm_gradients',
  bindings: { partial: 'read f32', stats: 'read', means: 'write f32', dweight: 'write?', dbias: 'write?' },
  step: (p: Channels & { gradient?: Gradient; affine: boolean }) => accumulates(p.gradient),
  grid: (p, d) => each(p.c, d).grid,
  code: (p, d) =>
    each(p.c, d).main(wgsl`
    var sum = 0.0; var product = 0.0;
    let inverse = stats[${p.c}u + i];
    for (var r = 0u; r < ${runs(p)}u; r++) {
      sum += ${partialAt(p)[0]};
      product += ${partialAt(p)[1]};
    }
    means[i] = sum * ${1 / (p.n * p.hw)};
    means[${p.c}u + i] = product * inverse * inverse * ${1 / (p.n * p.hw)};
    #if ${p.affine}
    { let v = product * inverse; dweight[i] = ${accumulated(p.gradient, 'dweight[i]')}; }
    { let v = sum; dbias[i] = ${accumulated(p.gradient, 'dbias[i]')}; }
    #endif`),
});

const backwardVariant = (vec4: boolean): Variant<BatchNorm> => ({
  ...(vec4 ? { ...vec4Variant, vec4: ['x', 'dy', 'dx', 'e0', 'e1'] } : { name: 'plain' }),
  grid: appliedGrid,
  code: (p, d) =>
    applied(p, d, vec4, {
      before: `
  let mean = stats[c]; let first = means[c]; let second = means[${p.c}u + c];
  let factor = stats[${p.c}u + c]${p.affine ? ' * weight[c]' : ''};`,
      body: 'dx[i] = finish((dy[i] - first - (x[i] - mean) * second) * factor, i);',
    }),
});

/** dx = weight / deviation (dy - mean(dy) - xhat mean(dy xhat)), the batch's statistics being functions of x. */
export const batchNormBackward = variants({
  name: 'batch_norm_backward',
  bindings: { x: 'read', dy: 'read', stats: 'read', means: 'read', weight: 'read?', dx: 'write', ...epilogueBindings },
  epilogue: 'dx',
  variants: [backwardVariant(true), backwardVariant(false)],
});
