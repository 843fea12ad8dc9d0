/** Batch normalisation (Ioffe & Szegedy 2015) by statistics that are known. Nothing here divides by a runtime value per element. */
import { kernel, type LoopParts } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import type { Profile } from '../kernel/kernel.ts';
import { values } from '../kernel/loops.ts';
import { fitsVec4, float } from '../kernel/wgsl.ts';
import { imagesOf, overChannels, sizesBy, sizesIn, type ChannelSizes } from './channels.ts';

/** x [n, c, hw]. */
export interface BatchNorm extends ChannelSizes {
  affine: boolean;
  epilogue?: readonly Epilogue[];
}

/** By the `stats` of the batch, or by running `mean` and `variance`; `linear` leaves out mean and bias, as for a gradient. */
export type BatchNormApply = BatchNorm & ({ by: 'batch' } | { by: 'running'; eps: number; linear?: boolean });

/** WGSL of what a channel's `mean` and `inverse` deviation make of its values: `linear` leaves out mean and bias. */
export const applied = (affine: boolean, mean: string, inverse: string, linear = false): LoopParts => ({
  before: `
  let shift = ${linear ? '0.0' : mean};
  let factor = ${inverse}${affine ? ' * weight[c]' : ''};
  let offset = ${affine && !linear ? 'bias[c]' : '0.0'};`,
  each: 'y[i] = finish((x[i] - shift) * factor + offset, i);',
});

/** WGSL of the gradient of a channel's values by the two means of the gradient that it takes (see batchNormGradients); `mean` is that of x. */
export const appliedBackward = (p: BatchNorm, d: Profile, first: string, second: string): LoopParts => ({
  before: `
  let first = ${first}; let second = ${second};
  let factor = stats[${sizesIn(p, d).c} + c]${p.affine ? ' * weight[c]' : ''};`,
  each: 'dx[i] = finish((dy[i] - first - (x[i] - mean) * second) * factor, i);',
});

/** y = (x - mean) / deviation * weight + bias, by `stats` of the batch, or by `mean` and `variance`. */
export const batchNormApply = kernel({
  name: 'batch_norm_apply',
  bindings: { x: 'read', stats: 'read?', mean: 'read?', variance: 'read?', weight: 'read?', bias: 'read?', y: 'write' },
  epilogue: 'y',
  vec4: { of: ['x', 'y'], where: p => fitsVec4(p.hw) },
  sizes: sizesBy<BatchNormApply>(imagesOf),
  over: overChannels,
  body: (p: BatchNormApply, d) =>
    p.by === 'batch'
      ? applied(p.affine, 'stats[c]', `stats[${sizesIn(p, d).c} + c]`)
      : applied(p.affine, 'mean[c]', `1.0 / sqrt(variance[c] + ${float(p.eps)})`, p.linear),
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

/** dx = weight / deviation (dy - mean(dy) - xhat mean(dy xhat)), xhat = (x - mean) / deviation, the batch's statistics being functions of x. */
export const batchNormBackward = kernel({
  name: 'batch_norm_backward',
  bindings: { x: 'read', dy: 'read', stats: 'read', means: 'read', weight: 'read?', dx: 'write' },
  epilogue: 'dx',
  vec4: { of: ['x', 'dy', 'dx'], where: p => fitsVec4(p.hw) },
  sizes: sizesBy<BatchNorm>(imagesOf),
  over: overChannels,
  body: (p: BatchNorm, d) => {
    const { before, each } = appliedBackward(p, d, 'means[c]', `means[${sizesIn(p, d).c} + c]`);
    return { before: `let mean = stats[c];${before}`, each };
  },
});
