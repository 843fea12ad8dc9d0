import type { Epilogue } from '../kernel/epilogue.ts';
import type { Gradient } from '../kernel/gradient.ts';
import type { Recorded } from '../product/product.ts';
import { areaOf, isSquare, type Pair } from '../kernel/pair.ts';

/**
 * A convolution of x [n, c, h, w] with weight [o, c / groups, kh, kw] into y [n, o, oh, ow], as torch.nn.functional.conv2d: output (i, j)
 * sees rows i stride - pad + r dilation, and columns alike; `pad` is that before the first row and column, and the size of y says how much
 * there is behind the last. With `flip` the weight is read as [c, o / groups, kh, kw] with its taps reversed, which makes the input
 * gradient of a convolution of stride 1 a convolution too.
 */
export interface Conv {
  n: number;
  c: number;
  h: number;
  w: number;
  o: number;
  oh: number;
  ow: number;
  k: Pair;
  stride: Pair;
  pad: Pair;
  dilation: Pair;
  groups: number;
  bias?: boolean;
  flip?: boolean;
  /**
   * Write two numbers of each channel of what is written too, those of so many pixels by themselves: the moments, where a normalisation
   * follows, or, where it is the gradient of what a normalisation gave, its sum and that of its products with what was normalised, less the
   * mean.
   */
  recorded?: Recorded;
  epilogue?: readonly Epilogue[];
}

/** What kernels for software adapters read of a convolution, as sizes of a call: `cg` and `og` are channels of a group. */
export const sizesOf = ({ c, h, w, o, oh, ow, groups }: Conv) => ({ c, h, w, o, oh, ow, cg: c / groups, og: o / groups });

/** The images that a call writes: y [n, o, oh, ow], or dx [n, c, h, w]. */
export const imagesOf = ({ n, c, h, w, o, oh, ow }: Conv, output: 'y' | 'dx') =>
  output === 'y' ? { n, c: o, h: oh, w: ow } : { n, c, h, w };

/** Weights of one output channel. */
export const filterSize = (p: Conv): number => (p.c / p.groups) * areaOf(p.k);

/** Whether no tap reaches over an edge. */
export const isInside = ({ h, w, oh, ow, k, stride, pad, dilation }: Conv): boolean =>
  [h, w].every((size, i) => pad[i] === 0 && ([oh, ow][i]! - 1) * stride[i]! + dilation[i]! * (k[i]! - 1) < size);

/** The padding as sizes of a call, and their names in WGSL: one where they are equal. */
export function padsOf({ pad }: Conv): { readonly sizes: Record<string, number>; readonly top: string; readonly left: string } {
  const [top, left] = pad;
  return isSquare(pad) ? { sizes: { pad: top }, top: 'op.pad', left: 'op.pad' } : { sizes: { top, left }, top: 'op.top', left: 'op.left' };
}

/** A weight gradient in slices; `split` of them. One may be the gradient of a parameter itself, written as `gradient` says. */
export interface ConvWeight extends Conv {
  split: number;
  gradient?: Gradient | undefined;
}
