import { isWritten, pick, type Grid, type Kernel, type Profile, type Variant } from '../shaders/kernel/kernel.ts';
import { source, stepFields } from '../shaders/kernel/source.ts';
import { FEATURES, LIMITS, profileOf, reportOf, type AdapterReport } from './adapter.ts';
import { layoutOf, type Compiled, type Compilers } from './compiled.ts';
import { check, DescentError, DeviceLost, named, say } from './check.ts';
import type { Op } from './op.ts';
import { inVec4s } from './plan.ts';
import { stopwatchFor, type Stopwatch } from './pace.ts';
import { waiting } from './wait.ts';

/** A call's compiled kernel, and all that its dispatch needs beside buffers. */
export interface Pipeline extends Compiled {
  /** Its WGSL. */
  readonly code: string;
  readonly variant: Variant<any>;
  readonly grid: Grid;
  /** What the call's uniform block holds: its sizes, then its step values by type. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly step: Readonly<Record<string, 'f32' | 'u32'>>;
  /** Bytes of that block; 0 where the call has none. */
  readonly blockBytes: number;
}

/** What finds the fastest variants of calls (see engine/tune.ts). */
export interface Tuning {
  tune(device: Device, ops: readonly Op[]): Promise<void>;
}

/** The WGSL of a call, and what it is made for. */
interface Source {
  readonly kernel: Kernel<any>;
  readonly variant: Variant<any>;
  readonly params: unknown;
  readonly code: string;
  readonly bound: readonly string[];
  /** Whether a uniform block follows the bindings. */
  readonly uniform: boolean;
}

/** What devices of several profiles share. */
interface State {
  /** Compiled kernels by WGSL text. */
  readonly pipelines: Map<string, Promise<Compiled>>;
  /** Bind group layouts by the types of their entries: most kernels bind alike. */
  readonly layouts: Map<string, GPUBindGroupLayout>;
  closing: boolean;
  lost?: DeviceLost;
  fault?: DescentError;
}

/** The first line of an error: drivers go on for pages. */
export const firstLine = (error: Error | GPUError): string => error.message.split('\n')[0]!;

/**
 * A WebGPU device with all that its adapter offers, and the one maker of pipelines: each distinct WGSL text is compiled once, the text
 * being the key, so that nothing else has to be kept in step with it.
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly report: AdapterReport;
  /** Measures what programs submit. */
  stopwatch: Stopwatch;
  /** Looks for the fastest variants of a program's calls before it is compiled. */
  tuner: Tuning | undefined;
  /** What has the driver make machine code of a pipeline before it is used, where it does not do so by itself. */
  compilers: Compilers | undefined;
  #profile: Profile;
  /** The profile before anything was chosen. */
  readonly untuned: Profile;
  /** Pipelines by call and bindings, for this profile: a network repeats its calls, and making their text takes time. */
  #calls = new Map<Kernel<any>, Map<string, Promise<Pipeline>>>();
  /** What devices of other profiles share with this one. */
  #state: State = { pipelines: new Map(), layouts: new Map(), closing: false };

  private constructor(gpu: GPUDevice, report: AdapterReport, profile: Profile) {
    this.gpu = gpu;
    this.report = report;
    this.stopwatch = stopwatchFor(report.software);
    this.#profile = profile;
    this.untuned = profile;
  }

  #watch(): void {
    const { gpu } = this;
    const state = this.#state;
    const adapter = this.report.description;
    void gpu.lost.then(({ reason, message }) => {
      if (state.closing) return;
      state.lost = new DeviceLost(`device lost on ${adapter} (${reason}: ${message || 'no message'})`);
    });
    gpu.addEventListener('uncapturederror', event => {
      event.preventDefault();
      state.fault ??= this.faultOf((event as GPUUncapturedErrorEvent).error);
    });
  }

  /** A validation or memory error in our words. */
  faultOf(error: GPUError): DescentError {
    const adapter = this.report.description;
    return error instanceof GPUOutOfMemoryError
      ? new DescentError(`out of memory on ${adapter}: ${firstLine(error)}`, say`use a smaller ${named('batchSize')} or model`)
      : new DescentError(`WebGPU error on ${adapter}: ${firstLine(error)}`);
  }

  /** A device of `adapter`. `overrides` changes its profile (tests, autotuning). */
  static async open(adapter: GPUAdapter, overrides: Partial<Profile> = {}): Promise<Device> {
    const requiredLimits = Object.fromEntries(LIMITS.map(l => [l, adapter.limits[l]]));
    const requiredFeatures = FEATURES.filter(f => adapter.features.has(f));
    const gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures });
    const device = new Device(gpu, reportOf(adapter), { ...profileOf(adapter, gpu), ...overrides });
    device.#watch();
    return device;
  }

  /** The same device under another profile: other variants, the same pipelines. */
  withProfile(overrides: Partial<Profile>): Device {
    const other = new Device(this.gpu, this.report, { ...this.profile, ...overrides });
    other.#state = this.#state;
    other.stopwatch = this.stopwatch;
    other.compilers = this.compilers;
    return other;
  }

  get profile(): Profile {
    return this.#profile;
  }

  /** The profile for a call whose bindings `halves` hold f16. */
  profileFor(halves: readonly string[]): Profile {
    return halves.length ? { ...this.#profile, half: true } : this.#profile;
  }

  /** Set when the device is lost: every later call fails with it. */
  get lost(): DeviceLost | undefined {
    return this.#state.lost;
  }

  /** The first validation or memory error of work that belongs to no owner (see engine/owner.ts): nobody knows whose numbers it spoilt. */
  get fault(): DescentError | undefined {
    return this.#state.fault;
  }

  /** Calls (see callKey) that are compiled from now on take these variants. */
  choose(variants: Readonly<Record<string, string>>): void {
    this.#calls.clear();
    this.#profile = { ...this.#profile, prefer: { ...this.#profile.prefer, ...variants } };
  }

  /** Throws if the device is lost, closed, or has reported an error. */
  check(): void {
    check(!this.#state.closing, 'the device was closed', 'open another with openDevice()');
    const error = this.lost ?? this.fault;
    if (error) throw error;
  }

  /** A buffer of zeros of `bytes`, rounded up to whole vec4s. */
  buffer(label: string, bytes: number, usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST): GPUBuffer {
    return this.gpu.createBuffer({ label, size: inVec4s(bytes), usage });
  }

  /**
   * The pipeline of a call with the bindings `bound`, of which `halves` hold f16. Errors name the kernel, its parameters and the line that
   * does not compile.
   */
  async pipeline<P>(kernel: Kernel<P>, params: P, bound: readonly string[], halves: readonly string[] = []): Promise<Pipeline> {
    const text = textOf(params);
    const key = text && `${bound.join()} ${halves.join()} ${text}`;
    const calls = this.#calls.get(kernel) ?? new Map<string, Promise<Pipeline>>();
    this.#calls.set(kernel, calls);
    const known = key && calls.get(key);
    if (known) return known;
    const made = this.#call(kernel, params, bound, halves);
    if (key) calls.set(key, made);
    return made;
  }

  async #call<P>(kernel: Kernel<P>, params: P, bound: readonly string[], halves: readonly string[]): Promise<Pipeline> {
    const profile = this.profileFor(halves);
    const variant = pick(kernel, params, profile);
    const code = await source(kernel, variant, params, profile, bound, halves);
    const grid = variant.grid(params, profile);
    const sizes = variant.sizes?.(params, profile) ?? {};
    const step = stepFields(kernel, params);
    const values = Object.keys(sizes).length + Object.keys(step).length;
    const blockBytes = values && inVec4s(4 * values);
    const { pipelines } = this.#state;
    let made = pipelines.get(code);
    if (!made) pipelines.set(code, (made = waiting(this.#compile({ kernel, variant, params, code, bound, uniform: values > 0 }))));
    return { ...(await made), code, variant, grid, sizes, step, blockBytes };
  }

  async #compile({ kernel, variant, params, code, bound, uniform }: Source): Promise<Compiled> {
    const label = `${kernel.name} (${variant.name})`;
    const types = bound.map((name): GPUBufferBindingType => (isWritten(kernel.bindings[name]!) ? 'storage' : 'read-only-storage'));
    if (uniform) types.push('uniform');
    this.gpu.pushErrorScope('validation');
    const layout = this.#layout(types);
    const module = this.gpu.createShaderModule({ label, code });
    const whole = this.gpu.createPipelineLayout({ bindGroupLayouts: [layout] });
    const scope = this.gpu.popErrorScope();
    const making = this.gpu.createComputePipelineAsync({ label, layout: whole, compute: { module } });
    making.catch(() => undefined); // reported below, with the source line
    const invalid = await scope;
    try {
      const compiled = { pipeline: await making, layout };
      await this.compilers?.compile({ label, code, types }, compiled);
      return compiled;
    } catch (e) {
      this.check();
      const lines = code.split('\n');
      const [said] = (await module.getCompilationInfo()).messages.flatMap(m =>
        m.type !== 'error'
          ? []
          : `${kernel.name}.wgsl:${m.lineNum}:${m.linePos} ${m.message} in \`${lines[m.lineNum - 1]?.trim().slice(0, 160)}\``,
      );
      const call = `kernel ${label} does not compile on ${this.report.description} for ${JSON.stringify(params)}`;
      throw new Error(`${call}: ${said ?? firstLine(invalid ?? (e as Error))}`);
    }
  }

  /** The bind group of a call: its tensors in the order of its bindings, then its uniform block if it has one. */
  bind(label: string, { layout }: Pipeline, resources: readonly GPUBufferBinding[]): GPUBindGroup {
    return this.gpu.createBindGroup({ label, layout, entries: resources.map((resource, binding) => ({ binding, resource })) });
  }

  #layout(types: readonly GPUBufferBindingType[]): GPUBindGroupLayout {
    const { layouts } = this.#state;
    const key = types.join();
    const layout = layouts.get(key) ?? layoutOf(this.gpu, types);
    layouts.set(key, layout);
    return layout;
  }

  /** Number of distinct pipelines made so far. */
  get pipelines(): number {
    return this.#state.pipelines.size;
  }

  /** Waits until all that was submitted so far is done. */
  done(): Promise<unknown> {
    return waiting(this.gpu.queue.onSubmittedWorkDone());
  }

  /** As `done`, and throws what went wrong meanwhile. */
  async idle(): Promise<void> {
    await this.done();
    this.check();
  }

  /** Gives the adapter's device back. What was on it can no longer be used. */
  close(): void {
    this.#state.closing = true;
    this.compilers?.close();
    this.gpu.destroy();
  }
}

/** The parameters of a call as a text, or undefined where there is a function among them, which has none. */
function textOf(params: unknown): string | undefined {
  let whole = true;
  const text = JSON.stringify(params, (_, value: unknown) => {
    if (typeof value === 'function') whole = false;
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  });
  return whole ? text : undefined;
}
