/** The bytes of a part's images on the device: all of them in a few pages, or those of the next batches in a ring of pages. */
import { check, named, say } from '../../engine/check.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { usesTables } from '../../shaders/images/transform.ts';
import { MAX_PAGES, wordsOf, type Pages } from '../../shaders/images/pages.ts';
import { bytesOf } from '../../datasets/dataset.ts';
import { bytesOfImage, type RunData } from './data.ts';
import type { PartImages } from './split.ts';

/** Double buffering: one page is written while batches are taken from the other. */
export const RING_PAGES = 2;
/** Bytes of a page of a ring: large enough that a write costs little, small enough that the host does not stall in it. */
const PAGE_BYTES = 64 * 2 ** 20;

/** A page of `n` images; where all images are on the device, those from number `first` on. */
export interface Page {
  readonly images: Tensor;
  readonly first: number;
  readonly n: number;
}

/** How the images of a part are laid out for batches of `batch`, where one binding spans at most `maxBinding` bytes. */
export function layoutOf({ dataset, augment }: RunData, { from }: PartImages, batch: number, maxBinding: number): Pages {
  const [c, h, w] = dataset.shape;
  const floats = dataset.dtype === 'float32';
  const bytes = 4 * wordsOf({ c, h, w, floats });
  const perPage = Math.min(from.n, Math.floor(maxBinding / bytes));
  const pages = Math.ceil(from.n / perPage);
  const reserved = usesTables(augment?.transforms ?? []) ? 1 : 0; // a binding of the same kernel
  if (pages <= MAX_PAGES - reserved && !from.stored) return { c, h, w, pages, perPage, floats, stream: false };
  return { c, h, w, pages: RING_PAGES, perPage: imagesOfRingPage(dataset.name, bytes, batch, maxBinding), floats, stream: true };
}

/** Images of a page of a ring: whole batches of `batch` images, of which each takes `bytes` on the device. */
export function imagesOfRingPage(name: string, bytes: number, batch: number, maxBinding: number): number {
  const most = Math.floor(maxBinding / (bytes * batch));
  check(
    most >= 1,
    `${name}: a batch of ${batch} images takes ${bytes * batch} bytes, one binding of this adapter spans ${maxBinding}`,
    say`use a smaller ${named('batchSize')}`,
  );
  return batch * Math.max(1, Math.min(most, Math.floor(PAGE_BYTES / (bytes * batch))));
}

/** The pages of a layout as inputs of a graph. Training and validation images that are all on the device are there once. */
export function pagesOf(g: Graph, { part, source, from }: PartImages, layout: Pages): Page[] {
  const { pages, perPage, stream } = layout;
  return Array.from({ length: pages }, (_, i) => {
    const first = stream ? 0 : i * perPage;
    const n = stream ? perPage : Math.min(perPage, from.n - first);
    const name = stream ? `${part} ring ${i}` : `${source} images ${i}`;
    return { images: g.persistent('input', name, [n * wordsOf(layout)]), first, n };
  });
}

/** The bytes of a page that is no page of a ring. */
export function bytesOfPage({ dataset }: RunData, { from }: PartImages, { first, n }: Page): Uint8Array {
  const size = bytesOfImage(dataset);
  return pack(bytesOf(from.images).subarray(first * size, (first + n) * size), size);
}

/** Images of `bytes` bytes as they lie on the device: each starts at a word. */
export function pack(images: Uint8Array, bytes: number): Uint8Array {
  const stride = 4 * Math.ceil(bytes / 4);
  const n = images.length / bytes;
  if (bytes === stride) return images;
  const out = new Uint8Array(n * stride);
  for (let i = 0; i < n; i++) out.set(images.subarray(i * bytes, (i + 1) * bytes), i * stride);
  return out;
}
