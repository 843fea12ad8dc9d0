/** What can be seen of a net: its first filters, and what each layer makes of an image. */
import type { Shape } from '../../engine/tensor.ts';
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
  for (const [name, t] of probe.outputs) {
    const [, c = 1, h = 1, w = 1] = t.shape.length === 4 ? t.shape : [1, 1, 1, t.size / probe.n];
    const count = Math.min(c, MOST);
    found.push({ name, count, h, w, data: (await probe.read(t)).slice(0, count * h * w) });
  }
  return found;
}

/** Picture `i` as bytes [h, w, 3]: 0 is grey, the largest magnitude black or white; three channels are colours. */
export function shades({ h, w, data, channels = 1 }: Planes & { readonly channels?: number }, i: number): Uint8Array<ArrayBuffer> {
  const size = h * w;
  const part = data.subarray(i * channels * size, (i + 1) * channels * size);
  const most = part.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
  return Uint8Array.from({ length: 3 * size }, (_, at) => {
    const channel = channels === 3 ? at % 3 : 0;
    return Math.round(127.5 + (127.5 * part[channel * size + Math.floor(at / 3)]!) / most);
  });
}
