/** Sizes, strides and padding of windows as users give them. */
import { check, kindOf, show } from '../engine/check.ts';
import type { Graph } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import { product, type Shape } from '../shaders/kernel/shape.ts';
import { reachOf, type Pair } from '../shaders/kernel/pair.ts';

/** One number for rows and columns, or one for each. */
export type Sides = number | Pair;

/** How much is put before and behind. */
export interface Edges {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/**
 * Padding of all sides, of [top and bottom, left and right], or of each side (0 without a number). `same` makes the output ceil(size /
 * stride), what is odd of it behind, as padding='same' of PyTorch (stride 1) and Keras.
 */
export type Padding = Sides | Partial<Edges> | 'same';

/** Padding of both ends of a signal, or of each by itself. */
export type SignalPadding = number | Partial<Pick<Edges, 'left' | 'right'>> | 'same';

/** The padding of a signal as that of an image of one row. */
export const rowPadding = (pad: SignalPadding): Padding => (typeof pad === 'number' ? [0, pad] : pad);

/** A window that moves over an image: its taps are `dilation` apart. */
export interface Window {
  readonly k: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
}

const isSides = (pad: Padding): pad is Sides => typeof pad === 'number' || Array.isArray(pad);

/** The window of a layer's options. */
export const windowOf = (who: string, { k, stride, dilation }: Readonly<Record<keyof Window, Sides>>): Window => ({
  k: pairOf(who, 'kernel', k),
  stride: pairOf(who, 'stride', stride),
  dilation: pairOf(who, 'dilation', dilation),
});

/** Both numbers, whole and at least `least`, or an error that calls them `what`. */
export function pairOf(who: string, what: string, sides: Sides, least = 1): Pair {
  const pair: Pair = typeof sides === 'number' ? [sides, sides] : sides;
  check(
    Array.isArray(pair) && pair.length === 2 && pair.every(n => Number.isInteger(n) && n >= least),
    `${who}: ${what} is ${showSides(sides)}`,
    `give a whole number of at least ${least}, or two as [rows, columns]`,
  );
  return pair;
}

/** How much padding there is on each side of images of `size` under a window. */
export function edgesOf(who: string, pad: Padding, size: Pair, window: Window): Edges {
  if (pad === 'same') {
    const reach = reachOf(window);
    const all = ([0, 1] as const).map(i => {
      const out = Math.ceil(size[i] / window.stride[i]);
      return Math.max(0, (out - 1) * window.stride[i] + reach[i] - size[i]);
    });
    const [top, left] = all.map(n => Math.floor(n / 2)) as [number, number];
    return { top, left, bottom: all[0]! - top, right: all[1]! - left };
  }
  if (!isSides(pad)) {
    const edges = { top: 0, bottom: 0, left: 0, right: 0, ...pad };
    check(
      typeof pad === 'object' && pad && Object.keys(edges).length === 4 && Object.values(edges).every(n => Number.isInteger(n) && n >= 0),
      `${who}: pad is ${showPadding(pad)}`,
      'give whole numbers of at least 0 as top, bottom, left, right',
    );
    return edges;
  }
  const [rows, columns] = pairOf(who, 'pad', pad, 0);
  return { top: rows, bottom: rows, left: columns, right: columns };
}

/** Images of `size` with what is around them. */
export const paddedSize = ([h, w]: Pair, { top, bottom, left, right }: Edges): Pair => [h + top + bottom, w + left + right];

/** A window and what is around its images as ONNX has them. */
export const onnxWindow = ({ k, stride, dilation }: Window, { top, left, bottom, right }: Edges) => ({
  kernel_shape: k,
  strides: stride,
  dilations: dilation,
  pads: [top, left, bottom, right],
});

/** `3x3`, or `3x5`. */
export const showPair = ([rows, columns]: Pair): string => `${rows}x${columns}`;

const showSides = (sides: Sides): string => (Array.isArray(sides) ? `[${sides.join(', ')}]` : kindOf(sides));

/** Padding as it was given. */
export const showPadding = (pad: Padding): string => {
  if (typeof pad === 'string') return pad;
  if (typeof pad !== 'object' || isSides(pad) || !pad) return showSides(pad as Sides);
  return Object.entries(pad)
    .map(([edge, n]) => `${edge} ${n}`)
    .join(' ');
};

/** The three sizes of a batch of signals, or an error that says what came instead. */
export function signals(layer: string, shape: Shape): [n: number, c: number, l: number] {
  check(
    shape.length === 3,
    `${layer}: input is ${show(shape)}, expected [batch, channels, length]`,
    'put unflatten([channels, length]) before it',
  );
  return [shape[0]!, shape[1]!, shape[2]!];
}

/** The sizes of a batch of images or signals, `size` being the values of a channel, or an error that says what came instead. */
export function channelsOf(layer: string, shape: Shape): [n: number, c: number, size: number] {
  check(shape.length > 2, `${layer}: input is ${show(shape)}, expected [batch, channels, …]`, 'put it before flatten or dense');
  return [shape[0]!, shape[1]!, product(shape.slice(2))];
}

/** The same values under another shape, that of the batch included, and their gradient under that of x: as torch.reshape, at no cost. */
export const reshape = (g: Graph, x: Tensor, shape: Shape): Tensor => g.record([x], g.view(x, shape), dy => [g.view(dy, x.shape)]);

/** A layer of images [n, c, 1, l] on signals [n, c, l]. */
export function onSignals(who: string, g: Graph, x: Tensor, layer: (images: Tensor) => Tensor): Tensor {
  const [n, c, l] = signals(who, x.shape);
  const y = layer(reshape(g, x, [n, c, 1, l]));
  return reshape(g, y, [n, y.shape[1]!, product(y.shape.slice(2))]);
}
