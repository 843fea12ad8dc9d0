/**
 * Batch normalisation of a training step in one call each way: its workgroups find the statistics of their channel themselves, from those of
 * runs or, where one workgroup takes all of a channel, from its values; the first of them stores what lasts.
 */
import { kernel, type Target } from '../kernel/define.ts';
import { accumulates, type Gradient } from '../kernel/gradient.ts';
import { totalNeeds } from '../kernel/total.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import { applied, appliedBackward, batchNormApply, type BatchNorm } from './batch-norm.ts';
import { channels, overChannels, runs, sizesBy, sizesIn, type ByRuns } from './channels.ts';
import { firstMean, gradientsFromRuns, gradientsFromValues, secondMean, storedGradients } from './gradients.ts';
import { fromRuns, fromValues, inverseOf, storedStatistics, type Statistics } from './statistics.ts';

export interface Training extends BatchNorm, ByRuns, Statistics {}

export interface TrainingBackward extends BatchNorm, ByRuns {
  gradient?: Gradient;
}

/** A workgroup takes some images of a channel, enough that the numbers of its runs cost little beside them; without runs all of them. */
const over = (p: ByRuns, d: Target) => (p.runs ? overChannels(p, d, 8 * runs(p.runs)) : channels(p, p.n, d, false));
const sizes = sizesBy((p: ByRuns) => p.n);

/** WGSL: what a channel's first workgroup does alone. */
const once = (statements: string) => `
  if (group.x == 0u && lane == 0u) {
    ${statements}
  }`;

/** As `moments`, `joinMoments` and `batchNormApply` one after another. */
export const batchNormTraining = kernel({
  name: 'batch_norm',
  bindings: {
    x: 'read',
    partial: 'read f32?',
    stats: 'write f32',
    running_mean: 'write?',
    running_var: 'write?',
    weight: 'read?',
    bias: 'read?',
    y: 'write',
  },
  epilogue: 'y',
  needs: totalNeeds,
  vec4: { of: ['x', 'y'], where: (p: Training) => fitsVec4(p.hw) },
  repeated: call => {
    const { n, c, hw, affine, epilogue } = call.params;
    const { partial, running_mean, running_var, ...tensors } = call.tensors;
    return { ...call, kernel: batchNormApply, params: { n, c, hw, affine, by: 'batch', epilogue }, tensors };
  },
  sizes,
  over,
  body: (p, d) => {
    const { declared, found } = p.runs ? fromRuns(p.runs, d) : fromValues(p, d);
    const { before, each } = applied(p.affine, 'mean', inverseOf(p, d));
    return { declared, before: found + once(storedStatistics(p, d)) + before, each };
  },
});

/** As `batchNormSums`, `batchNormGradients` and `batchNormBackward` one after another. */
export const batchNormTrainingBackward = kernel({
  name: 'batch_norm_gradient',
  bindings: {
    x: 'read',
    dy: 'read',
    stats: 'read',
    partial: 'read f32?',
    weight: 'read?',
    dx: 'write',
    dweight: 'write?',
    dbias: 'write?',
  },
  epilogue: 'dx',
  step: (p: TrainingBackward) => accumulates(p.gradient),
  needs: totalNeeds,
  vec4: { of: ['x', 'dy', 'dx'], where: p => fitsVec4(p.hw) },
  sizes,
  over,
  body: (p, d) => {
    const { declared, found } = p.runs ? gradientsFromRuns(p.runs, d) : gradientsFromValues(p, d);
    const { before, each } = appliedBackward(p, d, firstMean(p, d), secondMean(p, d));
    return {
      declared,
      before: `
  let mean = stats[c]; let inverse = stats[${sizesIn(p, d).c} + c];
  ${found}${once(storedGradients(p.gradient))}${before}`,
      each,
    };
  },
});
