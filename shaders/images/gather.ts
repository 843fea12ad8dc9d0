import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { augmentWgsl } from './augment.ts';
import type { Augment, Transform } from './transform.ts';
import { kernel, type Profile } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { unroll } from '../kernel/wgsl.ts';
import { pageBindings, pagesWgsl, placeOf, wordOf, type Pages } from './pages.ts';

/** A batch of `n` images. */
export interface Gather extends Pages {
  n: number;
  augment?: readonly Transform[];
  /** Of the training images, where `augment` asks for them (see Augment). */
  mean?: readonly number[];
  colour?: readonly (readonly number[])[];
  /** Each image is mixed with another of its batch (mixup, cutmix): `classes` soft labels. */
  mix?: boolean;
  classes?: number;
  /** x holds so many views of each image, all first ones before all second ones (see Augment). */
  views?: number;
}

/** Whether images are copied as they are, four bytes at a time; else they are made pixel by pixel. */
const plain = ({ augment, mix }: Gather): boolean => !augment?.length && !mix;

/** Words or pixels of one image, and how many of them a workgroup takes. */
const itemsOf = (p: Gather): number => (plain(p) ? ceilDiv(p.c * p.h * p.w, 4) : p.h * p.w);
function runOf(p: Gather, d: Profile): number {
  if (d.lanes) return d.lanes * (plain(p) ? 64 : 128);
  return 64 * (plain(p) ? 1 : 4);
}

/** WGSL: the words of an image as they are. */
const copyWords = (p: Gather, loop: string) => `
  if (group.x == 0u && lane == 0u) { labels[image] = labelsAll[index]; }
  let page = place / ${p.perPage}u;
  let base = place % ${p.perPage}u * WORDS;
  ${loop} {
    let bytes = unpack4xU8(${wordOf(p, 'page', 'base + i')});
    ${unroll(4, j => `{ let at = i * 4u + ${j}u; if (at < SIZE) { x[row * SIZE + at] = f32(bytes[${j}]) * norm[at] + norm[SIZE + at]; } }`)}
  }`;

/** WGSL: what is random of the partner that an image is mixed with, and their soft label. */
const drawPartner = (p: Gather) => `
  let partner = (image + op.mixShift) % ${p.n}u;
  let index2 = order[op.offset + partner];
  let place2 = ${placeOf(p, 'op.offset + partner', 'index2')};
  let d2 = draw(index2, partner);
  if (group.x == 0u && lane == 0u) {
    for (var k = 0u; k < ${p.classes}u; k++) {
      let own = select(0.0, op.mixShare, k == labelsAll[index]);
      soft[image * ${p.classes}u + k] = own + select(0.0, 1.0 - op.mixShare, k == labelsAll[index2]);
    }
  }`;

/** WGSL: the pixel `v` of an image and its partner, from the box of cutmix or mixed by the ratio of mixup. */
const lookAtBoth = `
    var v : Px;
    let inBox = (column >= op.mixX0) & (column < op.mixX1) & (y >= op.mixY0) & (y < op.mixY1);
    if (inBox) {
      v = look(q, i, index2, place2, d2);
    } else {
      v = look(q, i, index, place, d);
      if (op.mixRatio < 1.0) { v = v * op.mixRatio + look(q, i, index2, place2, d2) * (1.0 - op.mixRatio); }
    }`;

/** WGSL: the pixels of an image after its transforms, mixed with those of a partner where that is asked for. */
function makePixels(p: Gather, loop: string): string {
  const storeLabel = `if (group.x == 0u && lane == 0u && row < ${p.n}u) { labels[image] = labelsAll[index]; }`;
  const store = (k: number) => {
    const value = p.c > 1 ? `v.${'xyzw'[k]}` : 'v';
    return `x[row * SIZE + ${k}u * PLANE + i] = ${value} * norm[${k}u * PLANE + i] + norm[SIZE + ${k}u * PLANE + i];`;
  };
  return `
  ${(p.views ?? 1) > 1 ? `view = row / ${p.n}u;` : ''}
  let d = draw(index, image);
  ${p.mix ? drawPartner(p) : storeLabel}
  ${loop} {
    let y = i / ${p.w}u; let column = i - y * ${p.w}u;
    let q = Q(vec2u(column, y));
    ${p.mix ? lookAtBoth : 'let v = look(q, i, index, place, d);'}
    ${unroll(p.c, store)}
  }`;
}

/**
 * x [n, c, h, w] = byte * scale + shift of images order[offset] … order[offset + n - 1], and their labels [n]; `norm` [2, c, h, w] holds
 * scale and shift per value. One thread takes four bytes at a time; with `augment` one pixel, all its channels, so that colours can be
 * changed. With `mix` image i is mixed with image i + shift of the batch: x = ratio * x_i + (1 - ratio) * x_j, or x_j inside the box [x0,
 * x1) x [y0, y1), and target [n, classes] = share * label_i + (1 - share) * label_j. `tables` are those of the batch (see imageTables)
 * where the transforms ask for them.
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
  grid: (p, d) => [ceilDiv(itemsOf(p), runOf(p, d)), p.n * (p.views ?? 1), 1],
  code: (p, d) => {
    const size = p.c * p.h * p.w;
    const threads = d.lanes || 64;
    const run = runOf(p, d);
    const transforms: Augment & Gather = { ...p, list: p.augment ?? [], mean: p.mean ?? [], colour: p.colour ?? [] };
    const loop = `for (var i = group.x * ${run}u + lane; i < end; i += ${threads}u)`;
    return wgsl`
const SIZE = ${size}u; const WORDS = ${ceilDiv(size, 4)}u; const PLANE = ${p.h * p.w}u;
${pagesWgsl(p)}
${plain(p) ? '' : augmentWgsl(transforms)}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let row = group.y; // of x
  let image = ${(p.views ?? 1) > 1 ? `row % ${p.n}u` : 'row'};
  let index = order[op.offset + image];
  let place = ${placeOf(p, 'op.offset + image', 'index')};
  let end = min((group.x + 1u) * ${run}u, ${itemsOf(p)}u);
  ${plain(p) ? copyWords(p, loop) : makePixels(p, loop)}
}`;
  },
});
