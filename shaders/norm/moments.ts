/** Sums over each channel of a batch, and the means, variances and gradients that normalisation takes from them. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/define.ts';
import { accumulates, type Gradient } from '../kernel/gradient.ts';
import { rows, values } from '../kernel/loops.ts';
import { totalNeeds } from '../kernel/total.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import { channelThreads, overRuns, partialAt, planeOf, runs, storedSums, valuesOf, type Channels } from './channels.ts';
import { firstMean, products, secondMean, storedGradients } from './gradients.ts';
import { joinsGradients, joinsMoments, joinsMomentsOfRun, joinsSumsOfRun } from './joins.ts';
import { distances, fromRuns, meanOfRun, momentsOf, squared, squaresOfRun, storedStatistics, type Statistics } from './statistics.ts';

/** partial [split, c, 2]: mean and sum of squared distances from it, of each channel in each run of images, or of pixels. */
export const moments = kernel({
  name: 'moments',
  bindings: { x: 'read', partial: 'write' },
  joins: [joinsMomentsOfRun],
  needs: totalNeeds,
  vec4: { of: ['x'], where: (p: Channels) => fitsVec4(planeOf(p)) },
  over: overRuns,
  body: (p, d) =>
    storedSums(
      p,
      d,
      distances(p, d),
      `${momentsOf(valuesOf(p, 'group.z'))}
    partial[out] = mean;
    partial[out + 1u] = squares;`,
    ),
});

export type JoinMoments = Channels & Statistics;

/** stats [2, c] = mean and 1 / sqrt(biased variance + eps). Running statistics move by `momentum`, the variance being the unbiased one. */
export const joinMoments = kernel({
  name: 'join_moments',
  bindings: { partial: 'read f32', stats: 'write f32', running_mean: 'write?', running_var: 'write?' },
  joins: [joinsMoments],
  variants: [
    {
      name: 'wide', // the many runs of a convolution's own statistics: a workgroup for each channel
      fits: (p: JoinMoments) => runs(p) > 32,
      needs: totalNeeds,
      over: (p, d) => rows(p.c, channelThreads(d)),
      body: (p, d) => {
        const { declared, found } = fromRuns(p, d);
        return {
          declared,
          each: `
  let c = row;
  ${found}
  if (lane == 0u) {${storedStatistics(p, d)}
  }`,
        };
      },
    },
    {
      over: (p: JoinMoments, d) => values(p.c, d),
      body: (p, d) => ({
        declared: squared,
        each: `
    let c = i;
    var mean = 0.0; var squares = 0.0;
    for (var r = 0u; r < ${runs(p)}u; r++) { mean += ${meanOfRun(p)}; }
    for (var r = 0u; r < ${runs(p)}u; r++) { squares += ${squaresOfRun(p)}; }
    ${storedStatistics(p, d)}`,
      }),
    },
  ],
});

/** partial [split, c, 2]: the sums of dy and of dy (x - mean), of each channel in each run of images, or of pixels. */
export const batchNormSums = kernel({
  name: 'batch_norm_sums',
  bindings: { x: 'read', dy: 'read', stats: 'read', partial: 'write' },
  joins: [joinsSumsOfRun],
  needs: totalNeeds,
  vec4: { of: ['x', 'dy'], where: p => fitsVec4(planeOf(p)) },
  over: overRuns,
  body: (p, d) =>
    storedSums(
      p,
      d,
      { ...products, before: 'let mean = stats[c];' },
      `
    partial[out] = total.x;
    partial[out + 1u] = total.y;`,
    ),
});

/** means [2, c]: mean of dy, and of dy xhat over the deviation (what dx needs); gradients of weight and bias. */
export const batchNormGradients = kernel({
  name: 'batch_norm_gradients',
  bindings: { partial: 'read f32', stats: 'read', means: 'write f32', dweight: 'write?', dbias: 'write?' },
  joins: [joinsGradients],
  step: (p: Channels & { gradient?: Gradient }) => accumulates(p.gradient),
  over: (p, d) => values(p.c, d),
  body: (p, d) => wgsl`
    let c = i;
    var sum = 0.0; var product = 0.0;
    for (var r = 0u; r < ${runs(p)}u; r++) {
      sum += ${partialAt(p)[0]};
      product += ${partialAt(p)[1]};
    }
    let inverse = stats[${p.c}u + c];
    means[c] = ${firstMean(p, d)};
    means[${p.c}u + c] = ${secondMean(p, d)};
    ${storedGradients(p.gradient)}`,
});
