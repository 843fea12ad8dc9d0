import type { Epilogue } from '../kernel/epilogue.ts';

/**
 * A convolution of x [n, c, h, w] with weight [o, c / groups, k, k] into y [n, o, oh, ow], as torch.nn.functional.conv2d:
 * oh = floor((h + 2 pad - dilation (k - 1) - 1) / stride) + 1. With `flip` the weight is read as [c, o / groups, k, k] with its taps
 * reversed, which makes the input gradient of a convolution of stride 1 a convolution too.
 */
export interface Conv {
  n: number;
  c: number;
  h: number;
  w: number;
  o: number;
  oh: number;
  ow: number;
  k: number;
  stride: number;
  pad: number;
  dilation: number;
  groups: number;
  bias?: boolean;
  flip?: boolean;
  /** Write the moments of each channel of y too, those of each MOMENT_COLUMNS pixels by themselves (a normalisation follows). */
  moments?: boolean;
  epilogue?: readonly Epilogue[];
}

/** What kernels for software adapters read of a convolution, as sizes of a call: `cg` and `og` are channels of a group. */
export const sizesOf = ({ c, h, w, o, oh, ow, groups }: Conv) => ({ c, h, w, o, oh, ow, cg: c / groups, og: o / groups });

/** A weight gradient in slices; `split` of them. */
export interface ConvWeight extends Conv {
  split: number;
}
