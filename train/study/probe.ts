/** A program that shows what the net of a running trainer makes of given images: its answers, and what each layer computes. */
import { Graph, type Layer, type Tensor } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import type { RunData } from '../data/data.ts';
import { softmaxRows } from './probabilities.ts';

export class Probe {
  /** The output of each layer, in order, under the layer's name. */
  readonly outputs: readonly (readonly [name: string, tensor: Tensor])[];
  readonly classes: number;
  readonly n: number;
  #memory: Memory;
  #data: RunData;
  #program: Program;
  #input: Tensor;
  #logits: Tensor;

  private constructor(
    n: number,
    memory: Memory,
    data: RunData,
    program: Program,
    parts: { input: Tensor; logits: Tensor; outputs: [string, Tensor][] },
  ) {
    this.n = n;
    this.#memory = memory;
    this.#data = data;
    this.#program = program;
    this.#input = parts.input;
    this.#logits = parts.logits;
    this.outputs = parts.outputs;
    this.classes = parts.logits.shape[1]!;
  }

  /** A probe of `n` images at a time that shares the parameters in `memory`. With `layers` it keeps every layer's output. */
  static async create(memory: Memory, model: Layer, data: RunData, n: number, layers = false): Promise<Probe> {
    const graph = new Graph({ training: false, profile: memory.device.profile });
    const input = graph.persistent('input', `probe of ${n}`, [n, ...data.dataset.shape]);
    const logits = model(graph, data.normalisation.whiten(graph, input));
    graph.kept.add(logits);
    const outputs = new Map(graph.layers.filter(l => l.path).map(l => [l.path, l.output] as const));
    if (layers) for (const t of outputs.values()) graph.kept.add(t);
    const program = await Program.compile(memory, graph);
    return new Probe(n, memory, data, program, { input, logits, outputs: [...outputs] });
  }

  /** Runs the net on up to `n` images, bytes [n, c, h, w]. */
  run(bytes: Uint8Array): void {
    const norm = this.#data.normalisation.scaleAndShift();
    const size = norm.length / 2;
    const x = new Float32Array(this.n * size);
    for (let i = 0; i < bytes.length; i++) x[i] = Math.fround(bytes[i]! * norm[i % size]!) + norm[size + (i % size)]!;
    this.#memory.write(this.#input, x);
    this.#program.run({ valid: this.n });
  }

  read(t: Tensor): Promise<Float32Array> {
    return this.#program.read(t);
  }

  /** Class probabilities [count, classes] of any number of images. */
  async probabilities(bytes: Uint8Array, count: number): Promise<Float32Array> {
    const size = bytes.length / count;
    const out = new Float32Array(count * this.classes);
    for (let at = 0; at < count; at += this.n) {
      this.run(bytes.subarray(at * size, (at + this.n) * size));
      const logits = await this.read(this.#logits);
      out.set(logits.subarray(0, Math.min(this.n, count - at) * this.classes), at * this.classes);
    }
    return softmaxRows(out, this.classes);
  }

  destroy(): void {
    this.#program.destroy();
  }
}
