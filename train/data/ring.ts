/** Images of a data set larger than the device holds, on their way through a ring of pages: loaded for such a set. */
import { imagesOf, type Split } from '../../datasets/dataset.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Memory } from '../../engine/memory.ts';
import { pack, RING_PAGES } from './pages.ts';

/** A stretch of the order in its page, or on its way there. */
interface Stretch {
  readonly number: number;
  readonly ready: Promise<void>;
}

/** Images that are more than the device holds, on their way through two pages in the order of the batches. */
export class Ring {
  #split: Split;
  #bytes: number;
  #pages: readonly Tensor[];
  #perPage: number;
  #order: Uint32Array;
  #held: (Stretch | undefined)[] = [];

  /** `pages` are the tensors of the ring; an image has `bytes` bytes; `order` are the numbers of the images, batch after batch. */
  constructor(split: Split, bytes: number, pages: readonly Tensor[], order: Uint32Array) {
    this.#split = split;
    this.#bytes = bytes;
    this.#pages = pages;
    this.#order = order;
    this.#perPage = pages[0]!.size / Math.ceil(bytes / 4);
  }

  /** Begins again, in this order. */
  restart(order: Uint32Array): void {
    this.#order = order;
    this.#held = [];
  }

  /**
   * Sees to it that the batch of `n` images at `offset` is there, and begins to read the stretch after it while this one is used. Batches of
   * ranks that share an evaluation out begin anywhere, and may reach into the next.
   */
  async feed(memory: Memory, offset: number, n: number): Promise<void> {
    const now = Math.floor(offset / this.#perPage);
    const { ready } = this.#bring(memory, now);
    const next = (now + 1) * this.#perPage < this.#order.length ? this.#bring(memory, now + 1) : undefined;
    await ready;
    if (offset + n > (now + 1) * this.#perPage) await next?.ready;
  }

  #bring(memory: Memory, stretch: number): Stretch {
    const at = stretch % RING_PAGES;
    const known = this.#held[at];
    if (known?.number === stretch) return known;
    const page = (this.#held[at] = { number: stretch, ready: this.#load(memory, stretch, this.#order) });
    page.ready.catch(() => {
      // reported to whoever waits; the next one reads anew
      if (this.#held[at] === page) this.#held[at] = undefined;
    });
    return page;
  }

  /** Writes a stretch as soon as it is read: the steps that used its page were enqueued before, and the queue keeps their order. */
  async #load(memory: Memory, stretch: number, order: Uint32Array): Promise<void> {
    const indices = order.subarray(stretch * this.#perPage, (stretch + 1) * this.#perPage);
    const images = await imagesOf(this.#split, this.#bytes, indices);
    const at = stretch % RING_PAGES;
    if (this.#order !== order || this.#held[at]?.number !== stretch) return; // begun anew meanwhile
    const { buffer, offset } = memory.place(this.#pages[at]!);
    const target = memory.buffers.get(buffer);
    if (target) memory.upload(target, offset, pack(images, this.#bytes));
  }
}
