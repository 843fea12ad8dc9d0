/** A batch of images and labels from the pages of a data set: looked up by an order, decoded, normalised, and transformed where asked for. */
import { kernel } from '../kernel/define.ts';
import { isSoftware, type Profile } from '../kernel/kernel.ts';
import { planes, threads } from '../kernel/loops.ts';
import { unroll } from '../kernel/wgsl.ts';
import { copyLabel, type Gather } from './gather-labels.ts';
import { pageBindings, pagesWgsl, placeOf, wordOf, wordsOf } from './pages.ts';

/** Whether images are copied as they are, a word of four bytes or one f32 at a time; else they are made pixel by pixel. */
const plain = ({ augment, mix }: Gather): boolean => !augment?.length && !mix;

/** Words or pixels of one image, and how many of them a thread takes. */
const itemsOf = (p: Gather): number => (plain(p) ? wordsOf(p) : p.h * p.w);
const perThread = (p: Gather, d: Profile): number => {
  if (isSoftware(d)) return plain(p) ? 64 : 128;
  return plain(p) ? 1 : 4;
};

/** WGSL: the words of an image as they are. */
const copyWords = (p: Gather) => ({
  declared: '',
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
    ...(!plain(p) && { seed: 'u32', epoch: 'u32', ...(p.repeats && { first: 'u32' }) }),
    ...(p.mix && { mixRatio: 'f32', mixShare: 'f32', mixShift: 'u32', mixX0: 'u32', mixX1: 'u32', mixY0: 'u32', mixY1: 'u32' }),
  }),
  draws: p => Boolean(p.augment?.length),
  over: (p, d) => planes({ count: p.n * (p.views ?? 1), size: itemsOf(p), threads: threads(d), perThread: perThread(p, d) }),
  body: async p => {
    const size = p.c * p.h * p.w;
    const { declared, before, each } = plain(p) ? copyWords(p) : (await import('./gather-pixels.ts')).makePixels(p);
    return {
      declared: `
const SIZE = ${size}u; const WORDS = ${wordsOf(p)}u; const PLANE = ${p.h * p.w}u;
${pagesWgsl(p)}
${declared}`,
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
