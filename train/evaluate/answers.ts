/** Outputs of a net to any number of callers: in order, each its own, those that wait computed together. */
import { outputsOf } from '../../datasets/dataset.ts';
import { check, TooLarge } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import { bytesOfImage } from '../data/data.ts';
import { joined } from './pixels.ts';
import { Probe, type ImageKind } from './probe.ts';

/** Chunks on the device at a time: the next is brought there while one is computed. */
const IN_FLIGHT = 2;

/** A call that waits for its outputs. */
interface Request {
  /** The bytes of its images. */
  readonly images: Uint8Array;
  readonly count: number;
  readonly outputs: Float32Array;
  readonly resolve: (outputs: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Images of one request in a chunk: `n` from number `from` on. */
interface Piece {
  readonly request: Request;
  readonly from: number;
  readonly n: number;
}

export class Answers {
  #memory: Memory;
  #model: Layer;
  #kind: ImageKind;
  /** Values of the output for an image. */
  #width: number;
  #sizes: readonly number[];
  #probes = new Map<number, Promise<Probe>>();
  /** The calls of the next turn. */
  #waiting: Request[] | undefined;
  #destroyed = false;

  /** By the weights in `memory`, of at most `batch` images at once. `width` are the values of the output for an image. */
  constructor(memory: Memory, model: Layer, kind: ImageKind, batch: number, width = outputsOf(kind.dataset).length) {
    this.#memory = memory;
    this.#model = model;
    this.#kind = kind;
    this.#width = width;
    this.#sizes = sizesUpTo(batch);
  }

  /** The outputs [count, width] for the bytes of images [count, c, h, w], when their turn has come. */
  ask(images: Uint8Array): Promise<Float32Array> {
    check(!this.#destroyed, 'the model was destroyed', 'create it again');
    const count = images.length / bytesOfImage(this.#kind.dataset);
    return new Promise((resolve, reject) => {
      const outputs = new Float32Array(count * this.#width);
      this.#turn().push({ images, count, outputs, resolve, reject });
    });
  }

  /** The calls that are answered in the next turn. */
  #turn(): Request[] {
    if (this.#waiting) return this.#waiting;
    const requests: Request[] = (this.#waiting = []);
    const begins = () => {
      if (this.#waiting === requests) this.#waiting = undefined;
    };
    this.#memory
      .inTurn(() => {
        begins();
        return this.#answer(requests);
      })
      .catch((error: unknown) => {
        begins();
        for (const { reject } of requests) reject(error);
      });
    return requests;
  }

  /** Computes the images of requests in chunks of at most the batch, whosever they are. */
  async #answer(requests: readonly Request[]): Promise<void> {
    await this.#fit(requests.reduce((sum, { count }) => sum + count, 0));
    const under: Promise<void>[] = [];
    for (const chunk of chunksOf(requests, this.#sizes.at(-1)!)) {
      const n = chunk.reduce((sum, piece) => sum + piece.n, 0);
      const probe = await this.#probe(this.#sizes.find(size => size >= n)!);
      if (under.length >= IN_FLIGHT) await under.shift();
      const work = probe.answer(joined(chunk.map(imagesOf))).then(outputs => this.#deliver(chunk, outputs));
      work.catch(() => undefined); // awaited below
      under.push(work);
    }
    await Promise.all(under);
  }

  /** Sees to it that `n` images can be computed at once, or as many of them as the device has room for. */
  async #fit(n: number): Promise<void> {
    for (;;) {
      const size = this.#sizes.find(size => size >= n) ?? this.#sizes.at(-1)!;
      try {
        await this.#probe(size);
        return;
      } catch (error) {
        if (!(error instanceof TooLarge) || size === this.#sizes[0]) throw error;
        this.#sizes = this.#sizes.filter(smaller => smaller < size);
      }
    }
  }

  #deliver(chunk: readonly Piece[], outputs: Float32Array): void {
    const k = this.#width;
    let at = 0;
    for (const { request, from, n } of chunk) {
      request.outputs.set(outputs.subarray(at * k, (at + n) * k), from * k);
      at += n;
      if (from + n === request.count) request.resolve(request.outputs);
    }
  }

  #probe(n: number): Promise<Probe> {
    let probe = this.#probes.get(n);
    if (!probe) this.#probes.set(n, (probe = Probe.create(this.#memory, this.#model, this.#kind, n)));
    return probe;
  }

  /** Does work on the memory after the calls so far and before those to come. */
  between<T>(work: () => T | Promise<T>): Promise<T> {
    this.#waiting = undefined;
    return this.#memory.inTurn(work);
  }

  /** Frees its programs. Calls that wait are refused where the memory is destroyed too. */
  destroy(): void {
    this.#destroyed = true;
    for (const made of this.#probes.values()) {
      const ignore = () => undefined; // its failure was reported where it was asked for
      void made.then(probe => probe.destroy(), ignore);
    }
  }
}

/** 1, 4, 16 … and `batch`. */
function sizesUpTo(batch: number): number[] {
  const sizes: number[] = [];
  for (let n = 1; n < batch; n *= 4) sizes.push(n);
  return [...sizes, batch];
}

/** The images of requests in order, at most `most` together. */
function chunksOf(requests: readonly Request[], most: number): Piece[][] {
  const chunks: Piece[][] = [];
  let room = 0;
  for (const request of requests) {
    for (let from = 0; from < request.count; ) {
      if (!room) {
        chunks.push([]);
        room = most;
      }
      const n = Math.min(room, request.count - from);
      chunks.at(-1)!.push({ request, from, n });
      from += n;
      room -= n;
    }
  }
  return chunks;
}

/** The bytes of the images of a piece. */
function imagesOf({ request: { images, count }, from, n }: Piece): Uint8Array {
  const size = images.length / count;
  return images.subarray(from * size, (from + n) * size);
}
