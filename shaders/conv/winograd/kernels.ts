/**
 * The parts of a convolution by Winograd's tiles (see transform.ts). Tiles of m x m outputs lie one after another, by images, then rows, then
 * columns of tiles; a = m + 2. Each part takes `tiles` of them from image `first` on, and rows of `columns` values hold one value of all, and
 * zeros behind: products that sum over tiles take whole rows.
 */
import { kernel } from '../../kernel/define.ts';
import { accumulates } from '../../kernel/gradient.ts';
import { isSoftware, type Profile, type Variant } from '../../kernel/kernel.ts';
import { ceilDiv, threads } from '../../kernel/loops.ts';
import { fitsVec4 } from '../../kernel/wgsl.ts';
import { isVector, weightStrides, type Rows } from '../lane-tiles.ts';
import type { ConvWeight } from '../shape.ts';
import { channelsOf, type Outputs, type TiledImages, type Weights } from './tiles.ts';

/** The WGSL, which few nets take. */
const load = () => import('./code.ts');

const sizesOf = ({ first, tiles, down, across, columns, c, h, w, top, left }: TiledImages) => ({
  first,
  tiles,
  down,
  across,
  columns,
  c,
  h,
  w,
  top,
  left,
});

const grid = (p: TiledImages, d: Profile) => [ceilDiv(p.columns, threads(d)), ceilDiv(p.c, channelsOf(p.c, d)), 1] as const;

/** Whether tiles of 4 x 4 lie side by side as the lanes do, with a column of others on either side. */
const areNeighbours = (p: TiledImages, d: Profile): boolean =>
  isSoftware(d) && p.m === 4 && p.left === 1 && p.across === ceilDiv(p.w, 4) && d.lanes % p.across === 0;

const FITS: Readonly<Record<Rows, (p: TiledImages, d: Profile) => boolean>> = {
  shuffle: (p, d) => areNeighbours(p, d) && p.w % 4 === 0,
  neighbours: areNeighbours,
  vec4: (p, d) => isSoftware(d) && p.m === 4 && p.left === 1 && p.across * 4 === p.w,
  scalar: () => true,
};

/** V [a a, c, columns] = Bt x B of the inputs of each tile. */
const inputBy = (rows: Rows): Variant<TiledImages> => ({
  name: rows === 'scalar' ? 'plain' : `lanes ${rows}`,
  ...(isVector(rows) && { vec4: ['x'] }),
  needs: rows === 'shuffle' || rows === 'neighbours' ? ['subgroups'] : [],
  fits: FITS[rows],
  sizes: sizesOf,
  grid,
  code: async (p, d) => (await load()).inputCode(rows, p, d),
});

export const winogradInput = kernel({
  name: 'winograd_input',
  bindings: { x: 'read', v: 'write' },
  variants: [inputBy('shuffle'), inputBy('neighbours'), inputBy('vec4'), inputBy('scalar')],
});

/** V [a a, c, columns] = A dy At of the outputs of each tile; what of it lies outside counts as 0. */
export const winogradGradient = kernel({
  name: 'winograd_gradient',
  bindings: { dy: 'read', v: 'write' },
  variants: [
    {
      name: 'plain',
      sizes: sizesOf,
      grid,
      code: async (p: TiledImages, d) => (await load()).gradientCode(p, d),
    },
  ],
});

const outputBy = (vec4: boolean): Variant<Outputs> => ({
  name: vec4 ? 'vec4' : 'plain',
  ...(vec4 && { vec4: ['y'], fits: p => p.m === 4 && fitsVec4(p.w) }),
  sizes: sizesOf,
  grid,
  code: async (p, d) => (await load()).outputCode(vec4, p, d),
});

/** y [n, c, h, w] = At M A (+ bias [c]) of the products M [a a, c, columns] of each tile. */
export const winogradOutput = kernel({
  name: 'winograd_output',
  bindings: { products: 'read', bias: 'read?', y: 'write' },
  epilogue: 'y',
  unrolled: true,
  variants: [outputBy(true), outputBy(false)],
});

const pairs = ({ o, c }: Weights, d: Profile) => [ceilDiv(c, threads(d)), o, 1] as const;

/** U [a a, o, c] = G w Gt. */
export const winogradWeight = kernel({
  name: 'winograd_weight',
  bindings: { weight: 'read', u: 'write' },
  sizes: ({ o, c, flip }: Weights) => ({ o, c, ...weightStrides({ k: [3, 3], o, c, groups: 1, flip }) }),
  grid: pairs,
  code: async (p, d) => (await load()).weightCode(p, d),
});

/** dweight [split, o, c, 3, 3], all of it in the first slice, = Gt D G of D [a a, o, c]. */
export const winogradWeightGradient = kernel({
  name: 'winograd_weight_gradient',
  bindings: { products: 'read', dweight: 'write' },
  step: (p: Weights & Pick<ConvWeight, 'split' | 'gradient'>) => accumulates(p.gradient),
  sizes: ({ o, c, split }) => ({ o, c, split }),
  grid: pairs,
  code: async (p, d) => (await load()).weightGradientCode(p, d),
});
