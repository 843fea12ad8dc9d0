/**
 * 1x1 convolutions for software adapters, and the input gradients of strided ones, as products over channels: a lane has four pixels of the
 * batch, whichever rows and images they lie in, and takes four channels at a time, so that each sum stays in its register for four
 * multiplications. The WGSL is in lanes-code/products.ts.
 */
import { weightStrides, type Fours, type ProductOutput } from './lane-tiles.ts';
import { imagesOf, isInside, sizesOf, type Conv } from './shape.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../kernel/loops.ts';
import { areaOf, areBoth } from '../kernel/pair.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

/** The product of a call: the channels of a group that it has outputs of and that it sums over, and its pixels. */
const productOf = (output: ProductOutput, { n, c, o, oh, ow, groups }: Conv) => {
  const [rows, summed] = output === 'y' ? [o / groups, c / groups] : [c / groups, o / groups];
  return { rows, summed, pixels: n * oh * ow };
};

function foursOf(output: ProductOutput, p: Conv): Fours {
  const fours = fitsVec4(p.oh * p.ow);
  return output === 'y' ? { read: fours && areBoth(p.stride, 1), written: fours } : { read: fours, written: false };
}

/** Channels summed from which on it is faster than tiles of neighbouring outputs are. What a stride scatters takes more. */
const ENOUGH = 24;
const ENOUGH_STRIDED = 128;
/** Multiply-adds from which on it is worth code that compiles for twice as long. */
const LARGE = 2 ** 27;

/** Output channels of a subgroup: of large calls 32, a tenth faster. */
function tileOf(output: ProductOutput, p: Conv): number {
  const { rows, summed, pixels } = productOf(output, p);
  const { read, written } = foursOf(output, p);
  const isLarge = read && written && rows * summed * pixels >= LARGE;
  return isLarge && (rows % 32 === 0 || rows > 256) ? 32 : evenShare(rows, 16);
}

const productBy = (output: ProductOutput, { read, written }: Fours): Variant<Conv> => ({
  name: `lanes 1x1${read ? ' x4' : ''}${written ? ' y4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) => {
    const { rows, summed } = productOf(output, p);
    const fours = foursOf(output, p);
    return (
      isSoftware(d) &&
      !p.recorded &&
      areBoth(p.k, 1) &&
      isInside(p) &&
      fitsVec4(summed) &&
      rows >= 4 &&
      summed >= (areBoth(p.stride, 1) ? ENOUGH : ENOUGH_STRIDED) &&
      fours.read === read &&
      fours.written === written
    );
  },
  vec4: [...(read ? [output === 'y' ? 'x' : 'dy'] : []), ...(written ? ['y'] : [])],
  sizes: p => {
    const outputs = imagesOf(p, 'y');
    const [source, target] = output === 'y' ? [p, outputs] : [outputs, p];
    return {
      ...productOf(output, p),
      ...sizesOf(p),
      size: p.oh * p.ow,
      sourceChannels: source.c,
      sourcePlane: source.h * source.w,
      targetChannels: target.c,
      targetPlane: target.h * target.w,
      ...(output === 'dx' && { passed: areaOf(p.stride) }),
      ...(output === 'y' ? weightStrides(p) : { wo: 1, wc: p.c / p.groups }),
    };
  },
  grid: (p, d) => {
    const { rows, pixels } = productOf(output, p);
    return [ceilDiv(rows, tileOf(output, p)), ceilDiv(pixels, 4 * d.lanes), p.groups];
  },
  code: async (p, d) => (await import('./lanes-code/products.ts')).productsCode(output, { read, written }, p, d, tileOf(output, p)),
});

export const forward1x1 = [
  productBy('y', { read: true, written: true }),
  productBy('y', { read: false, written: true }),
  productBy('y', { read: false, written: false }),
];

/** Of a stride: that of stride 1 is a convolution. */
export const backwardInput1x1 = [productBy('dx', { read: true, written: false }), productBy('dx', { read: false, written: false })];
