import { checkFinite } from '../shaders/kernel/check-finite.ts';
import { MAX_GRID, range, type Grid } from '../shaders/kernel/kernel.ts';
import { check, named, say, show, TooLarge } from './check.ts';
import { checkpoint } from './checkpoint.ts';
import { firstLine, type Device, type Pipeline } from './device.ts';
import { fuse } from './fuse.ts';
import { halves, opName, writes, type Graph, type Op, type Param, type Tensor } from './graph.ts';
import { halve } from './half.ts';
import { bytesOf, Layout, plan, type Place, type Plan } from './plan.ts';
import { Uniforms } from './uniforms.ts';

/** The lasting buffers of a run, shared by its programs (training, evaluation, prediction). */
export class Memory {
  readonly device: Device;
  readonly layout: Layout;
  readonly buffers = new Map<string, GPUBuffer>();
  #initialised = new Set<string>();
  #slots: GPUBuffer[] = [];

  constructor(device: Device) {
    this.device = device;
    this.layout = new Layout(device.profile.maxBinding);
  }

  /**
   * Gives every lasting tensor of `graph` its place; parameters first, so that gradients lie in the same order, and of those the weights
   * before biases and the like, so that an update that leaves these out has few runs.
   */
  reserve(graph: Graph): void {
    const params = [...graph.params.values()];
    const isWeight = ({ value }: Param) => value.shape.length > 1;
    for (const { value, grad } of [...params.filter(isWeight), ...params.filter(p => !isWeight(p))]) {
      this.layout.place(value);
      if (graph.training) this.layout.place(grad);
    }
    for (const t of graph.tensors) if (t.role === 'buffer') this.layout.place(t);
  }

  /** Makes the buffers that have a place and none yet, and writes first values. */
  allocate(graph: Graph): void {
    for (const [name, bytes] of this.layout.buffers) {
      const known = this.buffers.get(name);
      if (known && known.size < bytes) throw new Error(`${name} grew after it was allocated; reserve all programs' parameters first`);
      if (!known) this.buffers.set(name, this.device.buffer(name, bytes));
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
      else this.#slots.push((taken[i] = this.device.buffer(`slot ${this.#slots.length}`, sizes[i]!)));
    }
    return taken;
  }

  place(t: Tensor): Place {
    return this.layout.place(t);
  }

  /** Of a lasting tensor, from the next step on. */
  write(t: Tensor, data: Float32Array | Uint32Array | Uint8Array): void {
    const { buffer, offset } = this.place(t);
    check(
      data.byteLength === Math.ceil(t.size * 4),
      `${t.name}: got ${data.byteLength} bytes for shape ${show(t.shape)}, which takes ${t.size * 4}`,
    );
    this.device.gpu.queue.writeBuffer(this.buffers.get(buffer)!, offset, data as Uint8Array<ArrayBuffer>);
  }

  async read(t: Tensor): Promise<Float32Array> {
    const { buffer, offset, bytes } = this.place(t);
    return new Float32Array(await this.device.read(this.buffers.get(buffer)!, offset, bytes)).subarray(0, t.size);
  }

  get bytes(): number {
    return [...this.buffers.values(), ...this.#slots].reduce((n, b) => n + b.size, 0);
  }

  destroy(): void {
    for (const b of [...this.buffers.values(), ...this.#slots]) b.destroy();
    this.buffers.clear();
  }
}

/** A dispatch of a program. */
export interface Command {
  readonly op: Op;
  readonly pipeline: Pipeline;
  readonly group: GPUBindGroup;
  readonly grid: Grid;
}

export interface CompileOptions {
  /** Elementwise functions are done by the kernels before them (see fuse.ts); so it is unless this is false. */
  fuse?: boolean;
  /** Done while the driver compiles. */
  meanwhile?: () => void;
  /** Each op's output is looked at for NaN and infinities (see firstNonFinite). */
  debug?: boolean;
  /** Forward ops are done a second time in place of keeping what they gave (see checkpoint). */
  checkpoint?: boolean;
  /** Activations are kept in f16 (see halve). */
  half?: boolean;
}

interface Parts {
  readonly plan: Plan;
  readonly commands: readonly Command[];
  readonly slots: readonly GPUBuffer[];
  readonly uniforms: Uniforms;
  /** Where checks leave what they saw, and the ops that they looked at. */
  readonly flags: { readonly buffer: GPUBuffer; readonly ops: readonly Op[] } | undefined;
}

/** A compiled graph: bind groups made once, a step is a list of dispatches in one command buffer. */
export class Program {
  readonly memory: Memory;
  readonly plan: Plan;
  readonly commands: readonly Command[];
  /** Step values that `run` must be given. */
  readonly fields: readonly string[];
  #slots: Parts['slots'];
  #uniforms: Uniforms;
  #flags: Parts['flags'];

  private constructor(memory: Memory, { plan, commands, slots, uniforms, flags }: Parts) {
    this.memory = memory;
    this.plan = plan;
    this.commands = commands;
    this.fields = uniforms.fields;
    this.#slots = slots;
    this.#uniforms = uniforms;
    this.#flags = flags;
  }

  /** The one place where pipelines, activation buffers and bind groups are made. */
  static async compile(memory: Memory, graph: Graph, options: CompileOptions = {}): Promise<Program> {
    const { device } = memory;
    const { gpu, profile } = device;
    const adapter = device.report.description;
    const fused = options.fuse === false ? graph.ops : fuse(graph.ops, graph.kept, profile);
    const typed = options.half ? halve(fused, graph.kept) : fused;
    const stored = options.checkpoint ? checkpoint(typed, graph.kept) : typed;
    const flagged = options.debug ? withChecks(graph, stored) : undefined;
    const ops = flagged?.ops ?? stored;
    const planned: Plan = {
      ...plan(ops, graph.kept, profile.maxBinding, gpu.limits.maxBufferSize),
      ...(options.checkpoint && { unchecked: plan(typed, graph.kept, Infinity).peak }),
    };

    if (device.tuner) await device.tuner.tune(device, ops);
    const compiling = Promise.all(ops.map(op => device.pipeline(op.kernel, op.params, Object.keys(op.tensors), halves(op))));
    compiling.catch(() => undefined); // awaited below: the driver compiles while first values are made
    for (const op of ops) for (const t of Object.values(op.tensors)) if (t.role !== 'activation') memory.place(t);
    gpu.pushErrorScope('out-of-memory');
    memory.allocate(graph);
    const slots = memory.slots(planned.slots);
    const full = await gpu.popErrorScope();
    if (full) {
      const bytes = planned.peak + [...memory.buffers.values()].reduce((n, b) => n + b.size, 0);
      throw new TooLarge(
        `out of memory on ${adapter} for ${bytes} bytes: ${firstLine(full)}`,
        say`use a smaller ${named('batchSize')} or model`,
        named('checkpointActivations'),
      );
    }
    options.meanwhile?.();
    const pipelines = await compiling;

    const grids = ops.map((op, i) => pipelines[i]!.variant.grid(op.params, profile));
    for (const [i, grid] of grids.entries()) {
      if (!grid.every(n => n >= 1 && n <= MAX_GRID))
        throw new TooLarge(
          `${opName(ops[i]!)}: ${ops[i]!.kernel.name} needs ${grid.join(' x ')} workgroups, WebGPU allows ${MAX_GRID} in a direction`,
          say`use a smaller ${named('batchSize')}`,
        );
    }

    gpu.pushErrorScope('validation');
    const uniforms = new Uniforms(
      device,
      ops,
      pipelines.map(p => p.variant),
    );
    const rangeOf = (t: Tensor): GPUBufferBinding => {
      const inSlot = planned.placeOf.get(t);
      if (inSlot) return { buffer: slots[inSlot.slot]!, offset: inSlot.offset, size: bytesOf(t) };
      const { buffer, offset, bytes } = memory.place(t);
      return { buffer: memory.buffers.get(buffer)!, offset, size: bytes };
    };
    const commands = ops.map((op, i): Command => {
      const pipeline = pipelines[i]!;
      const block = uniforms.block(i);
      const resources = [...Object.values(op.tensors).map(rangeOf), ...(block ? [block] : [])];
      const group = gpu.createBindGroup({
        label: `${opName(op)} ${op.kernel.name}`,
        layout: pipeline.layout,
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
      return { op, pipeline, group, grid: grids[i]! };
    });
    const invalid = await gpu.popErrorScope();
    if (invalid) throw new Error(`invalid program on ${adapter}: ${firstLine(invalid)}`);
    device.check();
    const flags = flagged && { buffer: memory.buffers.get(memory.place(flagged.flags).buffer)!, ops: flagged.checked };
    return new Program(memory, { plan: planned, commands, slots, uniforms, flags });
  }

  /** Enqueues one step: one small write, one submit. `more` adds copies to the same command buffer. */
  run(step: Readonly<Record<string, number>> = {}, more?: (encoder: GPUCommandEncoder) => void): void {
    const { gpu } = this.memory.device;
    this.memory.device.check();
    this.#uniforms.write(step);
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const { pipeline, group, grid } of this.commands) {
      pass.setPipeline(pipeline.pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
    }
    pass.end();
    more?.(encoder);
    gpu.queue.submit([encoder.finish()]);
  }

  /** The op whose output first held a NaN or an infinity, in a program compiled with `debug`. */
  async firstNonFinite(): Promise<string | undefined> {
    if (!this.#flags) return undefined;
    const { buffer, ops } = this.#flags;
    const flags = new Uint32Array(await this.memory.device.read(buffer, 0, ops.length * 4));
    const op = ops[flags.findIndex(f => f !== 0)];
    return op && `${opName(op)} (${op.kernel.name})`;
  }

  /** What `t` holds after the last step: a lasting tensor, or an activation that the graph kept. */
  async read(t: Tensor): Promise<Float32Array> {
    const { buffer, offset } = this.locate(t);
    return new Float32Array(await this.memory.device.read(buffer, offset, Math.ceil(t.size / 4) * 16)).subarray(0, t.size);
  }

  /** The buffer of a kept activation or lasting tensor, and where in it the tensor lies. */
  locate(t: Tensor): { buffer: GPUBuffer; offset: number } {
    if (t.role === 'activation') {
      const place = this.plan.placeOf.get(t);
      if (!place) throw new Error(`${t.name} is in no op of this program`);
      return { buffer: this.#slots[place.slot]!, offset: place.offset };
    }
    const { buffer, offset } = this.memory.place(t);
    return { buffer: this.memory.buffers.get(buffer)!, offset };
  }

  destroy(): void {
    this.#uniforms.destroy();
  }
}

/**
 * After each op a look at what it wrote; the flags of all ops lie in one buffer. Gradients of a scaled loss may overflow: those are left to
 * the update.
 */
function withChecks(graph: Graph, ops: readonly Op[]): { ops: Op[]; checked: readonly Op[]; flags: Tensor } {
  const flags = graph.lasting('state', 'non-finite flags', [ops.length]);
  const holdsFloats = (op: Op, t: Tensor) =>
    Object.entries(op.tensors).every(([name, other]) => other !== t || !op.kernel.bindings[name]!.includes('u32'));
  const checks = (op: Op, at: number): Op[] => {
    if (op.scaled) return [];
    return writes(op)
      .filter(t => holdsFloats(op, t))
      .map(t => ({
        kernel: checkFinite,
        params: { n: t.size, at },
        tensors: { x: t, flags },
        path: op.path,
        pass: op.pass,
      }));
  };
  return { ops: ops.flatMap((op, at) => [op, ...checks(op, at)]), checked: ops, flags };
}
