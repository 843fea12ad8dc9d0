import { range } from '../shaders/kernel/wgsl.ts';
import { check, kindOf, show } from './check.ts';
import type { Device } from './device.ts';
import type { Frozen, Graph } from './graph.ts';
import type { Param, Tensor } from './tensor.ts';
import { Owner } from './owner.ts';
import { Layout, type Place } from './plan.ts';

/** What tensors are written from. */
export type Data = Float32Array | Uint32Array | Uint8Array;

/** The persistent buffers of a run, shared by its programs (training, evaluation, prediction). */
export class Memory extends Owner {
  readonly layout: Layout;
  readonly buffers = new Map<string, GPUBuffer>();
  #initialised = new Set<string>();
  #slots: GPUBuffer[] = [];

  constructor(device: Device, frozen?: Frozen) {
    super(device);
    this.layout = new Layout(device.profile.maxBinding, frozen);
  }

  /**
   * Gives every persistent tensor of `graph` its place; parameters first, so that gradients lie in the same order, and of those the weights
   * before biases and the like, so that an update that leaves these out has few runs.
   */
  reserve(graph: Graph): void {
    const params = [...graph.params.values()];
    const isWeight = ({ value }: Param) => value.shape.length > 1;
    for (const { value, grad } of [...params.filter(isWeight), ...params.filter(p => !isWeight(p))]) {
      this.layout.place(value);
      if (graph.training) this.layout.place(grad);
    }
    for (const { value } of graph.frozenParams.values()) this.layout.place(value);
    for (const t of graph.tensors) if (t.role === 'buffer') this.layout.place(t);
  }

  /** Makes the buffers that have a place and none yet, and writes first values. */
  allocate(graph: Graph): void {
    this.check();
    for (const [name, bytes] of this.layout.buffers) {
      const known = this.buffers.get(name);
      if (known && known.size < bytes) throw new Error(`${name} grew after it was allocated; reserve all programs' parameters first`);
      if (!known) this.buffers.set(name, this.make(name, bytes));
    }
    for (const [t, make] of graph.init) {
      if (this.#initialised.has(`${t.role} ${t.name}`)) continue;
      this.#initialised.add(`${t.role} ${t.name}`);
      this.write(t, make(t.shape, t.name, graph.seed));
    }
  }

  /** Buffers for a program's slots. Programs of one run never work at the same time, so that they share them. */
  slots(sizes: readonly number[]): GPUBuffer[] {
    const free = [...this.#slots].sort((a, b) => a.size - b.size);
    const taken: GPUBuffer[] = [];
    const largestFirst = range(sizes.length).sort((a, b) => sizes[b]! - sizes[a]!);
    for (const i of largestFirst) {
      const at = free.findIndex(b => b.size >= sizes[i]!);
      if (at >= 0) [taken[i]] = free.splice(at, 1) as [GPUBuffer];
      else this.#slots.push((taken[i] = this.make(`slot ${this.#slots.length}`, sizes[i]!)));
    }
    return taken;
  }

  /** Where a persistent tensor lies. */
  place(t: Tensor): Place {
    return this.layout.place(t);
  }

  /** The bytes of a persistent tensor on the device. */
  range(t: Tensor): Required<GPUBufferBinding> {
    const { buffer: name, offset, bytes } = this.place(t);
    const buffer = this.buffers.get(name);
    check(buffer, `${t.name}: it has no place on the device`, 'compile a program whose ops use it; activations have none');
    return { buffer, offset, size: bytes };
  }

  /** Writes a persistent tensor, inputs also as whole numbers or bytes that some kernel reads; the next step sees it. */
  write(t: Tensor, data: Data): void {
    this.check();
    const { buffer, offset } = this.range(t);
    const bits = t.role === 'input' && (data instanceof Uint32Array || data instanceof Uint8Array);
    check(bits || data instanceof Float32Array, `${t.name}: got ${kindOf(data)}`, 'give a Float32Array');
    check(
      data.byteLength === Math.ceil(t.size * 4),
      `${t.name}: got ${data.byteLength} bytes for shape ${show(t.shape)}, which takes ${t.size * 4}`,
    );
    this.upload(buffer, offset, data);
  }

  /** The values of a persistent tensor, read back from the device. */
  async read(t: Tensor): Promise<Float32Array> {
    this.check();
    const { buffer, offset, size } = this.range(t);
    return new Float32Array(await this.download(buffer, offset, size)).subarray(0, t.size);
  }

  get bytes(): number {
    return [...this.buffers.values(), ...this.#slots].reduce((n, b) => n + b.size, 0);
  }

  override destroy(): void {
    super.destroy();
    this.buffers.clear();
    this.#slots = [];
  }
}
