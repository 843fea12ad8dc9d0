import { opFields, stepFields, type Variant } from '../shaders/kernel/kernel.ts';
import type { Device } from './device.ts';
import type { Op } from './graph.ts';

/** WebGPU's alignment of what a bind group shows of a uniform buffer. */
const BLOCK = 256;

/** Where a step value goes. */
interface LiveField {
  readonly field: string;
  readonly view: Float32Array | Uint32Array;
}

/**
 * The uniform blocks of a program's ops, `op` in their WGSL (see opFields). They lie in two buffers: those of sizes alone are written once,
 * those with step values at each step.
 */
export class Uniforms {
  /** Step values that `write` must be given. */
  readonly fields: readonly string[];
  #device: Device;
  #fixed: GPUBuffer;
  #live: GPUBuffer;
  #liveData: ArrayBuffer;
  #liveFields: LiveField[] = [];
  /** By op. */
  #blocks: (GPUBufferBinding | undefined)[];

  constructor(device: Device, ops: readonly Op[], variants: readonly Variant<any>[]) {
    const { gpu, profile } = device;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const calls = ops.map((op, i) => {
      const fields = opFields(op.kernel, variants[i]!, op.params, profile);
      return { op, variant: variants[i]!, fields, live: Object.keys(stepFields(op.kernel, op.params)).length > 0 };
    });
    const count = (live: boolean) => calls.filter(c => c.fields.length && c.live === live).length;
    this.#device = device;
    this.#fixed = device.buffer('sizes', Math.max(1, count(false)) * BLOCK, usage);
    this.#live = device.buffer('step values', Math.max(1, count(true)) * BLOCK, usage);
    this.#liveData = new ArrayBuffer(this.#live.size);
    const fixedData = new ArrayBuffer(this.#fixed.size);
    let nextFixed = 0;
    let nextLive = 0;
    this.#blocks = calls.map(({ op, variant, fields, live }) => {
      if (!fields.length) return undefined;
      const offset = BLOCK * (live ? nextLive++ : nextFixed++);
      const data = live ? this.#liveData : fixedData;
      const sizes = Object.values(variant.sizes?.(op.params, profile) ?? {});
      new Int32Array(data, offset, sizes.length).set(sizes);
      for (const [i, [field, type]] of fields.entries()) {
        if (i < sizes.length) continue;
        const View = type === 'f32' ? Float32Array : Uint32Array;
        this.#liveFields.push({ field, view: new View(data, offset + 4 * i, 1) });
      }
      return { buffer: live ? this.#live : this.#fixed, offset, size: Math.ceil(fields.length / 4) * 16 };
    });
    this.fields = [...new Set(this.#liveFields.map(f => f.field))];
    gpu.queue.writeBuffer(this.#fixed, 0, fixedData);
  }

  /** The block of op number `i`, if it has one. */
  block(i: number): GPUBufferBinding | undefined {
    return this.#blocks[i];
  }

  /** Puts the values of a step into all blocks. */
  write(step: Readonly<Record<string, number>>): void {
    for (const { view, field } of this.#liveFields) {
      const value = step[field];
      if (value === undefined) throw new Error(`step value '${field}' is missing; this program needs ${this.fields.join(', ')}`);
      view[0] = value;
    }
    if (this.#liveFields.length) this.#device.gpu.queue.writeBuffer(this.#live, 0, this.#liveData);
  }

  destroy(): void {
    this.#fixed.destroy();
    this.#live.destroy();
  }
}
