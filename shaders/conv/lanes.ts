/**
 * Convolutions for software adapters (S = lanes of one subgroup = one workgroup). Lane l computes one tile of neighbouring outputs for
 * several channels, in an array; the weights of a tap are held one channel per lane and broadcast. No barrier, no shared memory: a
 * load costs as much as 16 multiplications there, so each must serve many. Sizes are read at run time. The WGSL is in lanes-code/.
 */
import { isVector, takesImage, tilesAcross, tilesOf, weightStrides, type Rows } from './lane-tiles.ts';
import { padsOf, sizesOf, type Conv } from './shape.ts';
import { isSoftware, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../kernel/loops.ts';
import { areaOf, areBoth } from '../kernel/pair.ts';

/**
 * The outputs of one lane (th x tw) and the channels of one subgroup, which makes th tw channels sums in each lane: little enough code for the
 * instruction cache, no lane idle.
 */
function forwardTile(p: Conv, rows: Rows) {
  const whole = areaOf(p.k) <= 9; // all taps of a channel unrolled; larger kernels loop over their rows
  const taps = whole ? areaOf(p.k) : p.k[1];
  const widths = rows !== 'scalar' ? [4] : p.ow < 4 ? [p.ow] : [4, 5, 7];
  const { width: tw } = tilesAcross(p.ow, widths);
  // Rows that a stride parts share little of what they read: one of them, for more channels, loads less for each product.
  const th = whole && p.stride[0] > 1 && p.k[0] > 1 ? 1 : Math.min(2, p.oh);
  const most = Math.floor(Math.min(areBoth(p.k, 1) ? 128 : 96, 640 / taps) / (th * tw));
  const channels = evenShare(p.o / p.groups, Math.max(4, Math.min(16, most)));
  return { th, tw, channels, whole, isImage: false, ...tilesOf(p.n, p.oh, p.ow, th, tw) };
}

/** All outputs of an image, of as many channels as have code that is little enough. */
function imageTile({ n, o, oh, ow, groups }: Conv) {
  const pixels = oh * ow;
  const channels = evenShare(o / groups, Math.min(pixels > 1 ? 16 : 64, Math.floor(128 / pixels)));
  return { th: oh, tw: ow, channels, whole: true, isImage: true, ...tilesOf(n, oh, ow, oh, ow) };
}

/** Whether each lane's columns of the input begin where those of its neighbour end, with a halo of at most two on either side. */
const adjoin = ({ w, h, ow, oh, k: [, kw], stride: [sh, sw], pad: [, left], dilation: [, dilation] }: Conv) =>
  dilation === 1 && sw <= 2 && kw % 2 === 1 && kw <= 5 && left === (kw - 1) / 2 && w === ow * sw && h === oh * sh;

const hasVec4 = (p: Conv) => p.w % 4 === 0 && p.ow % 4 === 0;

/** The convolution by tiles that `tileOf` gives, whose rows are loaded as `rows` says. */
const byTiles = (rows: Rows, tileOf: (p: Conv) => ReturnType<typeof forwardTile>): Omit<Variant<Conv>, 'name' | 'fits'> => ({
  needs: ['subgroups'],
  ...(isVector(rows) && { vec4: ['x', 'y'] }),
  sizes: p => {
    const { across, down, tiles } = tileOf(p);
    return {
      ...sizesOf(p),
      ...padsOf(p).sizes,
      across,
      down,
      tiles,
      ...weightStrides(p),
    };
  },
  grid: (p, d) => {
    const { tiles, channels } = tileOf(p);
    return [ceilDiv(tiles, d.lanes), ceilDiv(p.o / p.groups, channels), p.groups];
  },
  code: async (p, d) => (await import('./lanes-code/forward.ts')).forwardCode(rows, p, d, tileOf(p)),
});

/** By tiles of neighbouring outputs. */
export const forwardLanes = (rows: Rows): Variant<Conv> => ({
  name: `lanes ${rows}`,
  fits: (p, d) => {
    if (!isSoftware(d) || p.recorded) return false;
    if (rows === 'scalar') return true;
    if (!adjoin(p) || p.o / p.groups < 4 || isVector(rows) !== hasVec4(p)) return false;
    const { across, tiles } = forwardTile(p, rows);
    return rows === 'vec4' || (d.lanes <= 8 && d.lanes % across === 0 && tiles % d.lanes === 0); // lavapipe shuffles 16 lanes one by one
  },
  ...byTiles(rows, p => forwardTile(p, rows)),
});

/** By whole images: nothing is multiplied by the zeros around them, as are 20 of the 36 products of 3x3 on 2x2 pixels. */
export const forwardImage = (rows: 'vec4' | 'scalar'): Variant<Conv> => ({
  name: `lanes image ${rows}`,
  fits: (p, d) => isSoftware(d) && !p.recorded && takesImage(p) && (rows === 'vec4') === (adjoin(p) && hasVec4(p)),
  ...byTiles(rows, imageTile),
});

/** Channels of one subgroup: as many sums as pay for their loads. */
const imageChannels = (p: Conv, d: Profile): number => evenShare(p.o / p.groups, Math.min(8, d.lanes));

/** A convolution of small images: a lane has an image, and one row of outputs of it. */
export const imagesLanes: Variant<Conv> = {
  name: 'lanes images',
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    !p.recorded &&
    areBoth(p.stride, 1) &&
    areBoth(p.dilation, 1) &&
    Math.max(...p.k) <= 7 &&
    p.n % d.lanes === 0 &&
    p.ow <= 16 &&
    p.ow > p.w,
  sizes: p => ({ ...sizesOf(p), pad: p.pad[0], ...weightStrides(p) }),
  grid: (p, d) => [(p.n / d.lanes) * p.oh, ceilDiv(p.o / p.groups, imageChannels(p, d)), p.groups],
  code: async (p, d) => (await import('./lanes-code/images.ts')).imagesCode(p, d, imageChannels(p, d)),
};

/** Outputs of one lane of the strided input gradient: `rows` x `columns` of dx, from half as many of dy (stride 2). */
const BACK = { rows: 2, columns: 8, channels: 8 };
const backwardTiles = (p: Conv) => tilesOf(p.n, p.h, p.w, BACK.rows, BACK.columns);

/** The input gradient for stride 2, the rows of dy loaded as `rows` says. */
export const backwardInputLanes = (rows: 'vec4' | 'scalar'): Variant<Conv> => ({
  name: `lanes ${rows}`,
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    !p.recorded &&
    areBoth(p.stride, 2) &&
    areBoth(p.dilation, 1) &&
    Math.max(...p.k) <= 5 &&
    (rows === 'scalar' || (p.ow % 4 === 0 && p.w === 2 * p.ow && p.h === 2 * p.oh && Math.max(...p.pad) <= 2)),
  ...(rows !== 'scalar' && { vec4: ['dy', 'dx'] }),
  sizes: p => ({
    ...sizesOf(p),
    ...backwardTiles(p),
  }),
  grid: (p, d) => [ceilDiv(backwardTiles(p).tiles, d.lanes), ceilDiv(p.c / p.groups, BACK.channels), p.groups],
  code: async (p, d) => (await import('./lanes-code/input.ts')).inputCode(rows, p, d, BACK),
});
