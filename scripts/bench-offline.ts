/**
 * `npm run bench:offline -- [pattern] [--write]`: compiles the tiled products of calls whose labels match for GPUs that are not there, by the
 * compilers that this machine has, and tables what their inner loops issue. With --write the figures become those of mixes.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { percent, table } from '../cli/output.ts';
import { compileForAmd, radv } from '../bench/offline/amd.ts';
import { mixOf, type Maker, type Mix } from '../bench/offline/mix.ts';
import { compileForNvidia, nvrtc } from '../bench/offline/nvidia.ts';

const FILE = new URL('../bench/offline/mixes.json', import.meta.url);
const [pattern = ''] = process.argv.slice(2).filter(a => !a.startsWith('--'));
const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<Maker, Mix[]>;

const makers = [
  {
    maker: 'amd',
    what: 'AMD, RDNA3 (navi31), Mesa RADV',
    missing: radv() ? undefined : 'RADV (mesa-vulkan-drivers)',
    compile: () => compileForAmd(pattern, 'navi31'),
  },
  {
    maker: 'nvidia',
    what: 'NVIDIA, sm_90, NVRTC',
    missing: nvrtc() ? undefined : 'NVRTC 12 and nvdisasm (named by NVRTC and NVDISASM)',
    compile: () => compileForNvidia(pattern, 'sm_90'),
  },
] as const;

for (const { maker, what, missing, compile } of makers) {
  if (missing) {
    console.log(`\n${what}: left out, since this machine has no ${missing}`);
    continue;
  }
  const mixes = compile().map(c => mixOf(c, maker));
  const before = (m: Mix) => known[maker].find(k => k.label === m.label && k.variant === m.variant);
  const cells = mixes.map(m => [
    m.label,
    m.variant,
    percent(m.share),
    percent(before(m)?.share ?? Number.NaN),
    ...[m.branches, m.registers, m.spilled, m.shared].map(String),
  ]);
  console.log(
    `\n${what}\n${table([['call', 'variant', 'multiply-adds', 'in mixes.json', 'branches', 'registers', 'spilled', 'shared bytes'], ...cells])}`,
  );
  if (process.argv.includes('--write')) {
    const others = known[maker].filter(k => !mixes.some(m => m.label === k.label));
    known[maker] = [...others, ...mixes];
  }
}
if (process.argv.includes('--write')) {
  const lines = (mixes: readonly Mix[]) => `[\n${mixes.map(m => `    ${JSON.stringify(m)}`).join(',\n')}\n  ]`;
  writeFileSync(FILE, `{\n  "amd": ${lines(known.amd)},\n  "nvidia": ${lines(known.nvidia)}\n}\n`);
}
