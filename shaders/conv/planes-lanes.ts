/**
 * Depthwise convolutions (as many groups as channels) for software adapters: each plane has a filter of its own, so that nothing is shared
 * among lanes but a filter among images. A lane holds the filter of its channel and takes the images one by one: a strip of columns, whose
 * rows slide by and are loaded once, or a whole plane of few values. The WGSL is in lanes-code/planes.ts.
 */
import { stripOf, takesWhole, type PlaneForm } from './lane-tiles.ts';
import { imagesOf, type Conv, type ConvWeight } from './shape.ts';
import { isSoftware, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { areBoth } from '../kernel/pair.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

export const isDepthwise = ({ c, o, groups }: Conv): boolean => c === groups && o === groups;

const FORMS: readonly PlaneForm[] = ['whole', 'vec4', 'scalar'];

/** Whether strips of x and y lie side by side and are vec4f, and a strip's halo is in those beside it. */
const adjoin = ({ w, ow, k: [, kw], stride: [, sw], pad: [, left] }: Conv): boolean =>
  fitsVec4(ow) && w === ow * sw && sw <= 2 && left <= 4 && kw - 1 - left <= 4;

/** Whether the filter is small enough to be held, the lanes are filled, what is written is no statistics too, and the form can be read so. */
const fits = (p: Conv, d: Profile, form: PlaneForm, most: number): boolean =>
  isSoftware(d) &&
  isDepthwise(p) &&
  !p.recorded &&
  areBoth(p.dilation, 1) &&
  Math.max(...p.k) <= most &&
  p.groups * 4 >= d.lanes * 3 &&
  (form === 'whole') === takesWhole(p) &&
  (form !== 'vec4' || adjoin(p));

/** The bindings that are read or written as vec4f, of images [h, w] by name. */
const vec4Of = (form: PlaneForm, images: Readonly<Record<string, { h: number; w: number }>>): string[] =>
  Object.keys(images).filter(name => form === 'vec4' || (form === 'whole' && fitsVec4(images[name]!.h * images[name]!.w)));

/** The sizes of a call whose images are dealt out in `parts`, and whose lanes have `items`: a channel each, or a strip of one. */
const sizes = (p: Conv, form: PlaneForm, items: number, parts: number) => ({
  n: p.n,
  c: p.groups,
  items,
  parts,
  ...(form !== 'whole' && { h: p.h, w: p.w, oh: p.oh, ow: p.ow, across: stripOf(p, form).across }),
});

/** Workgroups that fill a processor: the images are dealt out to as many, if their channels are fewer. */
const ENOUGH = 64;

/** The lanes of all strips of the channels, their workgroups, and the parts that images are dealt out in. */
function shares(p: Conv, d: Profile, form: PlaneForm) {
  const items = p.groups * stripOf(p, form).across;
  const groups = ceilDiv(items, d.lanes);
  return { items, groups, parts: Math.min(p.n, ceilDiv(ENOUGH, groups)) };
}

/** Largest kernels whose filter and rows are held. */
const MOST = 7;
/** Of the input gradient of stride 2, whose taps are found while the code is made. */
const MOST_BACK = 5;

const imagesBy = (output: 'y' | 'dx', form: PlaneForm): Variant<Conv> => ({
  name: `lanes planes ${form}`,
  needs: ['subgroups'],
  fits: (p, d) => (output === 'y' ? fits(p, d, form, MOST) : areBoth(p.stride, 2) && fits(p, d, form, MOST_BACK)),
  vec4: p => vec4Of(form, output === 'y' ? { x: p, y: imagesOf(p, 'y') } : { dy: imagesOf(p, 'y'), dx: p }),
  sizes: (p, d) => {
    const { items, parts } = shares(p, d, form);
    return sizes(p, form, items, parts);
  },
  grid: (p, d) => {
    const { groups, parts } = shares(p, d, form);
    return [groups, parts, 1];
  },
  code: async (p, d) => (await import('./lanes-code/planes.ts')).planesCode(output, form, p, d),
});

/** The convolution, and its input gradient where that is one. */
export const forwardPlanes = FORMS.map(form => imagesBy('y', form));

/** The input gradient of stride 2. */
export const backwardInputPlanes = FORMS.map(form => imagesBy('dx', form));

/** Subgroups that compute one slice of a weight gradient, a channel each lane. */
export const weightPlanesGroups = (p: Conv, d: Profile): number => ceilDiv(p.groups, d.lanes);

/** The weight gradient: a lane goes down one strip of its channel after another. */
export const backwardWeightPlanes = FORMS.map(
  (form): Variant<ConvWeight> => ({
    name: `lanes planes ${form}`,
    needs: ['subgroups'],
    fits: (p, d) => fits(p, d, form, MOST),
    vec4: p => vec4Of(form, { x: p, dy: imagesOf(p, 'y') }),
    sizes: p => sizes(p, form, p.groups, p.split),
    grid: (p, d) => [weightPlanesGroups(p, d), p.split, 1],
    code: async (p, d) => (await import('./lanes-code/planes.ts')).planesCode('dweight', form, p, d),
  }),
);
