import { check, images, onlyOptions, show, type Known } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import { ANY_SHARE, AT_LEAST_0, COUNT, isWithin, POSITIVE } from '../engine/range.ts';
import type { Param, Tensor } from '../engine/tensor.ts';
import { product, type Shape } from '../shaders/kernel/shape.ts';
import { onnxNode, type OnnxGraph } from '../engine/onnx.ts';
import type { Gradient } from '../shaders/kernel/gradient.ts';
import { float } from '../shaders/kernel/wgsl.ts';
import { setNormApply, setNormBackward, setNormGradients, setNormSums, type SetNorm } from '../shaders/norm/group-norm.ts';
import { lrnBackward, lrnForward } from '../shaders/norm/lrn.ts';
import { writePart } from '../shaders/move/copy.ts';
import { momentSplits, type Channels } from '../shaders/norm/channels.ts';
import { batchNormApply, batchNormBackward } from '../shaders/norm/batch-norm.ts';
import { batchNormGradients, batchNormSums, joinMoments, moments } from '../shaders/norm/moments.ts';
import { channelsOf } from './geometry.ts';
import { constant } from './init.ts';
import type { UsedWeight } from './weight.ts';

/** Weight of ones and bias of zeros, where the layer has them. */
function affineParams(g: Graph, shape: Shape, affine: boolean): { weight?: Param; bias?: Param } {
  const param = (name: string, value: number) => g.param(name, shape, constant(value), { isMatrix: false });
  return affine ? { weight: param('weight', 1), bias: param('bias', 0) } : {};
}

/** As of torch.nn.BatchNorm2d, with its defaults: eps 1e-5, momentum 0.1, a weight and a bias by channel. */
export interface BatchNormOptions {
  eps?: number;
  momentum?: number;
  affine?: boolean;
}

const BATCH: Known<BatchNormOptions> = { eps: AT_LEAST_0, momentum: ANY_SHARE, affine: 'boolean' };

/**
 * Batch normalisation (Ioffe & Szegedy 2015), as torch.nn.BatchNorm2d. [n, c, …] -> the same; weight, bias, running_mean, running_var [c].
 * Training: by mean and biased variance of the batch, towards which the running statistics (its variance unbiased) move by `momentum`.
 * Evaluation, and where these are frozen: by the running statistics.
 */
export const batchNorm =
  (options: BatchNormOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('batchNorm'), options, BATCH);
    const { eps = 1e-5, momentum = 0.1, affine = true } = options;
    const [n, c] = x.shape as [number, number];
    const hw = product(x.shape.slice(2));
    check(x.shape.length >= 2, `${g.who('batchNorm')}: input is ${show(x.shape)}, expected [batch, channels, …]`);
    const { weight, bias } = affineParams(g, [c], affine);
    const scaled = { weight: weight?.value, bias: bias?.value };
    const running_mean = g.persistent('buffer', 'running_mean', [c], constant(0));
    const running_var = g.persistent('buffer', 'running_var', [c], constant(1));
    const running = { mean: running_mean, variance: running_var, count: n * hw };
    const onnx = (o: OnnxGraph, x: string) => {
      const scale = weight ? o.weight(weight.value) : o.floats(new Float32Array(c).fill(1));
      const shift = bias ? o.weight(bias.value) : o.floats(new Float32Array(c));
      return o.node('BatchNormalization', [x, scale, shift, o.weight(running_mean), o.weight(running_var)], { epsilon: { float: eps } });
    };
    const p = { n, c, hw, affine };
    const y = g.tensor(x.shape);

    const channels = { n, c, hw, split: momentSplits(p, g.profile) };
    if (!g.training || g.isFrozen(running_mean)) {
      const variance = running_var;
      const evaluated = { ...p, by: 'running', eps } as const;
      g.run(batchNormApply, evaluated, { x, mean: running_mean, variance, ...scaled, y });
      const linear = { ...evaluated, linear: true };
      const backward = (dy: Tensor) => {
        if (g.training && weight && bias) {
          const stats = statsOf(g, running_mean, running_var, eps);
          normGradients(g, channels, { x, dy, stats, weight, bias });
        }
        return [g.gradientOf(x, dx => g.run(batchNormApply, linear, { x: dy, variance, weight: weight?.value, y: dx }))];
      };
      return g.record([x], y, backward, { weight, bias, onnx, ...(!g.training && { running }) });
    }

    check(
      n * hw > 1,
      `${g.who('batchNorm')}: one value for each channel (input ${show(x.shape)}) has no variance`,
      'use a larger batch or images',
    );
    const partial = g.tensor([channels.split, c, 2]);
    const stats = g.tensor([2, c]);
    g.run(moments, channels, { x, partial });
    g.run(joinMoments, { ...channels, eps, momentum: g.momentum ?? momentum }, { partial, stats, running_mean, running_var });
    g.run(batchNormApply, { ...p, by: 'batch' }, { x, stats, ...scaled, y });

    const backward = (dy: Tensor) => {
      const means = normGradients(g, channels, { x, dy, stats, weight, bias });
      return [g.gradientOf(x, dx => g.run(batchNormBackward, p, { x, dy, stats, means, weight: weight?.value, dx }))];
    };
    return g.record([x], y, backward, { weight, bias, running });
  };

/** What the gradients of a batch norm's weight and bias are made of; `stats` [2, c] are those that it goes by. */
interface NormGradients {
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly stats: Tensor;
  readonly weight: Param | undefined;
  readonly bias: Param | undefined;
}

/** Writes the gradients of weight and bias; returns the means that the gradient of x takes (see batchNormGradients). */
function normGradients(g: Graph, channels: Channels, { x, dy, stats, weight, bias }: NormGradients): Tensor {
  const partial = g.tensor([channels.split, channels.c, 2]);
  const means = g.tensor([2, channels.c]);
  const gradient = weight && bias && bothGradients(g, weight, bias);
  g.run(batchNormSums, channels, { x, dy, stats, partial });
  g.run(batchNormGradients, { ...channels, gradient }, { partial, stats, means, dweight: weight?.grad, dbias: bias?.grad });
  return means;
}

/** [2, c]: mean and 1 / deviation, as of a batch, of running statistics [c]. */
function statsOf(g: Graph, mean: Tensor, variance: Tensor, eps: number): Tensor {
  const c = mean.size;
  const stats = g.tensor([2, c]);
  const inverse = g.map(`1.0 / sqrt(v + ${float(eps)})`, variance);
  [mean, inverse].forEach((x, i) => g.run(writePart, { n: 1, size: c, source: c, start: 0, dest: 2 * c, offset: i * c }, { x, y: stats }));
  return stats;
}

/** How a kernel that writes both writes them; they are always written together. */
function bothGradients(g: Graph, weight: Param, bias: Param): Gradient {
  g.gradient(weight.grad);
  return g.gradient(bias.grad);
}

/** eps 1e-5 is added to variances; `affine` has a weight and a bias by channel. */
export interface SetNormOptions {
  eps?: number;
  affine?: boolean;
}

const SET: Known<SetNormOptions> = { eps: AT_LEAST_0, affine: 'boolean' };

/**
 * Layer normalisation (Ba et al. 2016) of all that belongs to a sample, as torch.nn.LayerNorm(x.shape[1:]). [n, …] -> the same;
 * weight, bias […].
 */
export const layerNorm =
  (options: SetNormOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('layerNorm'), options, SET);
    const { eps = 1e-5, affine = true } = options;
    const own = x.shape.slice(1);
    const size = product(own);
    check(
      size > 1,
      `${g.who('layerNorm')}: one value for each sample (input ${show(x.shape)}) has no variance`,
      'put it where there are more',
    );
    return setNorm(g, x, {
      sets: x.shape[0]!,
      size,
      span: 1,
      shape: own,
      eps,
      affine,
      onnx: (o, x, weight, bias) =>
        o.node('LayerNormalization', [x, weight ?? o.floats(new Float32Array(size).fill(1), own), bias], {
          axis: 1,
          epsilon: { float: eps },
        }),
    });
  };

/**
 * Group normalisation (Wu & He 2018), as torch.nn.GroupNorm: each sample's channels in `groups` runs. [n, c, …] -> the same;
 * weight, bias [c].
 */
export const groupNorm =
  (groups: number, options: SetNormOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('groupNorm'), options, SET);
    const { eps = 1e-5, affine = true } = options;
    const [n, c] = x.shape as [number, number];
    const span = product(x.shape.slice(2));
    const size = (c / groups) * span;
    check(
      isWithin(groups, COUNT) && c % groups === 0,
      `${g.who('groupNorm')}: ${c} channels do not divide into ${groups} groups (input ${show(x.shape)})`,
      `use a divisor of ${c}`,
    );
    check(size > 1, `${g.who('groupNorm')}: one value for each group (input ${show(x.shape)}) has no variance`, 'use fewer groups');
    return setNorm(g, x, {
      sets: n * groups,
      size,
      span,
      shape: [c],
      eps,
      affine,
      onnx: (o, x0, weight, bias) => {
        const ones = o.floats(new Float32Array(groups).fill(1));
        const zeros = o.floats(new Float32Array(groups));
        const grouped = o.node('Reshape', [x0, o.integers([0, groups, -1])]);
        const normed = o.node('InstanceNormalization', [grouped, ones, zeros], { epsilon: { float: eps } });
        const y = o.node('Reshape', [normed, o.integers([-1, ...x.shape.slice(1)])]);
        if (!weight) return y;
        const byChannel = (values: string | undefined) => o.node('Reshape', [values, o.integers([c, ...x.shape.slice(2).map(() => 1)])]);
        return o.node('Add', [o.node('Mul', [y, byChannel(weight)]), byChannel(bias)]);
      },
    });
  };

/**
 * Instance normalisation (Ulyanov et al. 2016), as torch.nn.InstanceNorm1d and InstanceNorm2d: each channel of each sample by itself; without
 * weight and bias unless `affine`. [n, c, …] -> the same.
 */
export const instanceNorm =
  (options: SetNormOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('instanceNorm'), options, SET);
    const { eps = 1e-5, affine = false } = options;
    const [, c, size] = channelsOf(g.who('instanceNorm'), x.shape);
    check(size > 1, `${g.who('instanceNorm')}: images of one pixel (input ${show(x.shape)}) have no variance`, 'use larger ones');
    return groupNorm(c, { eps, affine })(g, x);
  };

interface Sets extends Pick<SetNorm, 'sets' | 'size' | 'span'> {
  /** The shape of weight and bias. */
  shape: Shape;
  eps: number;
  affine: boolean;
  onnx: (o: OnnxGraph, x: string, weight?: string, bias?: string) => string;
}

function setNorm(g: Graph, x: Tensor, { shape, eps, affine, onnx, ...sizes }: Sets): Tensor {
  const { weight, bias } = affineParams(g, shape, affine);
  const p = { ...sizes, count: affine ? product(shape) : 0 };
  const y = g.tensor(x.shape);
  const stats = setMoments(g, x, p.sets, p.size, eps);
  g.run(setNormApply, p, { x, stats, weight: weight?.value, bias: bias?.value, y });
  const backward = (dy: Tensor) => {
    if (weight && bias) {
      const gradient = bothGradients(g, weight, bias);
      g.run(setNormGradients, { ...p, gradient }, { x, dy, stats, dweight: weight.grad, dbias: bias.grad });
    }
    const dx = g.gradientOf(x, dx => {
      const means = g.tensor([2, p.sets]);
      g.run(setNormSums, p, { x, dy, stats, weight: weight?.value, means });
      g.run(setNormBackward, p, { x, dy, stats, means, weight: weight?.value, dx });
    });
    return [dx];
  };
  return g.record([x], y, backward, {
    weight,
    bias,
    onnx: (o, x) => onnx(o, x!, weight && o.weight(weight.value), bias && o.weight(bias.value)),
  });
}

/** [2, sets]: mean and 1 / deviation of each run of `size` values. */
function setMoments(g: Graph, x: Tensor, sets: number, size: number, eps: number): Tensor {
  const p = { n: 1, c: sets, hw: size, split: 1 };
  const partial = g.tensor([1, sets, 2]);
  const stats = g.tensor([2, sets]);
  g.run(moments, p, { x, partial });
  g.run(joinMoments, { ...p, eps }, { partial, stats });
  return stats;
}

/**
 * Weight standardisation (Qiao et al. 2019): each filter of `weight` [o, …] to mean 0 and variance 1, sqrt(biased variance + eps) being its
 * deviation. `backward` writes the gradient of the parameter from that of the standardised `value`.
 */
export function standardised(g: Graph, weight: Param, eps = 1e-5): UsedWeight {
  const x = weight.value;
  const p = { sets: x.shape[0]!, size: x.size / x.shape[0]!, span: 1, count: 0 };
  const value = g.tensor(x.shape);
  const stats = setMoments(g, x, p.sets, p.size, eps);
  g.run(setNormApply, p, { x, stats, y: value });
  return {
    value,
    backward: dy => {
      const means = g.tensor([2, p.sets]);
      g.run(setNormSums, p, { x, dy, stats, means });
      g.run(setNormBackward, { ...p, gradient: g.gradient(weight.grad) }, { x, dy, stats, means, dx: weight.grad });
    },
    onnx: (o, w) => {
      const mean = (of: string) => o.node('ReduceMean', [of], { axes: x.shape.slice(1).map((_, i) => i + 1) });
      const off = o.node('Sub', [w, mean(w!)]);
      const variance = mean(o.node('Mul', [off, off]));
      return o.node('Div', [off, o.node('Sqrt', [o.node('Add', [variance, o.floats(eps)])])]);
    },
  };
}

/** As of torch.nn.LocalResponseNorm: over `size` neighbouring channels. */
export interface LrnOptions {
  size?: number;
  alpha?: number;
  beta?: number;
  k?: number;
}

const LRN: Known<LrnOptions> = { size: COUNT, alpha: {}, beta: {}, k: POSITIVE };

/**
 * Local response normalisation over neighbouring channels (Krizhevsky 2012), as torch.nn.LocalResponseNorm:
 * x / (k + alpha / size * sum of squares)^beta; the paper's alpha is not divided by size. [n, c, h, w] -> the same.
 */
export const lrn =
  (options: LrnOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('lrn'), options, LRN);
    const { size = 5, alpha = 1e-4, beta = 0.75, k = 1 } = options;
    const [n, c, h, w] = images(g.who('lrn'), x.shape);
    const p = { n, c, hw: h * w, size, alpha, beta, k };
    const y = g.tensor(x.shape);
    const base = g.tensor(x.shape);
    g.run(lrnForward, p, { x, base, y });
    // its window of an even size would begin a channel later
    const onnx = size % 2 ? onnxNode('LRN', { size, alpha: { float: alpha }, beta: { float: beta }, bias: { float: k } }) : undefined;
    return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(lrnBackward, p, { x, base, dy, dx }))], { onnx });
  };
