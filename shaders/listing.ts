/** The kernels of the table of calls for who reads them: their variants on imagined adapters, and the WGSL of any. */
import { callsIn } from './calls.ts';
import { DEFAULT_PROFILE, isSoftware, pick, stagesOf, waysOf, type Call, type Grid, type Kernel, type Profile } from './kernel/kernel.ts';
import { laidOut } from './kernel/laid-out.ts';
import type { CallRow } from './kernel/row.ts';
import { source } from './kernel/source.ts';
import { product } from './kernel/shape.ts';

const roomy: Profile = { ...DEFAULT_PROFILE, subgroups: true, f16: true, maxWorkgroupBytes: 32768 };

/** Adapters that need not be there, with enough for every variant between them, by what one calls them. */
export const IMAGINED = {
  software: { ...roomy, lanes: 8 },
  gpu: { ...roomy, matrices: [{ type: 'f32', m: 8, n: 8, k: 8, subgroup: 32, largest: 32 }] },
  'gpu-f16': { ...roomy, half: true },
} as const satisfies Readonly<Record<string, Profile>>;

export type Imagined = keyof typeof IMAGINED;

export const ADAPTERS = Object.keys(IMAGINED) as readonly Imagined[];

/** A kernel of the table, with its calls. */
export interface Listed {
  readonly kernel: Kernel<any>;
  /** Folder of shaders/ in which it lies. */
  readonly folder: string;
  readonly calls: readonly CallRow[];
}

/** The kernels in the order of the table. */
export const listed: readonly Listed[] = Object.entries(callsIn).flatMap(([folder, rows]) =>
  Array.from(new Set(rows.map(row => row.kernel)), kernel => ({ folder, kernel, calls: rows.filter(row => row.kernel === kernel) })),
);

/** A call at which a way of computing a kernel, a variant or stages, is shown. */
export interface Shown {
  readonly kernel: Kernel<any>;
  readonly way: string;
  readonly adapter: Imagined;
  /** What the call is, as `matmul 512x512x512` or what is special about it. */
  readonly label: string;
  readonly params: unknown;
  /** Values of each tensor. */
  readonly tensors: Readonly<Record<string, number>>;
  /** Whether it is what the adapter takes at first, before anything is timed. */
  readonly leads: boolean;
}

/** The calls of one kernel that are timed on such an adapter, for batches of 32 or 256 images, and those that are tested, as labelled. */
function* labelled({ calls }: Listed, profile: Profile): Generator<{ row: CallRow; label: string; params: unknown }> {
  for (const row of calls) for (const timed of row.bench?.(isSoftware(profile) ? 32 : 256, profile) ?? []) yield { row, ...timed };
  for (const row of calls) yield { row, label: row.why, params: row.params };
}

/** Each way of computing a kernel on imagined adapters, at each call that takes it: those that are timed before those that are tested. */
export function* shownOf(one: Listed, adapters = ADAPTERS): Generator<Shown> {
  const { kernel } = one;
  for (const adapter of adapters) {
    const profile: Profile = IMAGINED[adapter];
    for (const { row, label, params } of labelled(one, profile))
      for (const [i, way] of waysOf(kernel, params, profile).entries())
        yield { kernel, way, adapter, label, params, tensors: row.tensors(params), leads: i === 0 };
  }
}

/** The WGSL of a call. */
export interface Text {
  readonly kernel: string;
  readonly variant: string;
  readonly workgroups: Grid;
  readonly wgsl: string;
}

/** The WGSL of a way of computing a kernel: one text, or one for each of its stages. */
export async function textsOf({ kernel, way, adapter, params, tensors }: Shown): Promise<Text[]> {
  const profile: Profile = { ...IMAGINED[adapter], prefer: { [kernel.name]: way } };
  const sized = Object.entries(tensors).map(([name, size]) => [name, { shape: [size], size }] as const);
  return textsOfCall({ kernel, params, tensors: Object.fromEntries(sized) }, profile);
}

async function textsOfCall(call: Call, profile: Profile): Promise<Text[]> {
  const { kernel, params, tensors } = call;
  const stages = stagesOf(kernel, params, profile);
  if (stages) {
    const calls = stages.gives(call, profile, (_, shape) => ({ shape, size: product(shape) }));
    return (await Promise.all(calls.map(stage => textsOfCall(stage, profile)))).flat();
  }
  const variant = pick(kernel, params, profile);
  const bound = Object.keys(kernel.bindings).filter(name => name in tensors);
  const wgsl = laidOut(await source(kernel, variant, params, profile, bound));
  return [{ kernel: kernel.name, variant: variant.name, workgroups: variant.grid(params, profile), wgsl }];
}
