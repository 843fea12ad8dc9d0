/** A net compiled for some images at a time, on weights that lie in a memory: what it answers, and what each layer computes. */
import { numbers } from '../../datasets/dataset.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import { gather } from '../../shaders/images/gather.ts';
import { wordsOf, type Pages } from '../../shaders/images/pages.ts';
import { bytesOfImage, type RunData } from '../data/data.ts';
import { pack } from '../data/pages.ts';
import { outputOf } from './evaluation-graph.ts';

/** What images are and how they are normalised, of the data that a net was trained on. */
export type ImageKind = Pick<RunData, 'dataset' | 'normalisation'>;

interface Built {
  readonly graph: Graph;
  /** The images as they are stored, the scale and shift that normalise them, and their order. */
  readonly page: Tensor;
  readonly norm: Tensor;
  readonly order: Tensor;
  readonly output: Tensor;
}

/** The graph that answers for `n` images of a kind. */
export function probeGraph(memory: Memory, model: Layer, { dataset, normalisation }: ImageKind, n: number): Built {
  const graph = new Graph({ training: false, profile: memory.device.profile });
  const [c, h, w] = dataset.shape;
  const layout: Pages = { c, h, w, pages: 1, perPage: n, floats: dataset.dtype === 'float32', stream: false };
  const page = graph.persistent('input', `${n} images`, [n * wordsOf(layout)]);
  const order = graph.persistent('input', `order of ${n}`, [n]);
  const norm = graph.persistent('input', 'norm', [2, c, h, w]);
  const x = graph.tensor([n, c, h, w], 'activation', 'x');
  const labels = graph.tensor([n], 'activation', 'labels'); // nobody reads them
  graph.run(gather, { ...layout, n }, { order, norm, labelsAll: order, x, labels, page0: page });
  const output = outputOf(model, graph, normalisation.whiten(graph, x));
  graph.kept.add(output);
  return { graph, page, norm, order, output };
}

export class Probe {
  /** Images at a time. */
  readonly n: number;
  /** The output of each layer, in order, under the layer's name. */
  readonly outputs: readonly (readonly [name: string, tensor: Tensor])[];
  #memory: Memory;
  #program: Program;
  /** Bytes of an image. */
  #bytes: number;
  #page: Required<GPUBufferBinding>;
  #output: Required<GPUBufferBinding>;
  /** Buffers through which outputs come back, that are not in use. */
  #staging: GPUBuffer[] = [];

  private constructor(n: number, bytes: number, memory: Memory, program: Program, built: Built, outputs: Probe['outputs']) {
    this.n = n;
    this.#bytes = bytes;
    this.outputs = outputs;
    this.#memory = memory;
    this.#program = program;
    this.#page = memory.range(built.page);
    this.#output = program.locate(built.output);
  }

  /**
   * A probe of `n` images at a time that shares the weights in `memory`. With `layers` it keeps every layer's output, or those of the layers
   * whose path it accepts.
   */
  static async create(
    memory: Memory,
    model: Layer,
    kind: ImageKind,
    n: number,
    layers: boolean | ((path: string) => boolean) = false,
  ): Promise<Probe> {
    const built = probeGraph(memory, model, kind, n);
    const { graph, norm, order } = built;
    const isKept = typeof layers === 'function' ? layers : () => true;
    const outputs = new Map(graph.layers.filter(l => l.path && isKept(l.path)).map(l => [l.path, l.output] as const));
    if (layers) for (const t of outputs.values()) graph.kept.add(t);
    const program = await Program.compile(memory, graph);
    memory.write(norm, kind.normalisation.scaleAndShift());
    memory.write(order, numbers(0, n));
    return new Probe(n, bytesOfImage(kind.dataset), memory, program, built, [...outputs]);
  }

  /** Enqueues the net on the bytes of up to `n` images [n, c, h, w]. `more` as in Program.run. */
  run(images: Uint8Array, more?: (encoder: GPUCommandEncoder) => void): void {
    this.#memory.upload(this.#page.buffer, this.#page.offset, pack(images, this.#bytes));
    this.#program.run({ offset: 0, seed: 0, epoch: 0, step: 1, valid: this.n }, more);
  }

  /** What the net gives for up to `n` images [n, …]. */
  async answer(images: Uint8Array): Promise<Float32Array> {
    const { buffer, offset, size } = this.#output;
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.#staging.pop() ?? this.#memory.buffer('answers', size, usage);
    this.run(images, encoder => encoder.copyBufferToBuffer(buffer, offset, staging, 0, size));
    const output = new Float32Array(await this.#memory.mapped(staging, true)).slice();
    staging.unmap();
    this.#staging.push(staging);
    return output;
  }

  read(t: Tensor): Promise<Float32Array> {
    return this.#program.read(t);
  }

  /** What tensors hold after the net has run on up to `n` images: outputs that are kept, or persistent ones; all in one readback. */
  async readings(images: Uint8Array, tensors: readonly Tensor[]): Promise<Float32Array[]> {
    const places = tensors.map(t => this.#program.locate(t));
    let size = 0;
    const starts = places.map(place => {
      size += place.size;
      return size - place.size;
    });
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.#memory.buffer('readings', size, usage);
    this.run(images, encoder => {
      for (const [i, place] of places.entries()) encoder.copyBufferToBuffer(place.buffer, place.offset, staging, starts[i]!, place.size);
    });
    const all = new Float32Array(await this.#memory.mapped(staging, true)).slice();
    this.#memory.free(staging);
    return tensors.map((t, i) => all.subarray(starts[i]! / 4, starts[i]! / 4 + t.size));
  }

  destroy(): void {
    this.#program.destroy();
    for (const staging of this.#staging.splice(0)) this.#memory.free(staging);
  }
}
