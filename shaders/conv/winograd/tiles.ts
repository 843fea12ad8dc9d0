/** What the kernels of Winograd's tiles are given, and their WGSL is made of. */
import type { Epilogue } from '../../kernel/epilogue.ts';
import { isSoftware, type Profile } from '../../kernel/kernel.ts';

/** The tiles of some images, of m x m outputs each. */
export interface Tiles {
  readonly m: 2 | 4;
  /** Images before the first one. */
  readonly first: number;
  /** Tiles in all, and down and across each image. */
  readonly tiles: number;
  readonly down: number;
  readonly across: number;
  /** Values of a row that holds one of each tile: at least as many as there are tiles. */
  readonly columns: number;
}

/** Tiles of the images [n, c, h, w], whose padding is `top` and `left`. */
export interface TiledImages extends Tiles {
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly top: number;
  readonly left: number;
}

/** Channels that a workgroup takes one after another. */
export const channelsOf = (c: number, d: Profile) => (isSoftware(d) ? Math.min(c, 16) : 1);

/** What a tile's outputs come to. */
export interface Outputs extends TiledImages {
  readonly bias?: boolean | undefined;
  readonly epilogue?: readonly Epilogue[] | undefined;
}

/** Weights [o, c, 3, 3], or with `flip` [c, o, 3, 3] whose taps are read backwards. */
export interface Weights {
  readonly m: 2 | 4;
  readonly o: number;
  readonly c: number;
  readonly flip?: boolean | undefined;
}
