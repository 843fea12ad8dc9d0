import type { Pipeline } from './device.ts';
import type { Owner } from './owner.ts';
import { aligned } from './plan.ts';

/** Where a step value goes. */
interface StepValue {
  readonly name: string;
  readonly view: Float32Array | Uint32Array;
}

/**
 * The uniform blocks of calls, `op` in their WGSL. They lie in two buffers: those of sizes alone are written once, those with step values
 * at each step.
 */
export class Uniforms {
  /** Step values that `write` must be given. */
  readonly fields: readonly string[];
  #owner: Owner;
  #fixed: GPUBuffer;
  #live: GPUBuffer;
  #liveData: ArrayBuffer;
  #values: StepValue[] = [];
  /** By call, none or one. */
  #blocks: readonly (readonly GPUBufferBinding[])[];

  constructor(owner: Owner, calls: readonly Pipeline[]) {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const isLive = ({ step }: Pipeline) => Object.keys(step).length > 0;
    const bytes = (live: boolean) => calls.reduce((sum, c) => sum + (isLive(c) === live ? aligned(c.blockBytes) : 0), 0);
    this.#owner = owner;
    this.#fixed = owner.buffer('sizes', bytes(false), usage);
    this.#live = owner.buffer('step values', bytes(true), usage);
    this.#liveData = new ArrayBuffer(this.#live.size);
    const fixedData = new ArrayBuffer(this.#fixed.size);
    let nextFixed = 0;
    let nextLive = 0;
    this.#blocks = calls.map(call => {
      const size = call.blockBytes;
      if (!size) return [];
      const live = isLive(call);
      const offset = live ? nextLive : nextFixed;
      if (live) nextLive += aligned(size);
      else nextFixed += aligned(size);
      const data = live ? this.#liveData : fixedData;
      const sizes = Object.values(call.sizes);
      new Int32Array(data, offset, sizes.length).set(sizes);
      for (const [i, [name, type]] of Object.entries(call.step).entries()) {
        const View = type === 'f32' ? Float32Array : Uint32Array;
        this.#values.push({ name, view: new View(data, offset + 4 * (sizes.length + i), 1) });
      }
      return [{ buffer: live ? this.#live : this.#fixed, offset, size }];
    });
    this.fields = [...new Set(this.#values.map(v => v.name))];
    owner.upload(this.#fixed, 0, fixedData);
  }

  /** The block of call number `i`, or nothing where it has none. */
  block(i: number): readonly GPUBufferBinding[] {
    return this.#blocks[i]!;
  }

  /** Puts the values of a step into all blocks. */
  write(step: Readonly<Record<string, number>>): void {
    for (const { view, name } of this.#values) {
      const value = step[name];
      if (value === undefined) throw new Error(`step value '${name}' is missing; this program needs ${this.fields.join(', ')}`);
      view[0] = value;
    }
    if (this.#values.length) this.#owner.upload(this.#live, 0, this.#liveData);
  }

  destroy(): void {
    this.#owner.free(this.#fixed);
    this.#owner.free(this.#live);
  }
}
