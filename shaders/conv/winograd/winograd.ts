/**
 * Convolutions of 3x3 by Winograd's minimal filtering: inputs and weights are transformed, multiplied as (m + 2)^2 matrix products, and what
 * comes out is transformed back. A quarter (m = 4) or 4/9 (m = 2) of the multiplications are left, and more where tiles hang over an edge: of
 * 7x7 a third by m = 4.
 */
import { matmul } from '../../product/matmul.ts';
import { isSoftware, MAX_GRID, type Call, type Profile, type Sized, type Staged } from '../../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../../kernel/loops.ts';
import { areBoth } from '../../kernel/pair.ts';
import { ofFirst, sumSlices } from '../../kernel/sum-slices.ts';
import { range } from '../../kernel/wgsl.ts';
import type { Conv, ConvWeight } from '../shape.ts';
import { winogradGradient, winogradInput, winogradOutput, winogradWeight, winogradWeightGradient } from './kernels.ts';
import type { TiledImages, Tiles } from './tiles.ts';

type M = Tiles['m'];

/** Bytes that the transformed values of one side of a product may take: larger batches are done in parts. */
const MOST_BYTES = 32 * 2 ** 20;
/** The same on a software adapter, for more than one image: what the products of more read and write leaves the processor's cache. */
const MOST_BYTES_CACHED = 16 * 2 ** 20;
/**
 * On a software adapter fewer channels than this are done sooner directly, as are fewer tiles. Direct convolutions are slower of widths that no
 * vec4f divide, so that there fewer channels are enough.
 */
const ENOUGH_CHANNELS = 32;
const ENOUGH_WITHOUT_VEC4 = 24;
const ENOUGH_TILES = 64;

const tilesOf = ({ oh, ow }: Conv, m: M) => ({ down: ceilDiv(oh, m), across: ceilDiv(ow, m) });

/** Images that are done at a time: equal shares whose values fit. */
function imagesAtATime(p: Conv, m: M, d: Profile): number {
  const { down, across } = tilesOf(p, m);
  const ofOne = 4 * (m + 2) ** 2 * Math.max(p.c, p.o) * (down * across + 3);
  if (ofOne > Math.min(MOST_BYTES, d.maxBinding)) return 0;
  return evenShare(p.n, Math.max(1, Math.floor(Math.min(isSoftware(d) ? MOST_BYTES_CACHED : MOST_BYTES, d.maxBinding) / ofOne)));
}

const fits = (p: Conv, m: M, d: Profile): boolean =>
  areBoth(p.k, 3) &&
  areBoth(p.stride, 1) &&
  areBoth(p.dilation, 1) &&
  p.groups === 1 &&
  !p.recorded &&
  !d.half &&
  Math.max(p.c, p.o) <= MAX_GRID && // channels lie along one direction of the grids
  imagesAtATime(p, m, d) > 0;

const leads = (p: Conv, m: M, d: Profile): boolean => {
  const { down, across } = tilesOf(p, m);
  return (
    m === 4 &&
    isSoftware(d) &&
    Math.min(p.c, p.o) >= (p.ow % 4 ? ENOUGH_WITHOUT_VEC4 : ENOUGH_CHANNELS) &&
    p.n * down * across >= ENOUGH_TILES
  );
};

/** The parts of a batch: their images as tiles, those of x [n, c, h, w] and of y [n, o, oh, ow]. The first is the largest. */
function partsOf(p: Conv, m: M, d: Profile): { x: TiledImages; y: TiledImages }[] {
  const most = imagesAtATime(p, m, d);
  const { down, across } = tilesOf(p, m);
  const [top, left] = p.pad;
  return range(ceilDiv(p.n, most)).map(i => {
    const first = i * most;
    const tiles = Math.min(most, p.n - first) * down * across;
    const part: Tiles = { m, first, tiles, down, across, columns: ceilDiv(tiles, 4) * 4 };
    return { x: { ...part, c: p.c, h: p.h, w: p.w, top, left }, y: { ...part, c: p.o, h: p.oh, w: p.ow, top: 0, left: 0 } };
  });
}

type Make<T> = (name: string, shape: readonly number[]) => T;

function forward<T extends Sized, C extends Call<T>>(m: M, call: C, d: Profile, make: Make<T>): C[] {
  const p = call.params as Conv;
  const { x, weight, bias, y, ...operands } = call.tensors;
  const parts = partsOf(p, m, d);
  const { columns } = parts[0]!.x;
  const a2 = (m + 2) ** 2;
  const u = make('transformed weights', [a2, p.o, p.c]);
  const v = make('transformed inputs', [a2, p.c, columns]);
  const products = make('products', [a2, p.o, columns]);
  return [
    { ...call, kernel: winogradWeight, params: { m, o: p.o, c: p.c, flip: p.flip }, tensors: { weight, u } },
    ...parts.flatMap(part => [
      { ...call, kernel: winogradInput, params: part.x, tensors: { x, v } },
      { ...call, kernel: matmul, params: { m: p.o, n: part.x.columns, k: p.c, batch: a2 }, tensors: { a: u, b: v, y: products } },
      {
        ...call,
        kernel: winogradOutput,
        params: { ...part.y, bias: p.bias, epilogue: p.epilogue },
        tensors: { products, ...(bias && { bias }), y, ...operands },
      },
    ]),
  ];
}

function weightGradient<T extends Sized, C extends Call<T>>(m: M, call: C, d: Profile, make: Make<T>): C[] {
  const p = call.params as ConvWeight;
  const { x, dy, dweight } = call.tensors;
  const parts = partsOf(p, m, d);
  const { columns } = parts[0]!.x;
  const a2 = (m + 2) ** 2;
  const v = make('transformed inputs', [a2, p.c, columns]);
  const g = make('transformed gradients', [a2, p.o, columns]);
  const products = make('products', [a2, p.o, p.c]);
  return [
    ...parts.flatMap((part, i) => [
      { ...call, kernel: winogradInput, params: part.x, tensors: { x, v } },
      { ...call, kernel: winogradGradient, params: part.y, tensors: { dy, v: g } },
      {
        ...call,
        kernel: matmul,
        params: { m: p.o, n: p.c, k: part.x.columns, batch: a2, tb: true, ...(i && { gradient: 'more' }) },
        tensors: { a: g, b: v, y: products },
      },
    ]),
    {
      ...call,
      kernel: winogradWeightGradient,
      params: { m, o: p.o, c: p.c, split: p.split, gradient: p.gradient },
      tensors: { products, dweight },
    },
  ];
}

const staged = <P extends Conv>(m: M, gives: typeof forward): Staged<P> => ({
  name: `winograd ${m}x${m}`,
  fits: (p, d) => fits(p, m, d),
  leads: (p, d) => leads(p, m, d),
  gives: (call, d, make) => gives(m, call, d, make),
});

export const winogradForward = [staged<Conv>(4, forward), staged<Conv>(2, forward)];

/** A weight gradient is all in the first slice: where slices are summed the others are neither written nor read. */
const lean: Staged<ConvWeight>['lean'] = (call, readers) =>
  readers.every(({ kernel }) => kernel === sumSlices)
    ? { call: { ...call, params: { ...call.params, split: 1 } }, readers: readers.map(reader => ofFirst(reader, call.tensors.dweight!)) }
    : undefined;

export const winogradWeights = [
  { ...staged<ConvWeight>(4, weightGradient), lean },
  { ...staged<ConvWeight>(2, weightGradient), lean },
];
