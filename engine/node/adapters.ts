/** WebGPU in Node: Dawn through the package `webgpu`, and the choice among this machine's adapters. The one importer of that package. */
import { existsSync } from 'node:fs';
import { kindOf, LIMITS, type Kind, type SubgroupMatrixConfig } from '../adapter.ts';
import { check, named, say } from '../check.ts';
import { napBetweenPolls } from '../wait.ts';
import { absent } from './optional.ts';

// Dawn polls in every turn of the event loop while a promise of its own is open, and so takes a core that a software driver computes on.
const never = new Int32Array(new SharedArrayBuffer(4));
napBetweenPolls((ms, again) => {
  setImmediate(() => {
    Atomics.wait(never, 0, 0, ms);
    again();
  });
});

/** One adapter of this machine. */
export interface AdapterEntry {
  readonly name: string;
  readonly kind: Kind;
  readonly description: string;
  readonly backend: string;
  readonly features: string[];
  readonly limits: Record<string, number>;
  /** Least and most threads of a subgroup; undefined where it has none. */
  readonly subgroups: readonly [least: number, most: number] | undefined;
  /** The products of its matrix units, as Dawn names them. */
  readonly matrices: readonly SubgroupMatrixConfig[];
  readonly adapter: GPUAdapter;
}

/** Best first: hardware, then lavapipe, then SwiftShader, which is 2.5 to 4 times slower. */
const ORDER: readonly Kind[] = ['hardware', 'lavapipe', 'software', 'swiftshader'];

/** Where Chromium packages keep SwiftShader, which the Vulkan loader does not find by itself. */
const SWIFTSHADER = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/usr/lib64/chromium-browser', '/opt/google/chrome'].map(
  folder => `${folder}/vk_swiftshader_icd.json`,
);

// Dawn must outlive its devices: collected while one is in use it aborts the process, and V8 drops what it thinks unused.
const keep: GPU[] = ((globalThis as { descentKeepsDawn?: GPU[] }).descentKeepsDawn ??= []);

/** Dawn, loaded when it is first used, with the constants of WebGPU where browsers have them. */
async function load(): Promise<typeof import('webgpu')> {
  const module = await import(/* webpackIgnore: true */ 'webgpu').catch(absent('webgpu', 'WebGPU in Node'));
  Object.assign(globalThis, module.globals);
  return module;
}

async function dawn(options: string[] = []): Promise<GPU> {
  const { create } = await load();
  process.env.XDG_RUNTIME_DIR ??= '/tmp'; // Mesa complains without one
  // Dawn hides subgroup matrices and rounds timestamps to 65 us unless it is told not to; the platform of Node says that they are exact.
  const gpu = create(['enable-dawn-features=allow_unsafe_apis', 'disable-dawn-features=timestamp_quantization', ...options]);
  keep.push(gpu);
  return gpu;
}

/** Shows the Vulkan loader SwiftShader too, unless the user has named the drivers to load. */
function addSwiftShader(): void {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  const found = SWIFTSHADER.find(f => existsSync(f));
  if (found && !VK_DRIVER_FILES && !VK_ICD_FILENAMES) process.env.VK_ADD_DRIVER_FILES ??= found;
}

/** The limits of an adapter that users see: those that are asked for, and what they may want to know beside. */
const SHOWN = [...LIMITS, 'maxComputeWorkgroupsPerDimension', 'maxBindGroups', 'maxUniformBufferBindingSize'] as const;

/** Dawn lists its adapters only in the error about one that does not exist. */
async function names(): Promise<{ name: string; backend: string }[]> {
  const gpu = await dawn(['adapter=none of them']);
  try {
    await gpu.requestAdapter();
    return [];
  } catch (e) {
    const listed = (e as Error).message.matchAll(/backend: '([^']*)', name: '([^']*)'/g);
    return Array.from(listed, ([, backend, name]) => ({ backend: backend!, name: name! }));
  }
}

/** Fields of their own: those of Dawn's objects are their class's, which JSON does not show. */
function matricesOf(info: GPUAdapterInfo): SubgroupMatrixConfig[] {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };
  return Array.from(subgroupMatrixConfigs, ({ componentType, resultComponentType, M, N, K }) => ({
    componentType,
    resultComponentType,
    M,
    N,
    K,
  }));
}

/** All adapters of this machine, best first. */
export async function listAdapters(): Promise<AdapterEntry[]> {
  addSwiftShader();
  const entries: AdapterEntry[] = [];
  for (const { name, backend } of await names()) {
    const gpu = await dawn([`backend=${backend}`, `adapter=${name}`]);
    const adapter = await gpu.requestAdapter().catch(() => null);
    if (!adapter) continue;
    entries.push({
      name,
      backend,
      adapter,
      kind: kindOf(adapter.info),
      description: adapter.info.description || name,
      features: [...adapter.features].sort(),
      limits: Object.fromEntries(SHOWN.map(l => [l, adapter.limits[l] as number])),
      subgroups: adapter.features.has('subgroups') ? [adapter.info.subgroupMinSize, adapter.info.subgroupMaxSize] : undefined,
      matrices: matricesOf(adapter.info),
    });
  }
  return entries.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

// The driver's threads go on while a process ends, by process.exit() or an error in the midst of work, and now and then kill it.
const open = new Set<GPUDevice>();
process.on('exit', () => {
  for (const gpu of open) gpu.destroy();
});

/** An adapter whose devices are given back before the process ends. */
function givenBack(adapter: GPUAdapter): GPUAdapter {
  const request = adapter.requestDevice.bind(adapter);
  adapter.requestDevice = async descriptor => {
    const gpu = await request(descriptor);
    open.add(gpu);
    void gpu.lost.then(() => open.delete(gpu));
    return gpu;
  };
  return adapter;
}

/**
 * The adapter to train on: the best, or the one whose number, kind or name is `given` (else DESCENT_ADAPTER), or one that is itself given.
 * The usual case asks Dawn once and lists nothing.
 */
export async function openAdapter(given?: GPUAdapter | string): Promise<GPUAdapter> {
  return givenBack(await adapterOf(given));
}

async function adapterOf(given?: GPUAdapter | string): Promise<GPUAdapter> {
  const wanted = given ?? process.env.DESCENT_ADAPTER;
  if (typeof wanted === 'object') {
    await load();
    return wanted;
  }
  if (!wanted) {
    const first = await (await dawn()).requestAdapter({ powerPreference: 'high-performance' });
    if (first && kindOf(first.info) !== 'swiftshader') return first;
  }
  const entries = await listAdapters();
  check(
    entries.length,
    'no WebGPU adapter was found',
    'install a GPU driver',
    'a software one (Debian and Ubuntu: apt-get install mesa-vulkan-drivers; npm start does it)',
  );
  if (!wanted) return entries[0]!.adapter;
  const text = wanted.toLowerCase();
  const numbered = /^\d+$/.test(text) ? entries[Number(text)] : undefined;
  const match = numbered ?? entries.find(e => [e.kind, e.name, e.description].some(own => own.toLowerCase().includes(text)));
  check(
    match,
    say`${given === undefined ? 'DESCENT_ADAPTER' : named('adapter')}: no adapter matches '${wanted}'`,
    `this machine has ${entries.map(e => `${e.kind} (${e.name})`).join(', ')}`,
  );
  return match.adapter;
}
