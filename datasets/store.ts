/** Values of images as they come, one image after the other: in memory, and where they are too many on the disk. */
import { valuesOf, type Dataset, type Split, type Values } from './dataset.ts';
import { host, type Spool } from './host.ts';
import { readRuns } from './runs.ts';

/** Bytes that are written to the disk in one go. */
const WRITE = 16 * 2 ** 20;

export class Store {
  #resident: number;
  /** In memory: all images, or those that are not on the disk yet. */
  #kept: Values[] = [];
  #bytes = 0;
  #spool: Spool | undefined;

  /** More than `resident` bytes go to the disk. */
  constructor(resident: number) {
    this.#resident = resident;
  }

  async add(image: Values): Promise<void> {
    this.#kept.push(image);
    this.#bytes += image.byteLength;
    if (this.#bytes > (this.#spool ? WRITE : this.#resident)) await this.#write();
  }

  async #write(): Promise<void> {
    this.#spool ??= await host().spool();
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const { buffer, byteOffset, byteLength } of this.#kept) {
      all.set(new Uint8Array(buffer, byteOffset, byteLength), at);
      at += byteLength;
    }
    await this.#spool.append(all);
    this.#kept = [];
    this.#bytes = 0;
  }

  /** To be called after the last image. */
  async end(): Promise<void> {
    if (this.#spool && this.#bytes) await this.#write();
  }

  /** The images of the numbers `indices`, each of `size` values; `labels` are those of all images. */
  split(indices: readonly number[], labels: Uint16Array, dtype: Dataset['dtype'], size: number): Split {
    const n = indices.length;
    const own = Uint16Array.from(indices, index => labels[index]!);
    const spool = this.#spool;
    const make = dtype === 'float32' ? Float32Array : Uint8Array;
    if (!spool) {
      const images = new make(n * size);
      for (const [i, index] of indices.entries()) images.set(this.#kept[index]!, i * size);
      return { images, labels: own, n };
    }
    const bytes = size * make.BYTES_PER_ELEMENT;
    const read = async (wanted: Uint32Array): Promise<Values> => {
      const places = wanted.map(place => indices[place]!);
      return valuesOf(await readRuns(places, bytes, (from, count) => spool.read(from, count)), dtype);
    };
    return { images: new make(), labels: own, n, stored: { read } };
  }
}
