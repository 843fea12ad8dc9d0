/** Machine code for AMD's GPUs, by Mesa's RADV and ACO, without such a GPU: the path that Dawn takes on Linux. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Class, Compiled, Instruction, Listing } from './loops.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

const LIBRARIES = ['/usr/lib/x86_64-linux-gnu/libvulkan_radeon.so', '/usr/lib64/libvulkan_radeon.so', '/usr/lib/libvulkan_radeon.so'];

/** What is missing on this machine to compile for AMD; undefined where all is there. */
export function missingForAmd(): string | undefined {
  if (!LIBRARIES.some(file => existsSync(file))) return 'RADV (mesa-vulkan-drivers)';
  return spawnSync('cc', ['-dumpversion']).status === 0 ? undefined : 'C compiler (cc)';
}

/** By what the name of an instruction begins with, the first that fits. */
const CLASSES: readonly [RegExp, Class][] = [
  [/^v_(pk_|dual_)?(fma|fmac|fmamk|fmaak|fma_mix|dot2)/, 'fma'],
  [/^v_(wmma|mfma)/, 'matrix'],
  [/^v_/, 'vector'],
  [/^ds_/, 'local'],
  [/^(buffer|global|flat|scratch)_/, 'global'],
  [/^s_wait/, 'wait'],
  [/^s_(delay|nop|clause)/, 'hint'],
  [/^s_barrier/, 'barrier'],
  [/^s_c?branch/, 'branch'],
];

const instructionOf = (name: string, target?: string): Instruction => ({
  class: CLASSES.find(([pattern]) => pattern.test(name))?.[1] ?? 'scalar',
  ...(target !== undefined && { target }),
});

/** A listing of ACO: labels such as `BB3:`, instructions with their bytes behind a semicolon, two in one line where they are issued together. */
export function readAco(text: string): Listing {
  const instructions: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const line of text.split('\n')) {
    const label = /^(BB\d+):/.exec(line)?.[1];
    if (label) labels.set(label, instructions.length);
    const code = line.replace(/;.*/, '').trim();
    if (label || !labels.size || !/^[a-z]/.test(code)) continue;
    for (const one of code.split('::')) {
      const [name, ...rest] = one.trim().split(/\s+/);
      instructions.push(instructionOf(name!, /^s_c?branch/.test(name!) ? rest.at(-1) : undefined));
    }
  }
  return { instructions, labels };
}

/** Compiles the cases whose labels match for the GPU family that RADV calls `family`, where nothing is missing. Throws what the compiler says where it fails. */
export function compileForAmd(labels: RegExp, family: string): Compiled[] {
  const library = LIBRARIES.find(file => existsSync(file))!;
  const folder = mkdtempSync(join(tmpdir(), 'descent-offline-'));
  try {
    const said = join(folder, 'radv.txt');
    const shim = join(folder, 'radv-null.so');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', here('radv-null.c'), '-o', shim, '-ldl']);
    const manifest = join(folder, 'radv-null.json');
    writeFileSync(manifest, JSON.stringify({ file_format_version: '1.0.0', ICD: { api_version: '1.4.0', library_path: shim } }));
    // of a pipe that nobody empties in time the driver's words are lost, of a file they are not
    const dump = openSync(said, 'w');
    const { status } = spawnSync(process.execPath, [...process.execArgv, here('compile.ts'), labels.source], {
      stdio: ['ignore', 'ignore', dump],
      env: {
        ...process.env,
        RADV_LIBRARY: library,
        RADV_FORCE_FAMILY: family,
        RADV_DEBUG: 'shaders,shaderstats',
        MESA_SHADER_CACHE_DISABLE: 'true',
        VK_ICD_FILENAMES: manifest,
        VK_DRIVER_FILES: manifest,
        XDG_RUNTIME_DIR: folder,
      },
    });
    closeSync(dump);
    const text = readFileSync(said, 'utf8');
    if (status !== 0) throw new Error(`RADV: ${text.trim().split('\n').slice(-3).join(' ')}`);
    return [...text.matchAll(/^@begin (.*)\n([^]*?)^@end$/gm)].map(([, head, code]) => {
      const statistic = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(code!)?.[1] ?? Number.NaN);
      const [from, to] = [code!.lastIndexOf('disasm:'), code!.lastIndexOf('*** SHADER STATS')];
      return {
        ...(JSON.parse(head!) as { label: string; variant: string }),
        listing: readAco(code!.slice(from, to)),
        registers: statistic('VGPRs'),
        spilled: statistic('Spilled VGPRs'),
        shared: statistic('LDS size'),
      };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
