import type { CallRow, Timed } from '../kernel/row.ts';
import { conv, convBackwardInput, convBackwardWeight, gradientIsConv, inputGradient, splits } from './conv.ts';
import { filterSize, type Conv, type ConvWeight } from './shape.ts';
import { winogradInput, winogradOutput } from './winograd/kernels.ts';
import type { Outputs, TiledImages } from './winograd/tiles.ts';

/** `o` kernels k x k on `n` images [c, size, size]; padded to keep their size unless `pad` says otherwise. */
export function layer(n: number, c: number, size: number, o: number, k: number, { stride = 1, pad = k >> 1, groups = 1 } = {}): Conv {
  const out = Math.floor((size + 2 * pad - k) / stride) + 1;
  const both = (x: number) => [x, x] as const;
  return { n, c, h: size, w: size, o, oh: out, ow: out, k: both(k), stride: both(stride), pad: both(pad), dilation: [1, 1], groups };
}

/** A kernel whose rows and columns differ, on images [c, h, w] with padding before alone. */
function oblong(n: number, c: number, h: number, w: number, o: number, rest: Pick<Conv, 'k' | 'stride' | 'pad'>): Conv {
  const { k, stride, pad } = rest;
  const out = (size: number, i: 0 | 1) => Math.floor((size + pad[i] - k[i]) / stride[i]) + 1;
  return { n, c, h, w, o, oh: out(h, 0), ow: out(w, 1), ...rest, dilation: [1, 1], groups: 1 };
}
const tall = oblong(2, 9, 9, 8, 20, { k: [5, 2], stride: [2, 1], pad: [3, 1] });
const wide = { ...oblong(2, 12, 6, 8, 20, { k: [1, 5], stride: [1, 1], pad: [0, 2] }), ow: 8 };

/** `c` kernels k x k, each on its own channel. */
const depthwise = (n: number, c: number, size: number, k: number, stride = 1): Conv => layer(n, c, size, c, k, { stride, groups: c });

/** Depthwise layers of MobileNetV2 and EfficientNet-B0 on `n` images of 32x32 and of 224x224. */
const depthwiseLayers = (n: number): Conv[] => [
  depthwise(n, 96, 32, 3, 2),
  depthwise(n, 144, 16, 3),
  depthwise(n, 144, 28, 3),
  depthwise(n, 384, 4, 3),
  depthwise(n, 480, 8, 5),
  depthwise(n, 576, 7, 3),
  depthwise(n, 1152, 2, 5),
];

/** 1x1 layers of DenseNet-121 and of MobileNetV2 on `n` images of 32x32 and of 224x224. */
const pointwiseLayers = (n: number): Conv[] => [
  layer(n, 128, 32, 128, 1),
  layer(n, 512, 16, 128, 1),
  layer(n, 1024, 8, 512, 1),
  layer(n, 96, 32, 24, 1),
  layer(n, 96, 4, 576, 1),
  layer(n, 160, 2, 960, 1),
  layer(n, 160, 7, 960, 1),
];

/** Last layers of VGG-16 on `n` images of 32x32. */
const smallLayers = (n: number): Conv[] => [layer(n, 512, 4, 512, 3), layer(n, 512, 2, 512, 3)];

/** Shortcuts of ResNet-50 on `n` images of 32x32. */
const shortcuts = (n: number): Conv[] => [layer(n, 256, 32, 512, 1, { stride: 2 }), layer(n, 1024, 8, 2048, 1, { stride: 2 })];

/** Layers of ResNet-20 on `n` images and of LeNet-5 on twice as many. */
const layers = (n: number): Conv[] => [
  layer(n, 3, 32, 16, 3),
  layer(n, 16, 32, 16, 3),
  layer(n, 16, 32, 32, 3, { stride: 2 }),
  layer(n, 32, 16, 32, 3),
  layer(n, 32, 16, 64, 3, { stride: 2 }),
  layer(n, 64, 8, 64, 3),
  layer(2 * n, 1, 28, 6, 5),
  layer(2 * n, 6, 14, 16, 5, { pad: 0 }),
];
const timed = <P>({ n, c, h, w, o, k, stride }: Conv, what: string, params: P): Timed<P> => ({
  label: `${c}>${o} ${k.join('x')}${stride[0] > 1 ? `/${stride[0]}` : ''} ${h}x${w} (${n} images) ${what}`,
  params,
});
/** Those whose input is no image: images need no gradient. */
const inner = (n: number) => layers(n).filter(p => p.c > 3);

const x = (p: Conv) => p.n * p.c * p.h * p.w;
const y = (p: Conv) => p.n * p.o * p.oh * p.ow;
const weight = (p: Conv) => p.o * filterSize(p);

/** A derivative of relu, and what came by another way. */
const added = [
  { f: 'select(v, zero, a <= zero)', operand: 'e0' },
  { f: 'v + a', operand: 'e1' },
] as const;
const joined = ({ epilogue }: Pick<Conv, 'epilogue'>, n: number) => epilogue && { e0: n, e1: n };

const forward = (why: string, params: Conv): CallRow<Conv> => ({
  why,
  kernel: conv,
  params,
  tensors: p => ({
    x: x(p),
    weight: weight(p),
    ...(p.bias && { bias: p.o }),
    y: y(p),
    ...joined(p, y(p)),
    ...(p.recorded && { partial: (2 * y(p)) / p.recorded.columns }),
    ...(p.recorded?.of === 'products' && { normalised: y(p), stats: 2 * p.o }),
  }),
});

const toInput = (why: string, params: Conv): CallRow<Conv> => ({
  why,
  kernel: convBackwardInput,
  params,
  tensors: p => ({
    dy: y(p),
    weight: weight(p),
    ...(p.bias && { bias: p.c }),
    dx: x(p),
    ...joined(p, x(p)),
    ...(p.recorded && { partial: (2 * x(p)) / p.recorded.columns, normalised: x(p), stats: 2 * p.c }),
  }),
  // the runs of a gradient by phases are of other pixels than those of a pass over it
  ...(params.recorded && { slices: { partial: x(params) / params.c / params.recorded.columns } }),
});

const toWeight = (why: string, p: Conv & Pick<ConvWeight, 'gradient'>, split = 1): CallRow<ConvWeight> => ({
  why,
  kernel: convBackwardWeight,
  params: { ...p, split },
  slices: { dweight: split },
  tensors: p => ({ x: x(p), dy: y(p), dweight: p.split * weight(p) }),
});

/** Tiles of m x m outputs, of two images of three [c, size, size] padded by `pad`. */
function tilesOf(m: 2 | 4, c: number, size: number, pad: number): TiledImages {
  const across = Math.ceil(size / m);
  const tiles = 2 * across * across;
  return { m, first: 1, tiles, down: across, across, columns: tiles + 4, c, h: size, w: size, top: pad, left: pad };
}

const images = (p: TiledImages) => 3 * p.c * p.h * p.w;
const values = (p: TiledImages) => (p.m + 2) ** 2 * p.c * p.columns;

const tilesOfInputs = (why: string, m: 2 | 4, c: number, size: number): CallRow<TiledImages> => ({
  why,
  kernel: winogradInput,
  params: tilesOf(m, c, size, 1),
  tensors: p => ({ x: images(p), v: values(p) }),
});

const tilesOfOutputs = (why: string, m: 2 | 4, c: number, size: number): CallRow<Outputs> => ({
  why,
  kernel: winogradOutput,
  params: { ...tilesOf(m, c, size, 0), bias: true, epilogue: added },
  tensors: p => ({ products: values(p), bias: p.c, y: images(p), ...joined(p, images(p)) }),
});

export const calls: readonly CallRow[] = [
  {
    ...forward('3x3, with an epilogue', { ...layer(2, 20, 8, 16, 3), epilogue: added }),
    bench: n => layers(n).map(p => timed(p, 'forward', p)),
  },
  forward('3x3 that fills no tile', { ...layer(3, 9, 7, 33, 3), bias: true }),
  forward('an odd width', { ...layer(2, 9, 15, 20, 3), bias: true }),
  forward('5x5 of an odd width', layer(2, 5, 7, 8, 5)),
  {
    ...forward('1x1, read as it lies', layer(2, 72, 8, 70, 1)),
    bench: n => [...pointwiseLayers(n), ...shortcuts(n)].map(p => timed(p, 'forward', p)),
  },
  {
    ...forward('whole images of 4x4', { ...layer(3, 9, 4, 20, 3), bias: true, epilogue: added }),
    bench: n => smallLayers(n).map(p => timed(p, 'forward', p)),
  },
  forward('whole images of 2x2', { ...layer(5, 9, 2, 20, 3), bias: true, epilogue: added }),
  forward('images of a pixel', layer(5, 9, 1, 70, 3)),
  forward('whole images, of stride 2', layer(3, 9, 4, 20, 3, { stride: 2 })),
  forward('whole images, flipped', inputGradient(layer(3, 8, 3, 12, 3))),
  forward('1x1 in groups', layer(2, 24, 8, 24, 1, { groups: 2 })),
  forward('1x1 of whole small images, in groups', { ...layer(5, 64, 2, 42, 1, { groups: 2 }), bias: true, epilogue: added }),
  forward('1x1 by tiles of large calls', layer(8, 512, 8, 512, 1)),
  forward('1x1 of stride 2', { ...layer(3, 128, 8, 20, 1, { stride: 2 }), bias: true, epilogue: added }),
  forward('1x1 of odd images', { ...layer(3, 24, 5, 21, 1), bias: true, epilogue: added }),
  forward('1x1 of odd images, of stride 2', layer(3, 128, 9, 21, 1, { stride: 2 })),
  forward('flipped: an input gradient of 1x1', inputGradient(layer(2, 20, 4, 36, 1))),
  {
    ...forward('depthwise on whole planes', { ...depthwise(3, 9, 4, 3), bias: true, epilogue: added }),
    bench: n => depthwiseLayers(n).map(p => timed(p, 'forward', p)),
  },
  forward('depthwise on whole odd planes, of stride 2', depthwise(3, 9, 3, 5, 2)),
  forward('depthwise on strips of eight', { ...depthwise(3, 9, 16, 3), bias: true, epilogue: added }),
  forward('depthwise on strips of four, of stride 2', depthwise(3, 9, 16, 5, 2)),
  forward('depthwise on odd planes', { ...depthwise(2, 9, 9, 7), bias: true }),
  forward('depthwise on strips of a whole row', depthwise(2, 9, 7, 3)),
  forward('few channels, many pixels', layer(8, 8, 8, 16, 3)),
  forward('few channels, a long filter', layer(1, 16, 6, 12, 3)),
  forward('small padded images, one a lane', { ...layer(16, 3, 6, 5, 5, { pad: 4 }), bias: true }),
  forward('taps in a row', { ...wide, bias: true }),
  forward('more rows than columns, strides that differ', tall),
  forward('odd images of many channels', { ...layer(3, 33, 7, 34, 3), bias: true }),
  forward('no padding, a residual', { ...layer(2, 8, 14, 12, 3, { pad: 0 }), epilogue: added }),
  forward('moments of the output too', { ...layer(4, 8, 8, 72, 3), bias: true, recorded: { of: 'moments', columns: 64 } }),
  forward('moments of few channels, more pixels at once', { ...layer(8, 4, 8, 12, 3), recorded: { of: 'moments', columns: 256 } }),
  forward('products of an input gradient', { ...inputGradient(layer(2, 16, 8, 40, 3)), recorded: { of: 'products', columns: 16 } }),
  forward('products of many channels', { ...inputGradient(layer(4, 72, 8, 8, 3)), recorded: { of: 'products', columns: 64 } }),
  {
    ...forward('flipped: an input gradient', inputGradient(layer(2, 16, 8, 72, 3))),
    bench: n => inner(n).flatMap(p => (gradientIsConv(p) ? [timed(p, 'input gradient', inputGradient(p))] : [])),
  },

  {
    ...toInput('as vec4, with an epilogue', { ...layer(2, 20, 8, 34, 3, { stride: 2 }), epilogue: added }),
    bench: n => inner(n).flatMap(p => (gradientIsConv(p) ? [] : [timed(p, 'input gradient', p)])),
  },
  {
    ...toInput('depthwise on whole planes', { ...depthwise(3, 9, 4, 3, 2), epilogue: added }),
    bench: n => depthwiseLayers(n).flatMap(p => (gradientIsConv(p) ? [] : [timed(p, 'input gradient', p)])),
  },
  toInput('depthwise on strips of four', { ...depthwise(3, 9, 16, 5, 2), bias: true, epilogue: added }),
  toInput('depthwise on odd planes', depthwise(2, 9, 9, 3, 2)),
  {
    ...toInput('1x1', { ...layer(3, 20, 8, 128, 1, { stride: 2 }), epilogue: added }),
    bench: n => shortcuts(n).map(p => timed(p, 'input gradient', p)),
  },
  toInput('1x1 of odd images, in groups, with a bias', {
    ...layer(2, 12, 9, 256, 1, { stride: 2, groups: 2 }),
    bias: true,
    epilogue: added,
  }),
  toInput('1x1 of stride 3', layer(2, 9, 10, 128, 1, { stride: 3 })),
  toInput('nothing divides', layer(2, 20, 9, 34, 3, { stride: 2 })),
  toInput('many channels', layer(8, 72, 8, 20, 3, { stride: 2 })),
  toInput('strides that differ, a transposed convolution with its bias', { ...tall, bias: true }),
  toInput('a transposed convolution of stride 2, as vec4', { ...layer(2, 20, 8, 34, 4, { stride: 2, pad: 1 }), bias: true }),
  toInput('few channels', layer(32, 12, 8, 20, 3, { stride: 2 })),
  toInput('a stride beyond the kernel, groups', layer(2, 6, 11, 4, 2, { stride: 3, pad: 0, groups: 2 })),
  toInput('products by phases of groups, and what came by another way', {
    ...layer(8, 24, 4, 8, 1, { stride: 2, groups: 2 }),
    epilogue: added,
    recorded: { of: 'products', columns: 16 },
  }),
  toInput('products by phases', { ...layer(4, 20, 8, 34, 3, { stride: 2 }), recorded: { of: 'products', columns: 64 } }),
  toInput('taps apart', { ...layer(2, 4, 9, 6, 3, { stride: 2, pad: 2 }), oh: 5, ow: 5, dilation: [2, 2] }),

  {
    ...toWeight('in slices, 8x8', layer(4, 8, 8, 34, 3), 3),
    bench: (n, d) => layers(n).map(p => timed(p, 'weight gradient', { ...p, split: splits(p, d) })),
  },
  {
    ...toWeight('depthwise on whole planes', depthwise(3, 9, 4, 3), 2),
    bench: (n, d) => depthwiseLayers(n).map(p => timed(p, 'weight gradient', { ...p, split: splits(p, d) })),
  },
  toWeight('depthwise on whole odd planes, of taps that meet padding alone', depthwise(3, 9, 3, 7), 2),
  toWeight('depthwise on strips of eight', depthwise(3, 9, 16, 3), 2),
  toWeight('depthwise on strips of four, of stride 2', depthwise(3, 9, 16, 5, 2)),
  toWeight('depthwise on odd planes', depthwise(2, 9, 9, 5, 2)),
  {
    ...toWeight('of 1x1 in groups', layer(3, 36, 6, 44, 1, { groups: 2 }), 2),
    bench: (n, d) => [...pointwiseLayers(n), ...shortcuts(n)].map(p => timed(p, 'weight gradient', { ...p, split: splits(p, d) })),
  },
  {
    ...toWeight('of whole images', layer(3, 9, 4, 20, 3), 2),
    bench: (n, d) => smallLayers(n).map(p => timed(p, 'weight gradient', { ...p, split: splits(p, d) })),
  },
  toWeight('of whole odd images, of stride 2, added', { ...layer(3, 9, 3, 20, 3, { stride: 2 }), gradient: 'more' }),
  toWeight('of whole images of 2x2', layer(3, 9, 2, 20, 3), 2),
  toWeight('of 1x1 on odd images', layer(3, 20, 5, 35, 1), 2),
  toWeight('of 1x1 of stride 2', layer(3, 36, 8, 35, 1, { stride: 2 }), 2),
  toWeight('of 1x1 of stride 2 on odd images, in groups, added', { ...layer(3, 64, 9, 20, 1, { stride: 2, groups: 2 }), gradient: 'more' }),
  toWeight('in slices, 7x7', layer(4, 7, 7, 34, 3), 3),
  toWeight('12x12', layer(3, 9, 12, 5, 3)),
  toWeight('added to a gradient', { ...layer(3, 9, 12, 5, 3), gradient: 'more' }),
  toWeight('of whole rows, added', { ...layer(3, 8, 8, 20, 3), gradient: 'more' }),
  toWeight('of one channel, added', { ...layer(2, 1, 8, 6, 5), gradient: 'more' }),
  toWeight('of whole filters, added', { ...layer(2, 3, 24, 20, 3), gradient: 'more' }),
  toWeight('of 1x1, added', { ...layer(2, 20, 4, 35, 1), gradient: 'more' }),
  toWeight('depthwise, added', { ...depthwise(3, 9, 4, 3), gradient: 'more' }),
  toWeight('of one channel', layer(3, 1, 8, 6, 5)),
  toWeight('of 5x5, rows as vec4', layer(2, 3, 8, 5, 5)),
  toWeight('of a few filters of many channels', layer(2, 60, 6, 16, 3)),
  toWeight('of taps in a row', wide),
  toWeight('of more rows than columns, strides that differ', tall, 2),
  toWeight('of 5x5, a row of taps a lane', layer(2, 6, 14, 16, 5, { pad: 0 }), 2),
  toWeight('of 5x5 of many channels', layer(2, 16, 8, 20, 5)),
  toWeight('of whole filters', layer(2, 3, 24, 20, 3), 2),
  toWeight('of whole filters, nothing divides', layer(2, 3, 21, 70, 3, { stride: 2 }), 2),
  toWeight('of many filters', layer(2, 9, 6, 72, 3)),

  tilesOfInputs('as many tiles in a row as lanes', 4, 3, 32),
  tilesOfInputs('three tiles in a row', 4, 18, 12),
  tilesOfInputs('odd images', 2, 3, 7),
  tilesOfInputs('odd images, two tiles in a row', 4, 3, 7),
  tilesOfOutputs('tiles of whole rows of four', 4, 5, 8),
  tilesOfOutputs('tiles of outputs that hang over', 4, 3, 10),
];
