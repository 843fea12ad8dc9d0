/** Vectors of the size of all parameters, on the device: what quasi-Newton methods and averages of weights compute with. */
import { Dispatcher } from '../engine/compute.ts';
import type { Memory } from '../engine/memory.ts';
import { flatMap, flatReduce, PARTS, randomSigns } from '../shaders/update/flat.ts';

/** A vector: one buffer for each page of parameters, in their layout; the gaps between tensors stay zero. */
export type Vector = readonly GPUBuffer[];

/** A sum (or a maximum) over f(a, b), WGSL over vec4f. */
export interface Reduction {
  f: string;
  a: Vector;
  b?: Vector;
  max?: boolean;
}

/** What a map reads besides y. */
export interface MapInputs {
  a?: Vector;
  b?: Vector;
  alpha?: number;
  beta?: number;
}

/** The vectors of one run, and what is computed with them. */
export class Flat {
  /** All parameters, and the gradients that the last backward pass left. */
  readonly w: Vector;
  readonly g: Vector;
  readonly memory: Memory;
  #sizes: readonly number[];
  #partial: GPUBuffer | undefined;
  #made: GPUBuffer[] = [];
  #calls: Dispatcher;

  /** `memory` must hold a training program's parameters and gradients already. */
  constructor(memory: Memory) {
    this.memory = memory;
    this.#calls = new Dispatcher(memory);
    const pages = (role: 'param' | 'grad') => memory.layout.pages(role).map(p => memory.buffers.get(p.buffer)!);
    this.w = pages('param');
    this.g = pages('grad');
    this.#sizes = memory.layout.pages('param').map(p => p.bytes / 4);
  }

  /** Values of a vector, the gaps between tensors included. */
  get length(): number {
    return this.#sizes.reduce((a, b) => a + b, 0);
  }

  /** A new vector of zeros. */
  vector(name: string): Vector {
    const pages = this.#sizes.map((n, page) => this.memory.buffer(`${name} ${page}`, n * 4));
    this.#made.push(...pages);
    return pages;
  }

  /** The vector that an optimizer keeps as a state. */
  named(buffer: (page: number) => string): Vector {
    return this.#sizes.map((_, page) => this.memory.buffers.get(buffer(page))!);
  }

  /** y = f: WGSL over vec4f `y`, `a`, `b` and the numbers `op.alpha`, `op.beta`. */
  async map(y: Vector, f: string, { a, b, alpha = 0, beta = 0 }: MapInputs = {}): Promise<void> {
    for (const [page, n] of this.#sizes.entries())
      await this.#calls.run(flatMap, { n, f }, { y: y[page]!, a: a?.[page], b: b?.[page] }, { alpha, beta });
  }

  copy(target: Vector, source: Vector): Promise<void> {
    return this.map(target, 'a', { a: source });
  }

  /** -1 or 1 at random in every place. */
  async signs(z: Vector, seed: number, step: number): Promise<void> {
    for (const [page, n] of this.#sizes.entries()) await this.#calls.run(randomSigns, { n, page }, { z: z[page]! }, { seed, step });
  }

  /** The results of reductions, added up in float64 on the host; one wait for all of them. */
  async reduce(...jobs: Reduction[]): Promise<number[]> {
    const { memory } = this;
    const pages = this.#sizes.length;
    const count = jobs.length * pages * PARTS;
    if (!this.#partial || this.#partial.size < count * 4) {
      if (this.#partial) memory.free(this.#partial);
      this.#partial = memory.buffer('flat partial', count * 4);
    }
    for (const [j, { f, a, b, max }] of jobs.entries())
      for (const [page, n] of this.#sizes.entries()) {
        await this.#calls.run(
          flatReduce,
          { n, f, max, first: (j * pages + page) * PARTS },
          { a: a[page]!, b: b?.[page], partial: this.#partial },
        );
      }
    const parts = new Float32Array(await memory.download(this.#partial, 0, count * 4));
    return jobs.map((job, j) =>
      parts.subarray(j * pages * PARTS, (j + 1) * pages * PARTS).reduce((x, y) => (job.max ? Math.max(x, y) : x + y), 0),
    );
  }

  /** The inner product of two vectors. */
  async dot(a: Vector, b: Vector): Promise<number> {
    const [product] = await this.reduce(a === b ? { f: 'a * a', a } : { f: 'a * b', a, b });
    return product!;
  }

  /** All values, the gaps between tensors included. */
  async read(v: Vector): Promise<Float32Array> {
    const out = new Float32Array(this.length);
    let at = 0;
    for (const [page, n] of this.#sizes.entries()) {
      out.set(new Float32Array(await this.memory.download(v[page]!, 0, n * 4)), at);
      at += n;
    }
    return out;
  }

  /** Values as `read` gives them. */
  write(v: Vector, data: Float32Array<ArrayBuffer>): void {
    let at = 0;
    for (const [page, n] of this.#sizes.entries()) {
      this.memory.upload(v[page]!, 0, data.subarray(at, at + n));
      at += n;
    }
  }

  destroy(): void {
    for (const b of [...this.#made, this.#partial]) if (b) this.memory.free(b);
    this.#calls.destroy();
  }
}
