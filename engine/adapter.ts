/** What an adapter is and offers. */
import type { MatrixConfig, Profile } from '../shaders/kernel/kernel.ts';

export const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
] as const;
const MATRICES = 'chromium-experimental-subgroup-matrix' as GPUFeatureName; // not in the standard yet
const SUBGROUP_SIZES = 'subgroup-size-control' as GPUFeatureName; // nor in TypeScript's types
export const FEATURES: readonly GPUFeatureName[] = ['subgroups', SUBGROUP_SIZES, 'shader-f16', 'timestamp-query', MATRICES];

/** An adapter as users see it. */
export interface AdapterReport {
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly software: boolean;
}

export function reportOf({ info }: GPUAdapter): AdapterReport {
  const { description, vendor, architecture } = info;
  const named = description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  return { description: named, vendor, architecture, software: isSoftware(info) };
}

/** Subgroup sizes for which the lanes variants are written. */
const LANES: readonly number[] = [4, 8, 16];

/** What kernels may know of an adapter. A software adapter of fixed subgroup size takes the lanes variants. */
export function profileOf(adapter: GPUAdapter, device: GPUDevice): Profile {
  const { info } = adapter;
  const subgroups = device.features.has('subgroups');
  const fixed = info.subgroupMinSize === info.subgroupMaxSize;
  return {
    lanes: isSoftware(info) && subgroups && fixed && LANES.includes(info.subgroupMinSize) ? info.subgroupMinSize : 0,
    subgroups,
    f16: device.features.has('shader-f16'),
    ...(device.features.has(MATRICES) && (fixed || device.features.has(SUBGROUP_SIZES)) && { matrices: matricesOf(info) }),
    maxWorkgroup: Math.min(device.limits.maxComputeInvocationsPerWorkgroup, device.limits.maxComputeWorkgroupSizeX),
    maxWorkgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    maxBindings: device.limits.maxStorageBuffersPerShaderStage,
    maxBinding: device.limits.maxStorageBufferBindingSize,
  };
}

/** What Dawn adds to GPUAdapterInfo where it knows of matrix units. */
export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** The products of an adapter's matrix units that sum in f32. Where subgroups differ in size, its smallest are those that the units are made for. */
function matricesOf(info: GPUAdapterInfo): MatrixConfig[] {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };
  return [...subgroupMatrixConfigs].flatMap(({ componentType: type, resultComponentType, M: m, N: n, K: k }) => {
    const usable = resultComponentType === 'f32' && (type === 'f16' || type === 'f32');
    const { subgroupMinSize: subgroup, subgroupMaxSize: largest } = info;
    return usable ? [{ type, m, n, k, subgroup, largest }] : [];
  });
}

export type Kind = 'hardware' | 'lavapipe' | 'swiftshader' | 'software';

/** lavapipe, SwiftShader and WARP name themselves; browsers hide the description but say whether it is a fallback. */
export function kindOf({ description, isFallbackAdapter, architecture, device }: GPUAdapterInfo): Kind {
  const text = `${description} ${architecture} ${device}`;
  if (/llvmpipe/i.test(text)) return 'lavapipe';
  if (/swiftshader/i.test(text)) return 'swiftshader';
  return isFallbackAdapter || /basic render/i.test(text) ? 'software' : 'hardware';
}

const isSoftware = (info: GPUAdapterInfo): boolean => kindOf(info) !== 'hardware';
