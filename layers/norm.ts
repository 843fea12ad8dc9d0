import { check, show } from '../engine/check.ts';
import { product, type Layer } from '../engine/graph.ts';
import { batchNormApply, batchNormBackward, batchNormGradients, batchNormSums, joinMoments, moments, momentSplits } from '../shaders/norm.ts';
import { constant } from './init.ts';

export interface BatchNormOptions { eps?: number; momentum?: number; affine?: boolean }

/**
 * Batch normalisation (Ioffe & Szegedy 2015), as torch.nn.BatchNorm2d. [n, c, …] -> the same; weight, bias, running_mean, running_var [c].
 * Training: by mean and biased variance of the batch, towards which the running statistics (its variance unbiased) move by `momentum`.
 * Evaluation: by the running statistics.
 */
export const batchNorm = ({ eps = 1e-5, momentum = 0.1, affine = true }: BatchNormOptions = {}): Layer => (g, x) => {
  const [n, c] = x.shape as [number, number], hw = product(x.shape.slice(2)), who = g.path ? `batchNorm ${g.path}` : 'batchNorm';
  check(x.shape.length >= 2, `${who}: input is ${show(x.shape)}, expected [batch, channels, …]`);
  const weight = affine ? g.param('weight', [c], constant(1)) : undefined, bias = affine ? g.param('bias', [c], constant(0)) : undefined;
  const running_mean = g.lasting('buffer', 'running_mean', [c], constant(0)), running_var = g.lasting('buffer', 'running_var', [c], constant(1));
  const p = { n, c, hw, affine }, y = g.tensor(x.shape), scaled = { weight: weight?.value, bias: bias?.value };

  if (!g.training) {
    const variance = running_var, evaluated = { ...p, eps };
    g.run(batchNormApply, evaluated, { x, mean: running_mean, variance, ...scaled, y });
    return g.record([x], y, dy => { // of the input alone: for attacks on a trained model
      const dx = g.tensor(x.shape);
      g.run(batchNormApply, { ...evaluated, linear: true }, { x: dy, variance, weight: weight?.value, y: dx });
      return [dx];
    });
  }

  check(n * hw > 1, `${who}: one value for each channel (input ${show(x.shape)}) has no variance; use a larger batch or images`);
  const channels = { n, c, hw, split: momentSplits(p, g.profile) };
  const partial = g.tensor([channels.split, c, 2]), stats = g.tensor([2, c]);
  g.run(moments, channels, { x, partial });
  g.run(joinMoments, { ...channels, eps, momentum }, { partial, stats, running_mean, running_var });
  g.run(batchNormApply, p, { x, stats, ...scaled, y });

  return g.record([x], y, dy => {
    const sums = g.tensor(partial.shape), means = g.tensor([2, c]);
    const gradient = weight && bias && (g.gradient(weight.grad), g.gradient(bias.grad));
    g.run(batchNormSums, channels, { x, dy, stats, partial: sums });
    g.run(batchNormGradients, { ...channels, affine, gradient }, { partial: sums, stats, means, dweight: weight?.grad, dbias: bias?.grad });
    if (!g.wantsGrad(x)) return [undefined];
    const dx = g.tensor(x.shape);
    g.run(batchNormBackward, p, { x, dy, stats, means, weight: weight?.value, dx });
    return [dx];
  });
};
