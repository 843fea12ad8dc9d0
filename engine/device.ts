import { opFields, pick, source, type Kernel, type MatrixConfig, type Profile, type Variant } from '../shaders/kernel/kernel.ts';
import { DescentError, DeviceLost, named, say } from './check.ts';
import type { Op } from './graph.ts';
import { waiting } from './wait.ts';

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
] as const;
const MATRICES = 'chromium-experimental-subgroup-matrix' as GPUFeatureName; // not in the standard yet
const FEATURES: readonly GPUFeatureName[] = ['subgroups', 'shader-f16', 'timestamp-query', MATRICES];

/** What users are told of an adapter. */
export interface AdapterReport {
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly software: boolean;
}

interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A call's compiled kernel, and the variant that it is. */
export interface Pipeline extends Compiled {
  readonly variant: Variant<any>;
}

/** What kernels may know of an adapter (see Profile). A software adapter of fixed subgroup size takes the lanes variants. */
export function profileOf(adapter: GPUAdapter, device: GPUDevice): Profile {
  const { info } = adapter;
  const subgroups = device.features.has('subgroups');
  const fixed = subgroups && info.subgroupMinSize === info.subgroupMaxSize && [4, 8, 16].includes(info.subgroupMinSize);
  return {
    lanes: isSoftware(info) && fixed ? info.subgroupMinSize : 0,
    subgroups,
    f16: device.features.has('shader-f16'),
    ...(device.features.has(MATRICES) && info.subgroupMinSize === info.subgroupMaxSize && { matrices: matricesOf(info) }),
    maxWorkgroup: Math.min(device.limits.maxComputeInvocationsPerWorkgroup, device.limits.maxComputeWorkgroupSizeX),
    maxBinding: device.limits.maxStorageBufferBindingSize,
  };
}

/** What Dawn adds to GPUAdapterInfo where it knows of matrix units. */
interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What an adapter says of its matrix units: those that sum in f32. */
function matricesOf(info: GPUAdapterInfo): MatrixConfig[] {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };
  return [...subgroupMatrixConfigs].flatMap(({ componentType: type, resultComponentType, M: m, N: n, K: k }) => {
    const usable = resultComponentType === 'f32' && (type === 'f16' || type === 'f32');
    return usable ? [{ type, m, n, k, subgroup: info.subgroupMaxSize }] : [];
  });
}

/** lavapipe, SwiftShader and WARP name themselves; browsers hide the description but say whether it is a fallback. */
export const isSoftware = (info: GPUAdapterInfo): boolean =>
  Boolean(info.isFallbackAdapter) || /llvmpipe|swiftshader|basic render/i.test(`${info.description} ${info.architecture} ${info.device}`);

/** See engine/tune.ts. */
export interface Tuning {
  tune(device: Device, ops: readonly Op[]): Promise<void>;
}

/** What devices of several profiles share. */
interface State {
  /** By WGSL text. */
  readonly pipelines: Map<string, Promise<Compiled>>;
  /** By the types of their entries. */
  readonly layouts: Map<string, GPUBindGroupLayout>;
  closing: boolean;
  lost?: DeviceLost;
  fault?: DescentError;
}

/** Drivers go on for pages. */
export const firstLine = (error: Error | GPUError): string => error.message.split('\n')[0]!;

/**
 * A WebGPU device with all that its adapter offers, and the one maker of pipelines: each distinct WGSL text is compiled once, the text
 * being the key, so that nothing else has to be kept in step with it.
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly report: AdapterReport;
  /** Looks for the fastest variants of a program's calls before it is compiled. */
  tuner: Tuning | undefined;
  #profile: Profile;
  /** By call and bindings, for this profile: a network repeats its calls, and making their text takes time. */
  #calls = new Map<Kernel<any>, Map<string, Promise<Pipeline>>>();
  /** What devices of other profiles share with this one. */
  #state: State = { pipelines: new Map(), layouts: new Map(), closing: false };

  private constructor(gpu: GPUDevice, report: AdapterReport, profile: Profile) {
    this.gpu = gpu;
    this.report = report;
    this.#profile = profile;
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
      const { error } = event as GPUUncapturedErrorEvent;
      state.fault ??=
        error instanceof GPUOutOfMemoryError
          ? new DescentError(`out of memory on ${adapter}: ${firstLine(error)}`, say`use a smaller ${named('batchSize')} or model`)
          : new DescentError(`WebGPU error on ${adapter}: ${firstLine(error)}`);
    });
  }

  /** A device of `adapter`. `overrides` changes what kernels are told of it (tests, autotuning). */
  static async open(adapter: GPUAdapter, overrides: Partial<Profile> = {}): Promise<Device> {
    const requiredLimits = Object.fromEntries(LIMITS.map(l => [l, adapter.limits[l]]));
    const requiredFeatures = FEATURES.filter(f => adapter.features.has(f));
    const gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures });
    const { description, vendor, architecture } = adapter.info;
    const report = {
      description: description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter',
      vendor,
      architecture,
      software: isSoftware(adapter.info),
    };
    const device = new Device(gpu, report, { ...profileOf(adapter, gpu), ...overrides });
    device.#watch();
    return device;
  }

  /** The same device under another profile: other variants, the same pipelines. */
  withProfile(overrides: Partial<Profile>): Device {
    const other = new Device(this.gpu, this.report, { ...this.profile, ...overrides });
    other.#state = this.#state;
    return other;
  }

  get profile(): Profile {
    return this.#profile;
  }

  /** For a call whose bindings `halves` hold f16. */
  profileFor(halves: readonly string[]): Profile {
    return halves.length ? { ...this.#profile, half: true } : this.#profile;
  }

  /** Set when the device is lost: every later call fails with it. */
  get lost(): DeviceLost | undefined {
    return this.#state.lost;
  }

  /** The first validation or memory error that no scope caught. */
  get fault(): DescentError | undefined {
    return this.#state.fault;
  }

  /** Has calls (see callKey) compiled from now on take these variants. */
  choose(variants: Readonly<Record<string, string>>): void {
    this.#calls.clear();
    this.#profile = { ...this.#profile, prefer: { ...this.#profile.prefer, ...variants } };
  }

  /** Throws if the device is lost or has reported an error. */
  check(): void {
    const error = this.lost ?? this.fault;
    if (error) throw error;
  }

  /** A buffer of zeros, a multiple of 16 bytes long. */
  buffer(label: string, bytes: number, usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST): GPUBuffer {
    return this.gpu.createBuffer({ label, size: Math.max(16, Math.ceil(bytes / 16) * 16), usage });
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

    const profile = this.profileFor(halves);
    const variant = pick(kernel, params, profile);
    const code = source(kernel, variant, params, profile, bound, halves);
    const { pipelines } = this.#state;
    let made = pipelines.get(code);
    if (!made) pipelines.set(code, (made = waiting(this.#compile(kernel, variant, params, code, bound))));
    const call = made.then(compiled => ({ ...compiled, variant }));
    if (key) calls.set(key, call);
    return call;
  }

  async #compile<P>(kernel: Kernel<P>, variant: Variant<P>, params: P, code: string, bound: readonly string[]): Promise<Compiled> {
    const label = `${kernel.name} (${variant.name})`;
    const entries: GPUBindGroupLayoutEntry[] = bound.map((name, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: kernel.bindings[name]!.startsWith('read') ? 'read-only-storage' : 'storage' },
    }));
    if (opFields(kernel, variant, params, this.profile).length)
      entries.push({ binding: bound.length, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform' } });
    const layout = this.#layout(entries);
    this.gpu.pushErrorScope('validation');
    const module = this.gpu.createShaderModule({ label, code });
    const scope = this.gpu.popErrorScope();
    const compiled = this.gpu.createComputePipelineAsync({
      label,
      layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module },
    });
    compiled.catch(() => undefined); // reported below, with the source line
    await scope;
    try {
      return { pipeline: await compiled, layout };
    } catch (e) {
      this.check();
      const lines = code.split('\n');
      const [said] = (await module.getCompilationInfo()).messages.map(
        m => `${kernel.name}.wgsl:${m.lineNum}:${m.linePos} ${m.message} in \`${lines[m.lineNum - 1]?.trim().slice(0, 160)}\``,
      );
      const call = `kernel ${label} does not compile on ${this.report.description} for ${JSON.stringify(params)}`;
      throw new Error(`${call}: ${said ?? (e as Error).message}`);
    }
  }

  /** Most kernels bind alike. */
  #layout(entries: GPUBindGroupLayoutEntry[]): GPUBindGroupLayout {
    const { layouts } = this.#state;
    const key = entries.map(e => e.buffer!.type).join();
    const layout = layouts.get(key) ?? this.gpu.createBindGroupLayout({ label: key, entries });
    layouts.set(key, layout);
    return layout;
  }

  /** Number of distinct pipelines made so far. */
  get pipelines(): number {
    return this.#state.pipelines.size;
  }

  /** Copies bytes back to the host. Waits for all work before it. */
  async read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.check();
    const staging = this.buffer('read back', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
    this.gpu.queue.submit([encoder.finish()]);
    try {
      await waiting(staging.mapAsync(GPUMapMode.READ));
    } catch (e) {
      await new Promise(resolve => setTimeout(resolve)); // `lost` is told first
      this.check();
      throw e;
    }
    const out = staging.getMappedRange().slice(0, bytes);
    staging.destroy();
    this.check();
    return out;
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

  close(): void {
    this.#state.closing = true;
    this.gpu.destroy();
  }
}

/** The parameters of a call as a text of their own; functions have none to be known by. */
function textOf(params: unknown): string | undefined {
  let whole = true;
  const text = JSON.stringify(params, (_, value: unknown) => {
    if (typeof value === 'function') whole = false;
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  });
  return whole ? text : undefined;
}
