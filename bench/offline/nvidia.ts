/**
 * Machine code for NVIDIA's GPUs without such a GPU: WGSL by way of CUDA C++ and NVRTC, whose back end is also that of NVIDIA's Vulkan
 * driver; that driver adds checks of bounds, a few percent more.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_PROFILE, fitting } from '../../shaders/kernel/kernel.ts';
import { source } from '../../shaders/kernel/source.ts';
import { tileOf } from '../../shaders/product/tiled.ts';
import { casesFor } from './cases.ts';
import { cudaOf } from './cuda.ts';
import type { Class, Compiled, Instruction, Listing } from './loops.ts';

/** Where libnvrtc.so.12 and nvdisasm are. */
const FOLDER = process.env.NVRTC ?? '/usr/lib/x86_64-linux-gnu';
const NVDISASM = process.env.NVDISASM ?? 'nvdisasm';

const LIBRARY = join(FOLDER, 'libnvrtc.so.12');

/** What is missing on this machine to compile for NVIDIA; undefined where all is there. */
export function missingForNvidia(): string | undefined {
  if (!existsSync(LIBRARY)) return 'NVRTC 12 (libnvrtc.so.12 in the folder that NVRTC names)';
  return spawnSync(NVDISASM, ['-V']).status === 0 ? undefined : 'nvdisasm (on the PATH, or named by NVDISASM)';
}

/** By the first part of an instruction's name. */
const CLASSES: readonly [RegExp, Class][] = [
  [/^(FFMA|FFMA32I|HFMA2)$/, 'fma'],
  [/^(LDS|STS)$/, 'local'],
  [/^(LDG|STG|LDL|STL)$/, 'global'],
  [/^(BRA|BSSY|BSYNC|BREAK|EXIT|WARPSYNC|CALL|RET)$/, 'branch'],
  [/^BAR$/, 'barrier'],
  [/^NOP$/, 'hint'],
  [/^(U\w+|LDC|S2R)$/, 'scalar'],
];

/** A listing of nvdisasm: labels such as `.L_x_1:`, instructions behind their addresses, perhaps under a predicate. */
export function readSass(text: string): Listing {
  const instructions: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const line of text.split('\n')) {
    const label = /^(\.L_x_\d+):/.exec(line.trim())?.[1];
    if (label) labels.set(label, instructions.length);
    const [, name, rest] = /^\s*\/\*[0-9a-f]{4,}\*\/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)\s*(.*?);/.exec(line) ?? [];
    if (!name) continue;
    const first = name.split('.')[0]!;
    const target = first === 'BRA' ? /`\((\.L_x_\d+)\)/.exec(rest!)?.[1] : undefined;
    instructions.push({ class: CLASSES.find(([pattern]) => pattern.test(first))?.[1] ?? 'vector', ...(target && { target }) });
  }
  return { instructions, labels };
}

/** NVRTC, as far as it takes to make machine code of a text. Throws what the compiler says where it fails. */
function compiler() {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi').default;
  const builtins = readdirSync(FOLDER).find(name => name.startsWith('libnvrtc-builtins.so.12')); // NVRTC looks for it where it is not
  if (builtins) koffi.load(join(FOLDER, builtins), { global: true });
  const library = koffi.load(LIBRARY);
  const create = library.func(
    'int nvrtcCreateProgram(_Out_ void **program, const char *text, const char *name, int n, void *headers, void *names)',
  );
  const compile = library.func('int nvrtcCompileProgram(void *program, int n, const char **options)');
  const sizeOf = (what: string) => library.func(`int nvrtcGet${what}Size(void *program, _Out_ size_t *size)`);
  const read = (what: string) => library.func(`int nvrtcGet${what}(void *program, _Out_ uint8_t *bytes)`);
  const [logSize, log, codeSize, code] = [sizeOf('ProgramLog'), read('ProgramLog'), sizeOf('CUBIN'), read('CUBIN')];
  const bytesOf = (program: unknown, size: typeof logSize, get: typeof log): Buffer => {
    const n: [number] = [0];
    size(program, n);
    const bytes = Buffer.alloc(Number(n[0]));
    get(program, bytes);
    return bytes;
  };
  return (text: string, architecture: string) => {
    const made: [unknown] = [null];
    create(made, text, null, 0, null, null);
    const options = [`-arch=${architecture}`, '-std=c++17', '-Xptxas=-v'];
    const status = compile(made[0], options.length, options);
    const said = bytesOf(made[0], logSize, log).toString();
    if (status !== 0) throw new Error(`NVRTC: ${said.split('\n')[0]}`);
    return { said, code: bytesOf(made[0], codeSize, code) };
  };
}

/** Compiles the cases whose labels match for an architecture such as `sm_90`, where nothing is missing. */
export async function compileForNvidia(labels: RegExp, architecture: string): Promise<Compiled[]> {
  const compile = compiler();
  const profile = { ...DEFAULT_PROFILE, subgroups: true, f16: true, maxWorkgroup: 1024, maxBinding: 2 ** 32 - 4, maxWorkgroupBytes: 32768 };
  const folder = mkdtempSync(join(tmpdir(), 'descent-offline-'));
  try {
    const compiled: Compiled[] = [];
    for (const { label, kernel, params, bound } of casesFor(profile).filter(c => labels.test(c.label))) {
      for (const v of fitting(kernel, params, profile).filter(v => tileOf(v.name))) {
        const { said, code } = compile(cudaOf(await source(kernel, v, params, profile, bound)), architecture);
        const cubin = join(folder, 'kernel.cubin');
        writeFileSync(cubin, code);
        const text = spawnSync(NVDISASM, ['-c', cubin], { encoding: 'utf8', maxBuffer: 2 ** 28 }).stdout;
        const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1] ?? 0);
        compiled.push({
          label,
          variant: v.name,
          listing: readSass(text),
          registers: number(/Used (\d+) registers/),
          spilled: number(/(\d+) bytes spill stores/) / 4,
          shared: number(/(\d+) bytes smem/),
        });
      }
    }
    return compiled;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
