/** The bytes of a part's images on the device: all of them in a few pages, or those of the next batches in a ring of pages. */
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { usesTables } from '../../shaders/images/transform.ts';
import { MAX_PAGES, wordsOf, type Pages } from '../../shaders/images/pages.ts';
import { bytesOf } from '../../datasets/dataset.ts';
import { bytesOfImage, type RunData } from './data.ts';
import type { PartImages } from './split.ts';
import { pack, Ring, RING_PAGES } from './stream.ts';

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
  return { c, h, w, pages: RING_PAGES, perPage: Ring.chunk(dataset.name, bytes, batch, maxBinding), floats, stream: true };
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
