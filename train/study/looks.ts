/** What can be seen of a net: its first filters, and what each layer makes of an image. */
import { product, type Shape } from '../../shaders/kernel/shape.ts';
import type { Probe } from '../evaluate/probe.ts';

/** Pictures [count, h, w] of floats. */
export interface Planes {
  readonly name: string;
  readonly count: number;
  readonly h: number;
  readonly w: number;
  readonly data: Float32Array;
}

/** Weights as pictures [count, channels, h, w], of three channels where they are colours. */
export interface Filters extends Planes {
  readonly channels: number;
  /** Whether there is one for each class: the templates of a linear model. */
  readonly templates: boolean;
}

/** Most pictures of one layer. */
const MOST = 64;

interface Weight {
  readonly name: string;
  readonly shape: Shape;
}

/** The first weight that is a picture: of a convolution [o, c, k, k], or of a dense layer on whole images [o, c h w]. */
export const firstFilters = <W extends Weight>(weights: readonly W[], [c, h, w]: readonly [number, number, number]): W | undefined =>
  weights.find(({ shape }) => shape.length === 4 || (shape.length === 2 && h * w > 1 && shape[1] === c * h * w));

/** Such a weight as pictures, of a net for images [c, h, w] of so many classes. */
export function filtersOf(
  { name, shape }: Weight,
  values: Float32Array,
  image: readonly [number, number, number],
  classes: number,
): Filters {
  const [o, c, h, w] = (shape.length === 4 ? shape : [shape[0], ...image]) as [number, number, number, number];
  const channels = c === 3 ? 3 : 1;
  const all = channels === 3 ? o : o * c;
  const count = Math.min(MOST, all);
  const templates = shape.length === 2 && all === classes;
  return { name, channels, count, h, w, data: values.slice(0, count * channels * h * w), templates };
}

/** What each layer makes of one image, given as its bytes: its channels as pictures; a vector is one line of them. */
export async function activationsOf(probe: Probe, bytes: Uint8Array): Promise<Planes[]> {
  probe.run(bytes);
  const found: Planes[] = [];
  for (const [name, t] of probe.outputs) found.push(channelsOf(name, [1, ...t.shape.slice(1)], await probe.read(t)));
  return found;
}

/** A layer's output for one image, of shape [1, …], as pictures. */
export function channelsOf(name: string, shape: Shape, values: Float32Array): Planes {
  const [, c = 1, h = 1, w = 1] = shape.length === 4 ? shape : [1, 1, 1, product(shape)];
  const count = Math.min(c, MOST);
  return { name, count, h, w, data: values.slice(0, count * h * w) };
}

/** Values by how many lie where: `counts` over equal parts of -reach .. reach, which is 0 where no value is another number. */
export interface Histogram {
  readonly reach: number;
  /** How many values are not finite, which no part counts. */
  readonly others: number;
  readonly counts: Uint32Array;
}

/** Parts of a histogram: an odd number, as many values are 0. */
const BINS = 41;

/** The histogram of values. */
export function histogramOf(values: Float32Array): Histogram {
  const finite = values.filter(Number.isFinite);
  const reach = finite.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const counts = new Uint32Array(BINS);
  for (const v of finite) counts[Math.min(BINS - 1, Math.floor(((v / (reach || 1) + 1) / 2) * BINS))]!++;
  return { reach, others: values.length - finite.length, counts };
}

/** Numbers of a matrix that are drawn. */
const PIXELS = 2 ** 16;

/** Any weight as pictures: of a convolution of more than one tap its filters, and else one picture of its first rows. */
export function weightPictures(weight: Weight, values: Float32Array): Filters {
  const [o = 1, ...rest] = weight.shape;
  const [kh = 1, kw = 1] = weight.shape.slice(2);
  if (weight.shape.length === 4 && kh * kw > 1) return filtersOf(weight, values, [1, kh, kw], 0);
  const w = product(rest);
  const h = Math.max(1, Math.min(o, Math.floor(PIXELS / w)));
  return { name: weight.name, channels: 1, count: 1, h, w, data: values.slice(0, h * w), templates: false };
}

/** Picture `i` as bytes [h, w, 3]: 0 is grey, the largest magnitude black or white; three channels are colours, what is not finite red. */
export function shades({ h, w, data, channels = 1 }: Planes & { readonly channels?: number }, i: number): Uint8Array<ArrayBuffer> {
  const size = h * w;
  const part = data.subarray(i * channels * size, (i + 1) * channels * size);
  const most = part.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, Math.abs(b)) : a), 1e-12);
  const bytes = new Uint8Array(3 * size);
  for (let at = 0; at < size; at++) {
    const colour = [0, 1, 2].map(k => part[(channels === 3 ? k : 0) * size + at]!);
    bytes.set(colour.every(Number.isFinite) ? colour.map(v => Math.round(127.5 + (127.5 * v) / most)) : [255, 0, 0], 3 * at);
  }
  return bytes;
}
