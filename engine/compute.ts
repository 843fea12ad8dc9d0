/** Work on the device that is done once. */
import type { Bindings, Kernel } from '../shaders/kernel/kernel.ts';
import { check, kindOf, lookUp, onlyOptions, type Known } from './check.ts';
import { Device, type Pipeline } from './device.ts';
import { Graph } from './graph.ts';
import type { Optional } from './op.ts';
import type { Tensor } from './tensor.ts';
import { Memory, type Data } from './memory.ts';
import type { Owner } from './owner.ts';
import { encode, Program, type CompileOptions, type StepValues } from './program.ts';
import { Uniforms } from './uniforms.ts';

/** What `compute` takes beside the graph; all of it may be left out. */
export interface OnceOptions extends CompileOptions {
  /** Whether the graph trains; without this it evaluates. */
  training?: boolean;
  seed?: number;
}

const OPTIONS: Known<OnceOptions> = {
  training: 'boolean',
  seed: true,
  fuse: 'boolean',
  meanwhile: true,
  debug: 'boolean',
  checkpoint: true,
  half: 'boolean',
};

/** Compiles the graph that `build` makes on memory of its own, returns what `use` makes of the program, and frees both. */
export async function withProgram<T, R>(
  device: Device,
  build: (g: Graph, memory: Memory) => T,
  use: (program: Program, built: T) => Promise<R>,
  once: OnceOptions = {},
): Promise<R> {
  check(device instanceof Device, `device: ${kindOf(device)} is none`, 'give what openDevice() returned');
  onlyOptions('compute', once, OPTIONS);
  const { training = false, seed, ...options } = once;
  const memory = new Memory(device);
  try {
    const g = new Graph({ training, profile: device.profile, seed });
    const built = build(g, memory);
    memory.reserve(g);
    const program = await Program.compile(memory, g, options);
    try {
      return await use(program, built);
    } finally {
      program.destroy();
    }
  } finally {
    memory.destroy();
  }
}

/** Steps between waits for the device, so that their command buffers do not pile up. */
const IN_FLIGHT = 64;

/** Tensors of a graph, by names of the caller's own. */
export type Outputs = Readonly<Record<string, Tensor | undefined>>;
/** What they hold. */
export type Computed<O> = { [K in keyof O]: Float32Array | (undefined extends O[K] ? undefined : never) };

/**
 * Builds a graph, writes `inputs` (its persistent tensors by name), runs it once, or once for each of `steps`, and returns what the tensors
 * hold that `build` named:
 *
 *     const square = (g: Graph) => ({ y: g.map('v * v', g.persistent('input', 'x', [2])) });
 *     const { y } = await compute(device, square, { x: Float32Array.of(1, 2) });
 */
export function compute<O extends Outputs>(
  device: Device,
  build: (g: Graph, memory: Memory) => O,
  inputs: Readonly<Record<string, Data>> = {},
  steps: StepValues | readonly StepValues[] = {},
  options: OnceOptions = {},
): Promise<Computed<O>> {
  const named = (g: Graph, memory: Memory) => {
    const outputs = build(g, memory);
    for (const t of Object.values(outputs)) if (t) g.kept.add(t);
    return { outputs, persistent: g.tensors.filter(t => t.role !== 'activation' && t.role !== 'grad') };
  };
  const use = async (program: Program, { outputs, persistent }: ReturnType<typeof named>) => {
    const known: Record<string, Tensor> = {};
    for (const t of persistent) known[t.name] ??= t;
    for (const [name, data] of Object.entries(inputs)) {
      program.memory.write(lookUp('tensor of the graph', name, known), data);
    }
    for (const [i, step] of [steps].flat().entries()) {
      program.run(step);
      if ((i + 1) % IN_FLIGHT === 0) await program.memory.idle();
    }
    const read = Object.entries(outputs).map(async ([name, t]) => [name, t && (await program.read(t))] as const);
    return Object.fromEntries(await Promise.all(read)) as Computed<O>;
  };
  return withProgram(device, named, use, options);
}

/** The buffers that a kernel call is given, by binding. */
type Buffers<B> = { [K in Exclude<keyof B, Optional<B>>]: GPUBuffer } & { [K in Optional<B>]?: GPUBuffer | undefined };

/** Calls of kernels one by one, on whole buffers. The uniform blocks of calls are kept, since making them costs as much as a small call. */
export class Dispatcher {
  #owner: Owner;
  #uniforms = new Map<Pipeline, Uniforms>();

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** Enqueues one call; `step` holds its step values. */
  async run<P, B extends Bindings>(kernel: Kernel<P, B>, params: P, buffers: Buffers<B>, step: StepValues = {}): Promise<void> {
    const given: Readonly<Record<string, GPUBuffer | undefined>> = buffers;
    const bound = Object.keys(kernel.bindings).filter(name => given[name]);
    const { device } = this.#owner;
    const pipeline = await device.pipeline(kernel, params, bound);
    const uniforms = this.#uniforms.get(pipeline) ?? new Uniforms(this.#owner, [pipeline]);
    this.#uniforms.set(pipeline, uniforms);
    const resources = [...bound.map(name => ({ buffer: given[name]! })), ...uniforms.block(0)];
    this.#owner.submit(encoder => {
      uniforms.write(step);
      const pass = encoder.beginComputePass();
      encode(pass, [{ pipeline, group: device.bind(kernel.name, pipeline, resources) }]);
      pass.end();
    });
  }

  destroy(): void {
    for (const u of this.#uniforms.values()) u.destroy();
  }
}
