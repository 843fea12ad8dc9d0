import type { CallRow } from '../kernel/row.ts';
import { batchNormApply, batchNormBackward, type BatchNorm, type BatchNormApply } from './batch-norm.ts';
import { runs, type Channels } from './channels.ts';
import { setNormApply, setNormBackward, type SetNorm } from './group-norm.ts';
import { lrnBackward, lrnForward, type Lrn } from './lrn.ts';
import { batchNormSums, joinMoments, moments, type JoinMoments } from './moments.ts';
import { batchNormTraining, batchNormTrainingBackward, type Training, type TrainingBackward } from './training.ts';
import { channelSum, type ChannelSum } from './reduce.ts';

const positive = (i: number) => 0.1 + (i % 7);
const values = (p: { n: number; c: number; hw: number }) => p.n * p.c * p.hw;

const whole = { n: 5, c: 6, hw: 16 };
const odd = { n: 5, c: 6, hw: 9 };

const momentsOf = (why: string, params: Channels): CallRow<Channels> => ({
  why,
  kernel: moments,
  params,
  tensors: p => ({ x: values(p), partial: p.split * p.c * 2 }),
});
const joined = (why: string, params: JoinMoments): CallRow<JoinMoments> => ({
  why,
  kernel: joinMoments,
  params,
  tensors: p => ({ partial: runs(p) * p.c * 2, stats: 2 * p.c, running_mean: p.c, running_var: p.c }),
  values: { partial: positive, running_var: positive },
});
const batchNorm = (why: string, params: BatchNormApply): CallRow<BatchNormApply> => ({
  why,
  kernel: batchNormApply,
  params,
  tensors: p => ({
    x: values(p),
    ...(p.by === 'batch' ? { stats: 2 * p.c } : { mean: p.c, variance: p.c }),
    ...(p.affine && { weight: p.c, bias: p.c }),
    y: values(p),
  }),
  values: { variance: positive },
});
const sums = (why: string, params: Channels): CallRow<Channels> => ({
  why,
  kernel: batchNormSums,
  params,
  tensors: p => ({ x: values(p), dy: values(p), stats: 2 * p.c, partial: p.split * p.c * 2 }),
});
const batchNormGradient = (why: string, params: BatchNorm): CallRow<BatchNorm> => ({
  why,
  kernel: batchNormBackward,
  params,
  tensors: p => ({ x: values(p), dy: values(p), stats: 2 * p.c, means: 2 * p.c, ...(p.affine && { weight: p.c }), dx: values(p) }),
});

/** With `runs` partial sums of them are given. */
const training = (why: string, params: Training): CallRow<Training> => ({
  why,
  kernel: batchNormTraining,
  params,
  tensors: p => ({
    x: values(p),
    ...(p.runs && { partial: runs(p.runs) * p.c * 2 }),
    stats: 2 * p.c,
    ...(p.momentum && { running_mean: p.c, running_var: p.c }),
    ...(p.affine && { weight: p.c, bias: p.c }),
    y: values(p),
  }),
  values: { partial: positive, running_var: positive },
});
const trainingGradient = (why: string, params: TrainingBackward): CallRow<TrainingBackward> => ({
  why,
  kernel: batchNormTrainingBackward,
  params,
  tensors: p => ({
    x: values(p),
    dy: values(p),
    stats: 2 * p.c,
    ...(p.runs && { partial: runs(p.runs) * p.c * 2 }),
    ...(p.affine && { weight: p.c }),
    dx: values(p),
    ...(p.gradient && { dweight: p.c, dbias: p.c }),
  }),
});

const setNorm = (why: string, params: SetNorm): CallRow<SetNorm>[] => {
  const all = (p: SetNorm) => p.sets * p.size;
  return [
    {
      why,
      kernel: setNormApply,
      params,
      tensors: p => ({ x: all(p), stats: 2 * p.sets, ...(p.count && { weight: p.count, bias: p.count }), y: all(p) }),
    },
    {
      why,
      kernel: setNormBackward,
      params,
      tensors: p => ({ x: all(p), dy: all(p), stats: 2 * p.sets, means: 2 * p.sets, ...(p.count && { weight: p.count }), dx: all(p) }),
    },
  ];
};

const local = (why: string, params: Lrn): CallRow<Lrn>[] => [
  { why, kernel: lrnForward, params, tensors: p => ({ x: values(p), base: values(p), y: values(p) }) },
  {
    why,
    kernel: lrnBackward,
    params,
    tensors: p => ({ x: values(p), base: values(p), dy: values(p), dx: values(p) }),
    values: { base: positive },
  },
];

const channel = (why: string, params: ChannelSum): CallRow<ChannelSum> => ({
  why,
  kernel: channelSum,
  params,
  tensors: p => ({ x: values(p), out: p.c * (p.split ?? 1) }),
});

export const calls: readonly CallRow[] = [
  momentsOf('as vec4', { ...whole, split: 2 }),
  momentsOf('nothing divides', { ...odd, split: 2 }),
  momentsOf('runs of pixels over images', { n: 256, c: 6, hw: 1, split: 2, plane: 64 }),
  momentsOf('runs of pixels where nothing divides', { n: 4 * 36, c: 5, hw: 1, split: 9, plane: 9 }),
  joined('few runs', { n: 12, c: 5, hw: 4, split: 3, eps: 1e-5, momentum: 0.1 }),
  joined('the many runs of a convolution', { n: 64 * 40, c: 5, hw: 1, split: 40, eps: 1e-5, momentum: 0.1 }),
  batchNorm('by the batch, as vec4', { ...whole, affine: true, by: 'batch' }),
  batchNorm('by running statistics, nothing divides', { ...odd, affine: true, by: 'running', eps: 1e-5 }),
  sums('as vec4', { ...whole, split: 2 }),
  sums('nothing divides', { ...odd, split: 2 }),
  sums('short runs of pixels', { n: 256, c: 6, hw: 1, split: 16, plane: 64 }),
  batchNormGradient('as vec4', { ...whole, affine: true }),
  batchNormGradient('nothing divides', { ...odd, affine: false }),
  training('all of a channel, as vec4', { ...whole, affine: true, eps: 1e-5, momentum: 0.1 }),
  training('runs, nothing divides', { ...odd, affine: false, eps: 1e-5, runs: { ...odd, split: 2 } }),
  training('the many runs of a convolution', { ...whole, affine: true, eps: 1e-5, momentum: 0.1, runs: { n: 80, c: 6, hw: 1, split: 40 } }),
  trainingGradient('all of a channel, as vec4', { ...whole, affine: true, gradient: 'first' }),
  trainingGradient('runs, nothing divides', { ...odd, affine: false, runs: { ...odd, split: 2 } }),
  ...setNorm('a layer norm', { sets: 3, size: 24, span: 1, count: 24 }),
  ...setNorm('a group norm', { sets: 6, size: 32, span: 16, count: 6 }),
  ...setNorm('nothing divides', { sets: 4, size: 9, span: 3, count: 12 }),
  ...local('as vec4', { ...whole, size: 5, alpha: 0.3, beta: 0.75, k: 2 }),
  ...local('nothing divides', { ...odd, size: 4, alpha: 0.3, beta: 0.75, k: 2 }),
  { ...channel('as vec4', whole), bench: n => [{ label: 'channel sum', params: { n, c: 16, hw: 1024 } }] },
  channel('nothing divides', odd),
  channel('shares, the last a smaller one', { ...odd, split: 4 }),
  channel('one value an image', { ...whole, hw: 1 }),
];
