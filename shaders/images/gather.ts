import { kernel } from '../kernel/define.ts';
import { isSoftware, type Profile } from '../kernel/kernel.ts';
import { planes, threads } from '../kernel/loops.ts';
import { unroll, XYZW } from '../kernel/wgsl.ts';
import { pageBindings, pagesWgsl, placeOf, wordOf, wordsOf, type Pages } from './pages.ts';
import type { Transform } from './transform.ts';

/** A batch of `n` images. */
export interface Gather extends Pages {
  n: number;
  augment?: readonly Transform[];
  /** The mean colour of the training images, where `augment` asks for it (see Augment). */
  mean?: readonly number[];
  colour?: readonly (readonly number[])[];
  /** Each image is mixed with another of its batch (mixup, cutmix): `classes` soft labels. */
  mix?: boolean;
  classes?: number;
  /** `labelsAll` holds `classes` f32 of each image, numbers to predict, and `soft` takes them. */
  regression?: boolean;
  /** x holds so many views of each image, all first ones before all second ones (see Augment). */
  views?: number;
}

/** Whether images are copied as they are, a word of four bytes or one f32 at a time; else they are made pixel by pixel. */
const plain = ({ augment, mix }: Gather): boolean => !augment?.length && !mix;

/** Words or pixels of one image, and how many of them a thread takes. */
const itemsOf = (p: Gather): number => (plain(p) ? wordsOf(p) : p.h * p.w);
const perThread = (p: Gather, d: Profile): number => {
  if (isSoftware(d)) return plain(p) ? 64 : 128;
  return plain(p) ? 1 : 4;
};

/** WGSL: target `k` of the image number `index`. */
const target = (p: Gather, index: string): string => `bitcast<f32>(labelsAll[${index} * ${p.classes}u + k])`;

/** WGSL: the label of an image, or its targets. */
const copyLabel = (p: Gather): string =>
  p.regression
    ? `for (var k = 0u; k < ${p.classes}u; k++) { soft[image * ${p.classes}u + k] = ${target(p, 'index')}; }`
    : 'labels[image] = labelsAll[index];';

/** WGSL: the words of an image as they are. */
const copyWords = (p: Gather) => ({
  before: `
  if (group.x == 0u && lane == 0u) { ${copyLabel(p)} }
  let page = place / ${p.perPage}u;
  let base = place % ${p.perPage}u * WORDS;`,
  each: p.floats
    ? `
    x[plane * SIZE + at] = bitcast<f32>(${wordOf(p, 'page', 'base + at')}) * norm[at] + norm[SIZE + at];`
    : `
    let bytes = unpack4xU8(${wordOf(p, 'page', 'base + at')});
    ${unroll(4, j => `{ let i = at * 4u + ${j}u; if (i < SIZE) { x[plane * SIZE + i] = f32(bytes[${j}]) * norm[i] + norm[SIZE + i]; } }`)}`,
});

/** WGSL: what is random of the partner that an image is mixed with, and their soft label. */
const drawPartner = (p: Gather) => `
  let partner = (image + op.mixShift) % ${p.n}u;
  let index2 = order[op.offset + partner];
  let place2 = ${placeOf(p, 'op.offset + partner', 'index2')};
  let d2 = draw(index2, partner);
  if (group.x == 0u && lane == 0u) {
    for (var k = 0u; k < ${p.classes}u; k++) {
      ${
        p.regression
          ? `soft[image * ${p.classes}u + k] = op.mixShare * ${target(p, 'index')} + (1.0 - op.mixShare) * ${target(p, 'index2')};`
          : `let own = select(0.0, op.mixShare, k == labelsAll[index]);
      soft[image * ${p.classes}u + k] = own + select(0.0, 1.0 - op.mixShare, k == labelsAll[index2]);`
      }
    }
  }`;

/** WGSL: the pixel `v` of an image and its partner, from the box of cutmix or mixed by the ratio of mixup. */
const lookAtBoth = `
    var v : Px;
    let inBox = (column >= op.mixX0) & (column < op.mixX1) & (y >= op.mixY0) & (y < op.mixY1);
    if (inBox) {
      v = look(q, at, index2, place2, d2);
    } else {
      v = look(q, at, index, place, d);
      if (op.mixRatio < 1.0) { v = v * op.mixRatio + look(q, at, index2, place2, d2) * (1.0 - op.mixRatio); }
    }`;

/** WGSL: the pixels of an image after its transforms, mixed with those of a partner where that is asked for. */
function makePixels(p: Gather) {
  const storeLabel = `if (group.x == 0u && lane == 0u && plane < ${p.n}u) { ${copyLabel(p)} }`;
  const store = (k: number) => {
    const value = p.c > 1 ? `v.${XYZW[k]}` : 'v';
    return `x[plane * SIZE + ${k}u * PLANE + at] = ${value} * norm[${k}u * PLANE + at] + norm[SIZE + ${k}u * PLANE + at];`;
  };
  return {
    before: `
  ${(p.views ?? 1) > 1 ? `view = plane / ${p.n}u;` : ''}
  let d = draw(index, image);
  ${p.mix ? drawPartner(p) : storeLabel}`,
    each: `
    let y = at / ${p.w}u; let column = at - y * ${p.w}u;
    let q = Q(vec2u(column, y));
    ${p.mix ? lookAtBoth : 'let v = look(q, at, index, place, d);'}
    ${unroll(p.c, store)}`,
  };
}

/** WGSL of the transforms, which is loaded where images have some. */
async function augmentedWgsl(p: Gather): Promise<string> {
  const { augmentWgsl } = await import('./augment.ts');
  return augmentWgsl({ ...p, list: p.augment ?? [], unit: p.floats ? 1 : 255, mean: p.mean ?? [], colour: p.colour ?? [] });
}

/**
 * x [n, c, h, w] = value * scale + shift of images order[offset] … order[offset + n - 1], and their labels [n]; `norm` [2, c, h, w] holds
 * scale and shift per value. One thread takes four bytes or one f32 at a time; with `augment` one pixel, all its channels, so that colours
 * can be changed. With `mix` image i is mixed with image i + shift of the batch: x = ratio * x_i + (1 - ratio) * x_j, or x_j inside the box
 * [x0, x1) x [y0, y1), and target [n, classes] = share * label_i + (1 - share) * label_j. Of a regression labels are numbers, [n, classes].
 * `tables` are those of the batch (see imageTables) where the transforms ask for them.
 */
export const gather = kernel({
  name: 'gather',
  bindings: {
    order: 'read u32',
    norm: 'read',
    labelsAll: 'read u32',
    x: 'write',
    labels: 'write u32?',
    soft: 'write?',
    ...pageBindings,
    tables: 'read?',
  },
  step: (p: Gather): Record<string, 'u32' | 'f32'> => ({
    offset: 'u32',
    ...(!plain(p) && { seed: 'u32', epoch: 'u32' }),
    ...(p.mix && { mixRatio: 'f32', mixShare: 'f32', mixShift: 'u32', mixX0: 'u32', mixX1: 'u32', mixY0: 'u32', mixY1: 'u32' }),
  }),
  draws: p => Boolean(p.augment?.length),
  over: (p, d) => planes({ count: p.n * (p.views ?? 1), size: itemsOf(p), threads: threads(d), perThread: perThread(p, d) }),
  body: async p => {
    const size = p.c * p.h * p.w;
    const { before, each } = plain(p) ? copyWords(p) : makePixels(p);
    const augmented = plain(p) ? '' : await augmentedWgsl(p);
    return {
      declared: `
const SIZE = ${size}u; const WORDS = ${wordsOf(p)}u; const PLANE = ${p.h * p.w}u;
${pagesWgsl(p)}
${augmented}`,
      // the plane is an image of x
      before: `
  let image = ${(p.views ?? 1) > 1 ? `plane % ${p.n}u` : 'plane'};
  let index = order[op.offset + image];
  let place = ${placeOf(p, 'op.offset + image', 'index')};
  ${before}`,
      each,
    };
  },
});
