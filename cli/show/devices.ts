/** `descent devices`. */
import type { SubgroupMatrixConfig } from '../../engine/adapter.ts';
import { listAdapters } from '../../engine/node/adapters.ts';
import { check } from '../../engine/check.ts';
import { print } from '../output.ts';

export interface DevicesOptions {
  json?: boolean;
  quiet?: boolean;
}

export async function devices(options: DevicesOptions): Promise<void> {
  const adapters = await listAdapters();
  check(
    adapters.length || options.json,
    'devices: no adapter was found',
    'install a Vulkan driver (on Debian and Ubuntu: apt-get install mesa-vulkan-drivers)',
  );
  for (const [i, { adapter: _, ...a }] of adapters.entries()) {
    if (options.json) print(JSON.stringify({ index: i, ...a }));
    else if (options.quiet) print(a.name);
    else {
      print(`${i ? '\n' : ''}${i}  ${a.name}  (${a.kind}, ${a.backend})${i ? '' : '  taken by default'}`);
      print(`  ${a.description}`);
      print(`  features: ${a.features.join(', ') || 'none'}`);
      print(`  limits: ${describeLimits(a.limits)}`);
      if (a.subgroups) print(`  subgroups of ${[...new Set(a.subgroups)].join(' to ')} threads; ${describeMatrices(a.matrices)}`);
    }
  }
}

/** The limits that decide which models fit; --json has all. */
const LIMITS: readonly [key: string, name: string, mib: boolean][] = [
  ['maxBufferSize', 'buffer', true],
  ['maxStorageBufferBindingSize', 'storage binding', true],
  ['maxStorageBuffersPerShaderStage', 'storage buffers', false],
  ['maxComputeInvocationsPerWorkgroup', 'invocations', false],
  ['maxComputeWorkgroupStorageSize', 'workgroup bytes', false],
];

function describeLimits(limits: Readonly<Record<string, number>>): string {
  const known = LIMITS.filter(([key]) => limits[key] !== undefined);
  return known.map(([key, name, mib]) => `${name} ${mib ? `${Math.round(limits[key]! / 2 ** 20)} MiB` : limits[key]}`).join(', ');
}

/** `matrix units: f16 16x16x16 to f32`: m, n and k of a product, the type of its operands and that of its sums. */
function describeMatrices(matrices: readonly SubgroupMatrixConfig[]): string {
  const each = matrices.map(({ componentType: from, resultComponentType: to, M, N, K }) => `${from} ${M}x${N}x${K} to ${to}`);
  return each.length ? `matrix units: ${each.join(', ')}` : 'no matrix units';
}
