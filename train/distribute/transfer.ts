/** Values of the device as one vector of the host, there and back, as often as is asked. */
import type { Memory } from '../../engine/memory.ts';
import type { Place } from '../../engine/plan.ts';

/** A run of bytes of one buffer, and where it begins in the vector. */
interface Stretch {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly at: number;
  readonly bytes: number;
}

export class Transfer {
  /** Values of the vector. */
  readonly length: number;
  #memory: Memory;
  #stretches: readonly Stretch[];
  #staging: GPUBuffer;
  #own: Float32Array<ArrayBuffer>;

  /** `places` lie in the vector in the order of their buffers; the gaps between neighbours come along. */
  constructor(memory: Memory, places: readonly Place[]) {
    this.#memory = memory;
    const sorted = [...places].sort((a, b) => (a.buffer < b.buffer ? -1 : a.buffer > b.buffer ? 1 : a.offset - b.offset));
    const joined: { buffer: string; offset: number; end: number }[] = [];
    for (const { buffer, offset, bytes } of sorted) {
      const last = joined.at(-1);
      if (last?.buffer === buffer && offset - last.end < GAP) last.end = offset + bytes;
      else joined.push({ buffer, offset, end: offset + bytes });
    }
    let at = 0;
    this.#stretches = joined.map(({ buffer, offset, end }) => {
      const stretch = { buffer: memory.buffers.get(buffer)!, offset, at, bytes: end - offset };
      at += stretch.bytes;
      return stretch;
    });
    this.length = at / 4;
    this.#own = new Float32Array(this.length);
    this.#staging = memory.buffer('transfer', at, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /** Adds to a command buffer the copies by which the values leave. */
  copy(encoder: GPUCommandEncoder): void {
    for (const { buffer, offset, at, bytes } of this.#stretches) encoder.copyBufferToBuffer(buffer, offset, this.#staging, at, bytes);
  }

  /** `x` becomes what was copied, once the command buffer of `copy`, which is submitted, is done. */
  async arrive(x: Float32Array): Promise<void> {
    x.set(new Float32Array(await this.#memory.mapped(this.#staging), 0, this.length));
    this.#staging.unmap();
  }

  /** `x` becomes what the device holds after all that is enqueued. */
  read(x: Float32Array): Promise<void> {
    this.#memory.submit(encoder => this.copy(encoder));
    return this.arrive(x);
  }

  /** The device holds `x` from what is enqueued next on. */
  write(x: Float32Array): void {
    this.#own.set(x); // Dawn takes no memory that threads share
    for (const { buffer, offset, at, bytes } of this.#stretches) {
      this.#memory.upload(buffer, offset, this.#own.subarray(at / 4, (at + bytes) / 4));
    }
  }

  destroy(): void {
    this.#memory.free(this.#staging);
  }
}

/** Bytes between neighbours that are not worth a copy of their own: more than the alignment of tensors. */
const GAP = 4096;
