import { isGrid, MAX_GRID, type Grid, type Profile } from '../shaders/kernel/kernel.ts';
import { check, named, say, TooLarge } from './check.ts';
import { firstLine, type Pipeline } from './device.ts';
import { fuse } from './passes/fuse.ts';
import type { Graph } from './graph.ts';
import { halves, opName, writes, type Op } from './op.ts';
import type { Tensor } from './tensor.ts';
import { needed } from './passes/needed.ts';
import { stage } from './passes/stage.ts';
import { together } from './passes/together.ts';
import type { Memory } from './memory.ts';
import { divided, type Piece } from './pace.ts';
import { bytesOf, plan, type Plan } from './plan.ts';
import { Uniforms } from './uniforms.ts';

/** One dispatch. */
export interface Dispatch {
  readonly pipeline: Pipeline;
  readonly group: GPUBindGroup;
}

/** A dispatch of a program. */
export interface Command extends Dispatch {
  readonly op: Op;
}

/** Puts dispatches into a pass, one after another. */
export function encode(pass: GPUComputePassEncoder, dispatches: readonly Dispatch[]): void {
  for (const { pipeline, group } of dispatches) {
    pass.setPipeline(pipeline.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...pipeline.grid);
  }
}

/** What `Program.compile` takes; all of it may be left out. */
export interface CompileOptions {
  /** Whether kernels take over what ops after them would do (see fuse); they do unless this is false. */
  fuse?: boolean;
  /** Called while the driver compiles. */
  meanwhile?: () => void;
  /** Whether each op's output is checked for NaN and infinities (see firstNonFinite). */
  debug?: boolean;
  /** Whether forward ops are done a second time in place of keeping what they gave; a number is how many times as long a step may then take. */
  checkpoint?: boolean | number;
  /** Whether activations are kept in f16 (see halve). */
  half?: boolean;
}

interface Parts {
  readonly plan: Plan;
  readonly commands: readonly Command[];
  readonly slots: readonly GPUBuffer[];
  readonly uniforms: Uniforms;
  /** Where checks leave what they found, and the ops that they checked. */
  readonly flags: { readonly buffer: GPUBuffer; readonly ops: readonly Op[] } | undefined;
  /** Activations that the host may read: they last to the end of a step, or a cut is behind the op that writes them. */
  readonly kept: ReadonlySet<Tensor>;
}

/** A place in a step at which what came before it is submitted, so that the host can use it while the device does the rest. */
export interface Cut {
  /** The dispatches before it. */
  readonly after: number;
  /** Adds copies after them to the same command buffer. */
  readonly copies?: Copies;
  /** Called once it is submitted; what it promises is waited for. */
  readonly submitted: () => void | Promise<void>;
}

/** Adds copies to the command buffer of a step. */
export type Copies = (encoder: GPUCommandEncoder) => void;
/** Step values of kernels, by their names. */
export type StepValues = Readonly<Record<string, number>>;

/** A compiled graph: bind groups made once, a step is a list of dispatches in one command buffer, or in several where that takes long. */
export class Program {
  readonly memory: Memory;
  readonly plan: Plan;
  readonly commands: readonly Command[];
  /** Step values that `run` must be given. */
  readonly fields: readonly string[];
  #pieces: readonly Piece[];
  #slots: Parts['slots'];
  #uniforms: Uniforms;
  #flags: Parts['flags'];
  #kept: Parts['kept'];

  private constructor(memory: Memory, { plan, commands, slots, uniforms, flags, kept }: Parts) {
    this.memory = memory;
    this.plan = plan;
    this.commands = commands;
    this.#pieces = [{ first: 0, end: commands.length }];
    this.fields = uniforms.fields;
    this.#slots = slots;
    this.#uniforms = uniforms;
    this.#flags = flags;
    this.#kept = kept;
  }

  /** Makes pipelines, activation buffers and bind groups. */
  static async compile(memory: Memory, graph: Graph, options: CompileOptions = {}): Promise<Program> {
    const { device } = memory;
    const staged = (some: readonly Op[]) => stage(some, graph.kept, halves => device.profileFor(halves));
    // fusion does not ask what was timed: a second program is fused as the first
    const { ops: whole, unchecked, flagged } = await lowered(graph, device.untuned, options, staged);
    if (device.tuner) await device.tuner.tune(device, whole);
    const ops = staged(whole);
    const planned = {
      ...plan(ops, graph.kept, device.profile.maxBinding, device.gpu.limits.maxBufferSize),
      ...(unchecked && { unchecked: plan(staged(unchecked.ops), graph.kept, Infinity).peak, slowdown: unchecked.slowdown }),
    };
    const compiling = Promise.all(ops.map(op => device.pipeline(op.kernel, op.params, Object.keys(op.tensors), halves(op))));
    compiling.catch(() => undefined); // awaited below: the driver compiles while first values are made
    const slots = await allocated(memory, graph, ops, planned);
    options.meanwhile?.();
    const pipelines = await compiling;
    ops.forEach((op, i) => checkGrid(op, pipelines[i]!.grid));
    const { commands, uniforms } = await bound({ memory, ops, pipelines, planned, slots });
    memory.check();
    const pausing = ops.filter(op => op.pauses).flatMap(writes);
    const kept = new Set([...graph.kept, ...pausing]);
    const flags = flagged && { buffer: memory.range(flagged.flags).buffer, ops: flagged.checked };
    return new Program(memory, { plan: planned, commands, slots, uniforms, flags, kept });
  }

  /**
   * Enqueues one step: one small write, one submit; several, the dispatches in the same order, from when on a GPU was seen to take long for
   * it. `more` adds copies to the last command buffer.
   */
  run(step: StepValues = {}, more?: Copies): void {
    for (const _ of this.#submits(step, more, []));
  }

  /** As `run`, with one submit more at each of `cuts`, whose work is waited for before the rest is enqueued. */
  async runWith(cuts: readonly Cut[], step: StepValues = {}, more?: Copies): Promise<void> {
    for (const { submitted } of this.#submits(step, more, cuts)) await submitted();
  }

  /** Submits piece by piece, and gives each cut once what is before it is submitted. */
  *#submits(step: StepValues, more: Copies | undefined, cuts: readonly Cut[]): Generator<Cut> {
    this.memory.check();
    this.#uniforms.write(step);
    for (const piece of this.#pieces) {
      const within = cuts.filter(({ after }) => after > piece.first && after <= piece.end);
      let from = piece.first;
      for (const end of new Set([...within.map(cut => cut.after), piece.end])) {
        const ending = within.filter(cut => cut.after === end);
        this.memory.submit(encoder => {
          const pass = encoder.beginComputePass();
          encode(pass, this.commands.slice(from, end));
          pass.end();
          for (const { copies } of ending) copies?.(encoder);
          if (end === this.commands.length) more?.(encoder);
        });
        void this.#measure(piece);
        yield* ending;
        from = end;
      }
    }
  }

  async #measure(piece: Piece): Promise<void> {
    const { device } = this.memory;
    const { longest } = device.stopwatch;
    if (longest === Infinity) return;
    const ms = await device.stopwatch.measure(device.done());
    if (ms !== undefined && ms > longest) this.#pieces = divided(this.#pieces, piece, Math.ceil(ms / longest));
  }

  /** The op whose output first held a NaN or an infinity, in a program compiled with `debug`. */
  async firstNonFinite(): Promise<string | undefined> {
    if (!this.#flags) return undefined;
    const { buffer, ops } = this.#flags;
    const flags = new Uint32Array(await this.memory.download(buffer, 0, ops.length * 4));
    const op = ops[flags.findIndex(f => f !== 0)];
    return op && `${opName(op)} (${op.kernel.name})`;
  }

  /** What `t` holds after the last step: a persistent tensor, or an activation that the graph kept. Throws where it is neither. */
  async read(t: Tensor): Promise<Float32Array> {
    const { buffer, offset, size } = this.locate(t);
    return new Float32Array(await this.memory.download(buffer, offset, size)).subarray(0, t.size);
  }

  /** The bytes of a kept activation or persistent tensor on the device. */
  locate(t: Tensor): Required<GPUBufferBinding> {
    if (t.role !== 'activation') return this.memory.range(t);
    const whole = t.base ?? t;
    const place = this.#kept.has(whole) && this.plan.placeOf.get(whole);
    check(place, `${t.name}: no op writes it, or others write over it`, 'add it to the kept of its graph before that is compiled');
    return { buffer: this.#slots[place.slot]!, offset: place.offset, size: bytesOf(t) };
  }

  /** Frees what the program alone holds; the weights are its memory's. */
  destroy(): void {
    this.#uniforms.destroy();
  }
}

/** The ops of a program, made from those of its graph. */
interface Lowered {
  readonly ops: readonly Op[];
  /** What they would be without checkpointing, and how many times as long a step takes with it, where it is done. */
  readonly unchecked: { readonly ops: readonly Op[]; readonly slowdown: number } | undefined;
  /** Where checks for NaN leave what they find, and the ops that they check. */
  readonly flagged: { readonly flags: Tensor; readonly checked: readonly Op[] } | undefined;
}

/** What parameters that stay as they are leave to be done, then fusion, f16, checkpointing and checks, each where it is asked for. */
async function lowered(
  graph: Graph,
  profile: Profile,
  options: CompileOptions,
  staged: (ops: readonly Op[]) => readonly Op[],
): Promise<Lowered> {
  const ops = graph.frozenParams.size || graph.unwanted.size ? needed(graph) : graph.ops;
  const fused = options.fuse === false ? ops : together(fuse(ops, graph.kept, profile), graph.kept, profile);
  const typed = options.half ? (await import('./passes/half.ts')).halve(fused, graph.kept) : fused;
  const how = options.checkpoint;
  const again = how && (await import('./passes/checkpoint.ts')).checkpointed(typed, graph.kept, how, staged); // few programs are
  const stored = again ? again.ops : typed;
  const flagged = options.debug ? (await import('./passes/checked.ts')).withChecks(graph, stored) : undefined;
  return { ops: flagged?.ops ?? stored, unchecked: again ? { ops: typed, slowdown: again.slowdown } : undefined, flagged };
}

/** Makes the buffers that a program needs, or says that they do not fit. Returns those of its slots. */
async function allocated(memory: Memory, graph: Graph, ops: readonly Op[], { slots, peak }: Plan): Promise<GPUBuffer[]> {
  const { gpu, report } = memory.device;
  for (const op of ops) for (const t of Object.values(op.tensors)) if (t.role !== 'activation') memory.place(t);
  gpu.pushErrorScope('out-of-memory');
  memory.allocate(graph);
  const made = memory.slots(slots);
  const full = await gpu.popErrorScope();
  if (!full) return made;
  const bytes = peak + [...memory.buffers.values()].reduce((n, b) => n + b.size, 0);
  throw new TooLarge(
    `out of memory on ${report.description} for ${bytes} bytes: ${firstLine(full)}`,
    say`use a smaller ${named('batchSize')} or model`,
    named('checkpointActivations'),
  );
}

function checkGrid(op: Op, grid: Grid): void {
  if (isGrid(grid)) return;
  const asked = `${opName(op)}: ${op.kernel.name} needs ${grid.join(' x ')} workgroups`;
  check(Math.max(...grid) > MAX_GRID, asked, 'give whole numbers of at least 1');
  throw new TooLarge(`${asked}, WebGPU allows ${MAX_GRID} in a direction`, say`use a smaller ${named('batchSize')}`);
}

interface Unbound {
  readonly memory: Memory;
  readonly ops: readonly Op[];
  readonly pipelines: readonly Pipeline[];
  readonly planned: Plan;
  readonly slots: readonly GPUBuffer[];
}

/** The dispatches of ops, with bind groups for the places of their tensors. */
async function bound({ memory, ops, pipelines, planned, slots }: Unbound): Promise<{ commands: Command[]; uniforms: Uniforms }> {
  const { device } = memory;
  memory.check(); // it may be gone since the driver began to compile
  device.gpu.pushErrorScope('validation');
  const uniforms = new Uniforms(memory, pipelines);
  const rangeOf = (t: Tensor): GPUBufferBinding => {
    const inSlot = planned.placeOf.get(t);
    return inSlot ? { buffer: slots[inSlot.slot]!, offset: inSlot.offset, size: bytesOf(t) } : memory.range(t);
  };
  const commands = ops.map((op, i): Command => {
    const pipeline = pipelines[i]!;
    const resources = [...Object.values(op.tensors).map(rangeOf), ...uniforms.block(i)];
    return { op, pipeline, group: device.bind(`${opName(op)} ${op.kernel.name}`, pipeline, resources) };
  });
  const invalid = await device.gpu.popErrorScope();
  if (invalid) throw new Error(`invalid program on ${device.report.description}: ${firstLine(invalid)}`);
  return { commands, uniforms };
}
