import { check, images, onlyOptions, show, type Known } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Shape } from '../shaders/kernel/shape.ts';
import { onnxNode, type OnnxForm } from '../engine/onnx.ts';
import { planeMean, planeMeanBackward } from '../shaders/pool/plane-mean.ts';
import { fractionalBackward, fractionalCuts, fractionalForward } from '../shaders/pool/fractional.ts';
import { cutsLength } from '../shaders/pool/fractional-cuts.ts';
import { reachOf, type Pair } from '../shaders/kernel/pair.ts';
import { poolBackward, poolForward } from '../shaders/pool/pool.ts';
import type { Pool } from '../shaders/pool/shape.ts';
import {
  channelsOf,
  edgesOf,
  onSignals,
  paddedSize,
  pairOf,
  rowPadding,
  showPadding,
  showPair,
  windowOf,
  type Padding,
  type Sides,
  type SignalPadding,
} from './geometry.ts';

/** What windows on images take, as in PyTorch. */
export interface PoolOptions {
  /** That of the window without it. */
  stride?: Sides;
  pad?: Padding;
  /** Round up: a last window may hang over the end, if it starts inside the image or the padding before it. */
  ceil?: boolean;
}

/** As of torch.nn.MaxPool2d. */
export interface MaxPoolOptions extends PoolOptions {
  dilation?: Sides;
}

/** As of torch.nn.AvgPool2d. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether the zeros of the padding count in the mean; they do by themselves. */
  countIncludePad?: boolean;
}

type Options = MaxPoolOptions & AvgPoolOptions;

const POOL: Known<PoolOptions> = { stride: true, pad: true, ceil: 'boolean' };
const MAX: Known<MaxPoolOptions> = { ...POOL, dilation: true };
const AVG: Known<AvgPoolOptions> = { ...POOL, countIncludePad: 'boolean' };

/**
 * Maximum over windows of k taps, as torch.nn.MaxPool2d. [n, c, h, w] -> [n, c, oh, ow],
 * oh = floor((h + top + bottom - dilation (k - 1) - 1) / stride) + 1 and ow alike.
 */
export const maxPool =
  (k: Sides, options: MaxPoolOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('maxPool'), options, MAX);
    return pool(g, x, g.who('maxPool'), true, k, options);
  };

/** Mean over windows of k, as torch.nn.AvgPool2d. Shapes as maxPool. */
export const avgPool =
  (k: Sides, options: AvgPoolOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('avgPool'), options, AVG);
    return pool(g, x, g.who('avgPool'), false, k, options);
  };

/** Options of windows on signals. */
export type OfSignals<O extends PoolOptions> = Omit<O, 'stride' | 'pad' | 'dilation'> & {
  stride?: number;
  pad?: SignalPadding;
} & (O extends {
    dilation?: Sides;
  }
    ? { dilation?: number }
    : unknown);

/** Maximum over windows of k, as torch.nn.MaxPool1d. [n, c, l] -> [n, c, ol]. */
export const maxPool1d =
  (k: number, options: OfSignals<MaxPoolOptions> = {}): Layer =>
  (g, x) =>
    signalPool(g, x, g.who('maxPool1d'), true, k, options);

/** Mean over windows of k, as torch.nn.AvgPool1d. [n, c, l] -> [n, c, ol]. */
export const avgPool1d =
  (k: number, options: OfSignals<AvgPoolOptions> = {}): Layer =>
  (g, x) =>
    signalPool(g, x, g.who('avgPool1d'), false, k, options);

function signalPool(g: Graph, x: Tensor, who: string, max: boolean, k: number, options: OfSignals<Options>): Tensor {
  onlyOptions(who, options, max ? MAX : AVG);
  const { stride = k, pad = 0, dilation = 1, ...others } = options;
  const rows = { ...others, stride: [1, stride], pad: rowPadding(pad), dilation: [1, dilation] } as const;
  return onSignals(who, g, x, images => pool(g, images, who, max, [1, k], rows));
}

function pool(g: Graph, x: Tensor, who: string, max: boolean, k: Sides, options: Options): Tensor {
  const { stride = k, pad = 0, dilation = 1, ceil = false, countIncludePad = true } = options;
  const [n, c, h, w] = images(who, x.shape);
  const window = windowOf(who, { k, stride, dilation });
  const edges = edgesOf(who, pad, [h, w], window);
  const padded = paddedSize([h, w], edges);
  const reach = reachOf(window);
  check(
    reach[0] <= padded[0] && reach[1] <= padded[1],
    `${who}: window ${showPair(reach)} is larger than its padded input ${showPair(padded)} (input ${show(x.shape)}, pad ${showPadding(pad)})`,
    'use a smaller window, more padding or larger images',
  );
  const least = Math.min(...window.k);
  check(
    typeof pad !== 'number' || 2 * pad <= least,
    `${who}: pad ${showPadding(pad)} is more than half the window ${least}`,
    `use pad 0 to ${Math.floor(least / 2)}`,
  );
  const axes = ([0, 1] as const).map(i => {
    const [size, before, stride] = [[h, w][i]!, [edges.top, edges.left][i]!, window.stride[i]];
    const room = padded[i] - reach[i];
    const whole = Math.floor(room / stride) + 1;
    const out = ceil && room % stride && whole * stride < size + before ? whole + 1 : whole;
    const starts = Array.from({ length: out }, (_, o) => o * stride - before);
    const taps = Array.from({ length: window.k[i] }, (_, t) => t * window.dilation[i]);
    const inside = starts.every(start => taps.some(tap => start + tap >= 0 && start + tap < size));
    return { out, inside, hangsOver: starts.at(-1)! + reach[i] > padded[i] - before };
  });
  check(
    axes.every(axis => axis.inside),
    `${who}: a window ${showPair(reach)} has no tap inside its input (input ${show(x.shape)}, pad ${showPadding(pad)})`,
    'use less padding or a smaller dilation',
  );

  const [oh, ow] = axes.map(({ out }) => out) as [number, number];
  const hangsOver = axes.some(axis => axis.hangsOver);
  const whole = !hangsOver && (countIncludePad || Object.values(edges).every(n => n === 0));
  const counts = whole ? undefined : countIncludePad ? ({ behind: [edges.bottom, edges.right] } as const) : 'inside';
  const p: Pool = { max, planes: n * c, h, w, oh, ow, ...window, pad: [edges.top, edges.left], ...(!max && counts && { counts }) };
  return runPool(g, x, p);
}

/** Pools images [n, c, h, w] as `p` says. */
function runPool(g: Graph, x: Tensor, p: Pool): Tensor {
  const y = g.tensor([x.shape[0]!, x.shape[1]!, p.oh, p.ow]);
  const argmax = p.max ? g.tensor(y.shape) : undefined;
  g.run(poolForward, p, { x, y, argmax });
  return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(poolBackward, p, { dy, argmax, dx }))], { onnx: onnxPool(p) });
}

/** Windows as ONNX has them. Those that hang over the end have more padding there, so that the size of the output needs no rounding up. */
function onnxPool(p: Pool): OnnxForm {
  const { max, h, w, oh, ow, k, stride, pad, dilation = [1, 1], counts = 'window' } = p;
  if (p.adaptive) return onnxParts(p);
  const attributes = (size: Pair, before: Pair) => {
    const behind = ([0, 1] as const).map(i => {
      const last = ([oh, ow][i]! - 1) * stride[i] - before[i] + reachOf(p)[i];
      return Math.max(0, last - size[i]);
    });
    return { kernel_shape: k, strides: stride, pads: [...before, ...behind] };
  };
  if (max) return onnxNode('MaxPool', { ...attributes([h, w], pad), dilations: dilation });
  if (typeof counts === 'string') {
    return onnxNode('AveragePool', { ...attributes([h, w], pad), count_include_pad: counts === 'window' ? 1 : 0 });
  }
  // what counts is the image with its padding, so the padding is made part of the image
  const { behind } = counts;
  const size: Pair = [h + pad[0] + behind[0], w + pad[1] + behind[1]];
  return (o, x) =>
    o.node('AveragePool', [o.node('Pad', [x, o.integers([0, 0, ...pad, 0, 0, ...behind])])], {
      ...attributes(size, [0, 0]),
      count_include_pad: 0,
    });
}

/** Parts of unequal sizes: of the rows, and of what these give the columns. */
const onnxParts =
  ({ max, h, w, oh, ow }: Pool): OnnxForm =>
  (o, x) => {
    const along = (of: string, axis: number, size: number, out: number): string => {
      const parts = Array.from({ length: out }, (_, i) => {
        const [from, to] = [Math.floor((i * size) / out), Math.ceil(((i + 1) * size) / out)];
        const part = o.node('Slice', [of, o.integers([from]), o.integers([to]), o.integers([axis])]);
        return o.node(max ? 'ReduceMax' : 'ReduceMean', [part], { axes: [axis] });
      });
      return o.node('Concat', parts, { axis });
    };
    return along(along(x!, 2, h, oh), 3, w, ow);
  };

/** Mean of each of `size` parts that an image is divided into, as torch.nn.AdaptiveAvgPool2d. [n, c, h, w] -> [n, c, ...size]. */
export const adaptiveAvgPool =
  (size: Sides): Layer =>
  (g, x) =>
    adaptivePool(g, x, g.who('adaptiveAvgPool'), false, size);

/** Maximum of each of `size` parts that an image is divided into, as torch.nn.AdaptiveMaxPool2d. [n, c, h, w] -> [n, c, ...size]. */
export const adaptiveMaxPool =
  (size: Sides): Layer =>
  (g, x) =>
    adaptivePool(g, x, g.who('adaptiveMaxPool'), true, size);

/** Mean of each of `length` parts of a signal, as torch.nn.AdaptiveAvgPool1d. [n, c, l] -> [n, c, length]. */
export const adaptiveAvgPool1d =
  (length: number): Layer =>
  (g, x) => {
    const who = g.who('adaptiveAvgPool1d');
    return onSignals(who, g, x, rows => adaptivePool(g, rows, who, false, [1, length]));
  };

/** Maximum of each of `length` parts of a signal, as torch.nn.AdaptiveMaxPool1d. [n, c, l] -> [n, c, length]. */
export const adaptiveMaxPool1d =
  (length: number): Layer =>
  (g, x) => {
    const who = g.who('adaptiveMaxPool1d');
    return onSignals(who, g, x, rows => adaptivePool(g, rows, who, true, [1, length]));
  };

function adaptivePool(g: Graph, x: Tensor, who: string, max: boolean, size: Sides): Tensor {
  const [n, c, h, w] = images(who, x.shape);
  const [oh, ow] = pairOf(who, 'size', size);
  if (!max && oh === 1 && ow === 1) return planeMeans(g, x, [n, c, 1, 1]);
  const divides = h % oh === 0 && w % ow === 0; // then windows tile the image
  const k: Pair = divides ? [h / oh, w / ow] : [1, 1];
  return runPool(g, x, { max, planes: n * c, h, w, oh, ow, k, stride: k, pad: [0, 0], ...(!divides && { adaptive: true }) });
}

/** Mean of each channel over the whole image or signal. [n, c, …] -> [n, c]. */
export const globalAvgPool = (): Layer => (g, x) => {
  const [n, c] = channelsOf(g.who('globalAvgPool'), x.shape);
  return planeMeans(g, x, [n, c]);
};

function planeMeans(g: Graph, x: Tensor, shape: Shape): Tensor {
  const planes = x.shape[0]! * x.shape[1]!;
  const p = { planes, size: x.size / planes };
  const y = g.tensor(shape);
  g.run(planeMean, p, { x, y });
  return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(planeMeanBackward, p, { dy, dx }))], {
    onnx: (o, x) => {
      const means = o.node('GlobalAveragePool', [x]);
      return shape.length === 2 ? o.node('Flatten', [means], { axis: 1 }) : means;
    },
  });
}

/** How regions of fractional max pooling are drawn. */
export interface FractionalOptions {
  random?: boolean;
  overlapping?: boolean;
}

const FRACTIONAL: Known<FractionalOptions> = { random: 'boolean', overlapping: 'boolean' };

/**
 * Fractional max pooling (Graham 2014) by `ratio`, above 1 and at most 2: [n, c, h, w] -> [n, c, floor(h / ratio), floor(w / ratio)]. Each
 * sample has regions of its own at each step: pseudo-random or, with `random`, in any order; `overlapping` ones share their borders.
 * Evaluation has fixed pseudo-random ones.
 */
export const fractionalMaxPool =
  (ratio: number, options: FractionalOptions = {}): Layer =>
  (g, x) => {
    const who = g.who('fractionalMaxPool');
    onlyOptions(who, options, FRACTIONAL);
    const { random = false, overlapping = true } = options;
    const [n, c, h, w] = images(who, x.shape);
    check(ratio > 1 && ratio <= 2, `${who}: ratio is ${ratio}, expected above 1 and at most 2 (the paper's are 1.26 to 1.59)`);
    const oh = Math.floor(h / ratio);
    const ow = Math.floor(w / ratio);
    check(oh >= 1 && ow >= 1 && Math.max(h, w) <= 512, `${who}: images of ${h}x${w} (input ${show(x.shape)})`, 'it takes 2x2 to 512x512');
    check(
      !random || (h <= 2 * oh && w <= 2 * ow),
      `${who}: ${h}x${w} into ${oh}x${ow} is more than twos can cut`,
      'use a ratio below 2 or an even size',
    );
    const p = { n, c, h, w, oh, ow, random, overlapping, layer: g.stream(), fixed: !g.differentiates };
    const cuts = g.tensor([n, 2, cutsLength(p)]);
    const y = g.tensor([n, c, oh, ow]);
    const argmax = g.tensor(y.shape);
    g.run(fractionalCuts, p, { cuts });
    g.run(fractionalForward, p, { x, cuts, y, argmax });
    return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(fractionalBackward, p, { dy, cuts, argmax, dx }))]);
  };
