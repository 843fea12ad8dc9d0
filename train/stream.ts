/** Images of a data set larger than the device holds, on their way through a ring of two pages in the order of the batches. */
import type { Split } from '../datasets/dataset.ts';
import { check } from '../engine/check.ts';
import type { Tensor } from '../engine/graph.ts';
import type { Memory } from '../engine/program.ts';

/** Double buffering: one page is written while batches are taken from the other. */
export const RING_PAGES = 2;
/** Bytes of a page: large enough that a write costs little, small enough that the host does not stall in it. */
const PAGE_BYTES = 64 * 2 ** 20;

export class Ring {
  #split: Split;
  #bytes: number;
  #pages: readonly Tensor[];
  #perPage: number;
  #order = new Uint32Array();
  /** Which stretch of the order each page holds. */
  #held: number[] = [];

  /** `pages` are the tensors of the ring; an image has `bytes` bytes. */
  constructor(split: Split, bytes: number, pages: readonly Tensor[]) {
    this.#split = split;
    this.#bytes = bytes;
    this.#pages = pages;
    this.#perPage = pages[0]!.size * 4 / (Math.ceil(bytes / 4) * 4);
  }

  /** Images of a page: whole batches, of images that take `bytes` on the device. */
  static chunk(name: string, bytes: number, batch: number, maxBinding: number): number {
    const most = Math.floor(maxBinding / (bytes * batch));
    check(most >= 1, `${name}: a batch of ${batch} images takes ${bytes * batch} bytes, one binding of this adapter spans ${maxBinding}; use a smaller --batch-size`);
    return batch * Math.max(1, Math.min(most, Math.floor(PAGE_BYTES / (bytes * batch))));
  }

  /** Begins again, in this order. */
  restart(order: Uint32Array): void {
    this.#order = order.slice();
    this.#held = [];
  }

  /** Sees to it that the batch at `offset` is there, and that the stretch after it is on its way. Writes wait for the steps enqueued before them. */
  feed(memory: Memory, offset: number): void {
    const now = Math.floor(offset / this.#perPage);
    for (const stretch of [now, now + 1]) {
      const page = stretch % RING_PAGES, indices = this.#order.subarray(stretch * this.#perPage, (stretch + 1) * this.#perPage);
      if (!indices.length || this.#held[page] === stretch) continue;
      this.#held[page] = stretch;
      const { buffer, offset: at } = memory.place(this.#pages[page]!);
      memory.device.gpu.queue.writeBuffer(memory.buffers.get(buffer)!, at, pack(this.#split, this.#bytes, indices) as Uint8Array<ArrayBuffer>);
    }
  }
}

/** The images `indices` as they lie on the device: each starts at a word. */
export function pack({ images }: Split, bytes: number, indices: Uint32Array): Uint8Array {
  const stride = Math.ceil(bytes / 4) * 4, first = indices[0] ?? 0;
  if (bytes === stride && indices.every((index, i) => index === first + i)) return images.subarray(first * bytes, (first + indices.length) * bytes);
  const out = new Uint8Array(indices.length * stride);
  indices.forEach((index, i) => out.set(images.subarray(index * bytes, (index + 1) * bytes), i * stride));
  return out;
}
