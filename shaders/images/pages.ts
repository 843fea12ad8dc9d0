/** How kernels find an image of a data set that lies in several buffers. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { ceilDiv } from '../kernel/loops.ts';
import { unroll } from '../kernel/wgsl.ts';

/** Images of c x h x w values in `pages` buffers of `perPage` images. */
export interface Pages {
  c: number;
  h: number;
  w: number;
  pages: number;
  perPage: number;
  /** Values are f32, in place of bytes. */
  floats?: boolean;
  /** The pages are a ring that holds the images in the order of the batches, in place of all images of the data set. */
  stream?: boolean;
}

/** Most pages of one data set. With five more bindings these are eight, which every adapter has. */
export const MAX_PAGES = 3;

export const pageBindings = { page0: 'read u32', page1: 'read u32?', page2: 'read u32?' } as const;

/** WGSL: a word of the page number `page`. */
export const wordOf = ({ pages }: Pages, page: string, at: string): string => (pages === 1 ? `page0[${at}]` : `fromPage(${page}, ${at})`);

/** WGSL: where the image lies that is the number `at` of the order and `index` of the data set. */
export const placeOf = ({ stream, pages, perPage }: Pages, at: string, index: string): string =>
  stream ? `(${at}) % ${pages * perPage}u` : index;

/** 32-bit words of an image. */
export const wordsOf = ({ c, h, w, floats }: Pick<Pages, 'c' | 'h' | 'w' | 'floats'>): number =>
  floats ? c * h * w : ceilDiv(c * h * w, 4);

/**
 * WGSL functions of bytes `byteAt(image, at)`, byte `at` of an image, `image` counting those of all pages; of f32 `valueAt(image, at)`.
 */
export const pagesWgsl = (p: Pages): string => wgsl`
#if ${p.pages > 1}
fn fromPage(page : u32, at : u32) -> u32 {
  ${unroll(p.pages - 1, i => `if (page == ${i}u) { return page${i}[at]; }`)}
  return page${p.pages - 1}[at];
}
#endif
#if ${Boolean(p.floats)}
fn valueAt(image : u32, at : u32) -> f32 {
  return bitcast<f32>(${wordOf(p, `image / ${p.perPage}u`, `image % ${p.perPage}u * ${wordsOf(p)}u + at`)});
}
#else
fn byteAt(image : u32, at : u32) -> u32 {
  let word = ${wordOf(p, `image / ${p.perPage}u`, `image % ${p.perPage}u * ${wordsOf(p)}u + (at >> 2u)`)};
  return (word >> ((at & 3u) << 3u)) & 0xffu;
}
#endif`;
