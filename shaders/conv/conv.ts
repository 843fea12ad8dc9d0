/** Convolution and its gradients, of the input and of the weight: their bindings, variants, and what they take over from calls after them. */
import { apart } from './apart.ts';
import { takesMoments, takesNorm, takesProducts, takesProductsByPhases, takesSum } from './joins.ts';
import { backwardInputLanes, forwardImage, forwardLanes, imagesLanes } from './lanes.ts';
import { backwardInput1x1, forward1x1 } from './lanes-1x1.ts';
import { backwardInputPlanes, backwardWeightPlanes, forwardPlanes, isDepthwise, weightPlanesGroups } from './planes-lanes.ts';
import { subsampled } from './subsampled.ts';
import { filterSize, type Conv, type ConvWeight } from './shape.ts';
import { backwardInputForm, backwardWeightForm, forwardForm } from './tiled.ts';
import { backwardWeight1x1 } from './weight-lanes-1x1.ts';
import { backwardWeightImage, backwardWeightRows } from './weight-lanes-3x3.ts';
import { backwardWeightChannels } from './weight-lanes-channels.ts';
import { backwardWeightColumns, backwardWeightPixels } from './weight-lanes-columns.ts';
import { backwardWeightFilters } from './weight-lanes-filters.ts';
import { winogradForward, winogradWeights } from './winograd/winograd.ts';
import { kernel } from '../kernel/define.ts';
import { accumulates } from '../kernel/gradient.ts';
import { isSoftware, stagesOf, type Profile } from '../kernel/kernel.ts';
import { ceilDiv, planes } from '../kernel/loops.ts';
import { areBoth, type Pair } from '../kernel/pair.ts';
import { tiledLater } from '../product/tiled.ts';

/** The WGSL of tiles, which GPUs alone take. */
const tiles = () => import('./tiled-code.ts');
/** That of the references, which adapters without subgroups take. */
const plain = () => import('./plain-code.ts');

const flops = (p: Conv) => 2 * p.n * p.o * p.oh * p.ow * filterSize(p);

/** The reference: a thread for each of the `size` values of each plane. */
const oneEach = (count: number, size: number) => planes({ count, size, threads: 64, perThread: 1 });

/**
 * y [n, o, oh, ow] from x [n, c, h, w] and weight (see Conv), with bias [o] where p.bias. Where p.recorded, `partial` [runs of pixels, o, 2]
 * has two numbers of each run of each channel of y, by `normalised` (as y) and `stats` [2, o] where these are products.
 */
export const conv = kernel({
  name: 'conv',
  unrolled: true,
  bindings: { x: 'read', weight: 'read', bias: 'read?', y: 'write', partial: 'write f32?', normalised: 'read?', stats: 'read f32?' },
  epilogue: 'y',
  joins: [takesNorm, takesMoments, takesProducts],
  staged: [...winogradForward, apart('y')],
  flops,
  variants: [
    ...forwardPlanes,
    ...forward1x1,
    forwardImage('vec4'),
    forwardImage('scalar'),
    forwardLanes('shuffle'),
    forwardLanes('vec4'),
    imagesLanes,
    forwardLanes('neighbours'),
    forwardLanes('scalar'),
    ...tiledLater(forwardForm, async () => (await tiles()).forward),
    {
      fits: (p: Conv) => !p.recorded,
      over: p => oneEach(p.n * p.o, p.oh * p.ow),
      body: async p => (await plain()).forward(p),
    },
  ],
});

/** Whether the input gradient is itself a convolution (`inputGradient`); else it is `convBackwardInput`. */
export const gradientIsConv = (p: Conv): boolean => areBoth(p.stride, 1) && Math.min(...padsOfGradient(p)) >= 0;

/** What of the taps lies before the first row and column of dy where its convolution begins. */
const padsOfGradient = ({ k: [kh, kw], pad: [top, left], dilation: [dh, dw] }: Conv): Pair => [dh * (kh - 1) - top, dw * (kw - 1) - left];

/** The convolution of dy [n, o, oh, ow] that gives dx [n, c, h, w] where gradientIsConv. */
export const inputGradient = (p: Conv): Conv => ({
  ...p,
  c: p.o,
  h: p.oh,
  w: p.ow,
  o: p.c,
  oh: p.h,
  ow: p.w,
  pad: padsOfGradient(p),
  bias: false,
  flip: true,
  recorded: undefined,
  epilogue: undefined,
});

/**
 * dx [n, c, h, w] from dy [n, o, oh, ow] for any stride, with bias [c] where p.bias: then it is a transposed convolution. Each input gathers
 * from the outputs that it went into. `partial`, `normalised` and `stats` as of conv, of the channels of dx.
 */
export const convBackwardInput = kernel({
  name: 'conv_backward_input',
  unrolled: true,
  bindings: { dy: 'read', weight: 'read', bias: 'read?', dx: 'write', partial: 'write f32?', normalised: 'read?', stats: 'read f32?' },
  epilogue: 'dx',
  joins: [takesProductsByPhases],
  staged: [apart('dx')],
  flops,
  variants: [
    ...backwardInputPlanes,
    ...backwardInput1x1,
    backwardInputLanes('vec4'),
    backwardInputLanes('scalar'),
    ...tiledLater(backwardInputForm, async () => (await tiles()).backwardInput),
    {
      fits: (p: Conv) => !p.recorded,
      over: (p: Conv) => oneEach(p.n * p.c, p.h * p.w),
      body: async p => (await plain()).backwardInput(p),
    },
  ],
});

/** Slices of the batch (or, on a GPU, of all pixels) whose weight gradients are summed apart, so that small layers fill the device. */
export function splits(p: Conv, d: Profile): number {
  const way = stagesOf(convBackwardWeight, { ...p, split: 1 }, d);
  if (winogradWeights.some(w => w === way)) return 1; // Winograd's tiles fill the device as they are
  const [tileRows, tileColumns, enoughTiles] = isSoftware(d) ? [16, 5 * d.lanes, 16] : [64, 64, 512];
  const tiles =
    isSoftware(d) && isDepthwise(p)
      ? weightPlanesGroups(p, d)
      : p.groups * ceilDiv(p.o / p.groups, tileRows) * ceilDiv(filterSize(p), tileColumns);
  const wanted = ceilDiv(enoughTiles, tiles);
  const fitBinding = Math.floor(d.maxBinding / 4 / (p.o * filterSize(p)));
  const worthwhile = isSoftware(d) ? p.n : ceilDiv(p.n * p.oh * p.ow, 256);
  return Math.max(1, Math.min(wanted, fitBinding, worthwhile, 64));
}

/** Partial weight gradients dweight [split, o, c / groups, kh, kw] from x [n, c, h, w] and dy [n, o, oh, ow]; `sumSlices` adds them up. */
export const convBackwardWeight = kernel({
  name: 'conv_backward_weight',
  bindings: { x: 'read', dy: 'read', dweight: 'write' },
  step: p => accumulates(p.gradient),
  joins: [takesSum],
  staged: [...winogradWeights, subsampled],
  flops,
  variants: [
    ...backwardWeightPlanes,
    backwardWeight1x1(true),
    backwardWeight1x1(false),
    backwardWeightImage(true),
    backwardWeightImage(false),
    backwardWeightRows(true),
    backwardWeightRows(false),
    backwardWeightChannels(true),
    backwardWeightChannels(false),
    backwardWeightPixels,
    backwardWeightFilters(true),
    backwardWeightFilters(false),
    backwardWeightColumns(true),
    backwardWeightColumns(false),
    ...tiledLater(backwardWeightForm, async () => (await tiles()).backwardWeight),
    {
      over: (p: ConvWeight) => oneEach(p.split, p.o * filterSize(p)),
      body: async p => (await plain()).backwardWeight(p),
    },
  ],
});
