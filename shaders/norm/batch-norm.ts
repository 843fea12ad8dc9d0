/** Batch normalisation: its application and its gradients. Nothing here divides by a runtime value per element. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel, type Target } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { isSoftware } from '../kernel/kernel.ts';
import { ceilDiv, values, type Loop } from '../kernel/loops.ts';
import { totalNeeds } from '../kernel/total.ts';
import { fitsVec4, float } from '../kernel/wgsl.ts';
import { channels, channelSums, channelThreads, overRuns, partialAt, runs, type Channels } from './moments.ts';

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

/** A workgroup takes enough images of its channel that starting it does not count; what belongs to the channel is read once, before. */
const overChannels = (p: BatchNorm, d: Target): Loop => {
  const images = ceilDiv((isSoftware(d) ? 96 : 4) * channelThreads(d) * 4, p.hw);
  return channels(p, Math.min(p.n, images), d, false);
};

/** y = (x - mean) / deviation * weight + bias, by `stats` of the batch, or by `mean` and `variance`. */
export const batchNormApply = kernel({
  name: 'batch_norm_apply',
  bindings: { x: 'read', stats: 'read?', mean: 'read?', variance: 'read?', weight: 'read?', bias: 'read?', y: 'write' },
  epilogue: 'y',
  vec4: { of: ['x', 'y'], where: p => fitsVec4(p.hw) },
  over: overChannels,
  body: (p: BatchNormApply) => {
    const mean = p.by === 'batch' ? 'stats[c]' : 'mean[c]';
    const inverse = p.by === 'batch' ? `stats[${p.c}u + c]` : `1.0 / sqrt(variance[c] + ${float(p.eps)})`;
    const linear = p.by === 'running' && p.linear;
    return {
      before: `
  let shift = ${linear ? '0.0' : mean};
  let factor = ${inverse}${p.affine ? ' * weight[c]' : ''};
  let offset = ${p.affine && !linear ? 'bias[c]' : '0.0'};`,
      each: 'y[i] = finish((x[i] - shift) * factor + offset, i);',
    };
  },
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
  over: (p: { o: number; size: number; eps: number; bias: boolean; affine: boolean }, d) => values(p.o * p.size, d),
  body: p => `
    let o = i / ${p.size}u;
    let factor = ${p.affine ? 'gamma[o]' : '1.0'} / sqrt(variance[o] + ${float(p.eps)});
    folded[i] = weight[i] * factor;
    if (i % ${p.size}u == 0u) { shift[o] = (${p.bias ? 'bias[o] ' : ''}- mean[o]) * factor${p.affine ? ' + beta[o]' : ''}; }`,
});

/** partial [split, c, 2]: the sums of dy and of dy (x - mean), of each channel in each run of images. */
export const batchNormSums = kernel({
  name: 'batch_norm_sums',
  bindings: { x: 'read', dy: 'read', stats: 'read', partial: 'write' },
  needs: totalNeeds,
  vec4: { of: ['x', 'dy'], where: p => fitsVec4(p.hw) },
  over: overRuns,
  body: (p, d) =>
    channelSums(p, d, {
      before: 'let mean = stats[c];',
      each: `
    let v = dy[i];
    first += v;
    second += v * (x[i] - mean);`,
      store: `
    partial[out] = total.x;
    partial[out + 1u] = total.y;`,
    }),
});

/** means [2, c]: mean of dy, and of dy xhat over the deviation (what dx needs); gradients of weight and bias. */
export const batchNormGradients = kernel({
  name: 'batch_norm_gradients',
  bindings: { partial: 'read f32', stats: 'read', means: 'write f32', dweight: 'write?', dbias: 'write?' },
  step: (p: Channels & { gradient?: Gradient; affine: boolean }) => accumulates(p.gradient),
  over: (p, d) => values(p.c, d),
  body: p => wgsl`
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
    #endif`,
});

/** dx = weight / deviation (dy - mean(dy) - xhat mean(dy xhat)), the batch's statistics being functions of x. */
export const batchNormBackward = kernel({
  name: 'batch_norm_backward',
  bindings: { x: 'read', dy: 'read', stats: 'read', means: 'read', weight: 'read?', dx: 'write' },
  epilogue: 'dx',
  vec4: { of: ['x', 'dy', 'dx'], where: p => fitsVec4(p.hw) },
  over: overChannels,
  body: p => ({
    before: `
  let mean = stats[c]; let first = means[c]; let second = means[${p.c}u + c];
  let factor = stats[${p.c}u + c]${p.affine ? ' * weight[c]' : ''};`,
    each: 'dx[i] = finish((dy[i] - first - (x[i] - mean) * second) * factor, i);',
  }),
});
