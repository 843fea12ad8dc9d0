/** A user of a device among others: its buffers, its turns and its faults are its own. */
import { DescentError } from './check.ts';
import type { Device } from './device.ts';
import { Turns } from './turns.ts';
import { waiting } from './wait.ts';

/** What buffers are written from. */
export type Bytes = Float32Array | Uint32Array | Uint8Array | ArrayBuffer;

/**
 * Whoever computes on a device does it as an owner. All that it makes there goes with `destroy`; after that every call throws at once, and
 * nothing reaches the device. A validation or memory error of its work is thrown by its own next call, and by nobody else's.
 */
export class Owner {
  readonly device: Device;
  #made = new Set<GPUBuffer>();
  #destroyed = false;
  #fault: DescentError | undefined;
  /** What the device has said of all work so far. */
  #heard: Promise<unknown> = Promise.resolve();
  #turns = new Turns();

  constructor(device: Device) {
    this.device = device;
  }

  /** Throws where nothing can be computed any more: after `destroy`, after a fault of this owner, or without the device. */
  check(): void {
    if (this.#destroyed) throw new DescentError('the model was destroyed', 'create it again');
    this.device.check();
    if (this.#fault) throw this.#fault;
  }

  /**
   * Does work when all that was asked for before it is done: programs of one owner share their buffers. What is done within must not ask for
   * a turn of its own.
   */
  async inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    this.check();
    return this.#turns.take(async () => {
      this.check();
      return work();
    });
  }

  /** Does work on the device that is enqueued before it returns. What is wrong with it is this owner's fault. */
  guard<T>(work: () => T, filters: readonly GPUErrorFilter[] = ['validation']): T {
    this.check();
    const { gpu } = this.device;
    for (const filter of filters) gpu.pushErrorScope(filter);
    try {
      return work();
    } finally {
      for (const _ of filters) this.#hear(gpu.popErrorScope());
    }
  }

  #hear(scope: Promise<GPUError | null>): void {
    const said = scope.catch(() => null); // the device is lost, which its check says
    this.#heard = Promise.all([said, this.#heard]).then(([error]) => {
      if (error) this.#fault ??= this.device.faultOf(error);
    });
  }

  /** A buffer of zeros of `bytes`, rounded up to whole vec4s, that lasts as long as the owner, or until it is freed. */
  buffer(label: string, bytes: number, usage?: GPUBufferUsageFlags): GPUBuffer {
    return this.guard(() => this.make(label, bytes, usage), ['out-of-memory', 'validation']);
  }

  /** As `buffer`, for callers that look for errors themselves. */
  protected make(label: string, bytes: number, usage?: GPUBufferUsageFlags): GPUBuffer {
    const made = this.device.buffer(label, bytes, usage);
    this.#made.add(made);
    return made;
  }

  /** Gives one buffer back. */
  free(buffer: GPUBuffer): void {
    this.#made.delete(buffer);
    buffer.destroy();
  }

  /** Enqueues what `encode` puts into a command buffer. */
  submit(encode: (encoder: GPUCommandEncoder) => void): void {
    this.guard(() => {
      const encoder = this.device.gpu.createCommandEncoder();
      encode(encoder);
      this.device.gpu.queue.submit([encoder.finish()]);
    });
  }

  /** Enqueues a copy of bytes to the device. */
  upload(buffer: GPUBuffer, offset: number, data: Bytes): void {
    const held: ArrayBufferLike & { readonly resizable?: boolean } = 'buffer' in data ? data.buffer : data;
    // browsers refuse memory that may shrink or grow, and Dawn in Node ends the process at any that is shared
    const isOwn = held instanceof ArrayBuffer && !held.resizable;
    const fixed = isOwn ? data : ('buffer' in data ? data : new Uint8Array(data)).slice();
    this.guard(() => this.device.gpu.queue.writeBuffer(buffer, offset, fixed as Uint8Array<ArrayBuffer>));
  }

  /** Copies bytes back to the host. Waits for all work before it. */
  async download(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const staging = this.buffer('read back', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    try {
      this.submit(encoder => encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes));
      return (await this.mapped(staging)).slice(0, bytes);
    } finally {
      this.free(staging);
    }
  }

  /** What a buffer for reading holds once all work before it is done; until it is unmapped. Throws what went wrong in that work. */
  async mapped(staging: GPUBuffer, promptly = false): Promise<ArrayBuffer> {
    try {
      await waiting(staging.mapAsync(GPUMapMode.READ), promptly);
    } catch (error) {
      await new Promise(resolve => setTimeout(resolve)); // that the device is lost is told first, and says more
      await this.#heard;
      this.check();
      throw error;
    }
    await this.#heard;
    this.check();
    return staging.getMappedRange();
  }

  /** Waits until all that was enqueued so far is done, and throws what went wrong in it. */
  async idle(): Promise<void> {
    await this.device.done();
    await this.#heard;
    this.check();
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#destroyed = true;
    for (const b of this.#made) b.destroy();
    this.#made.clear();
  }
}
