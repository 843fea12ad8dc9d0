/**
 * `npm run bench:offline -- [pattern] [--write]`: compiles the tiled products of calls whose labels match for GPUs that are not there, by the
 * compilers that this machine has, and tables what their inner loops issue. With --write the figures become those of mixes.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { percent, table } from '../cli/output.ts';
import { compileForAmd, missingForAmd } from '../bench/offline/amd.ts';
import { mixOf, type Maker, type Mix } from '../bench/offline/mix.ts';
import { compileForNvidia, missingForNvidia } from '../bench/offline/nvidia.ts';

const FILE = new URL('../bench/offline/mixes.json', import.meta.url);
const MAKERS = [
  {
    maker: 'amd',
    what: 'AMD, RDNA3 (navi31), Mesa RADV',
    missing: missingForAmd,
    compile: (calls: RegExp) => compileForAmd(calls, 'navi31'),
  },
  {
    maker: 'nvidia',
    what: 'NVIDIA, sm_90, NVRTC',
    missing: missingForNvidia,
    compile: (calls: RegExp) => compileForNvidia(calls, 'sm_90'),
  },
] as const;
const HEAD = ['call', 'variant', 'multiply-adds', 'in mixes.json', 'branches', 'registers', 'spilled', 'shared bytes'];

try {
  const { values, positionals } = parseArgs({ options: { write: { type: 'boolean' } }, allowPositionals: true });
  const calls = new RegExp(positionals[0] ?? '');
  const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<Maker, Mix[]>;
  for (const { maker, what, missing, compile } of MAKERS) {
    const lacks = missing();
    if (lacks) {
      console.log(`\n${what}: left out, since this machine has no ${lacks}`);
      continue;
    }
    const mixes = (await compile(calls)).map(c => mixOf(c, maker));
    if (!mixes.length) throw new Error(`no label of a call matches '${calls.source}'; leave it out to see them all`);
    const kept = (m: Mix) => known[maker].find(k => k.label === m.label && k.variant === m.variant);
    const cells = mixes.map(m => {
      const before = kept(m);
      const counts = [m.branches, m.registers, m.spilled, m.shared].map(String);
      return [m.label, m.variant, percent(m.share), before ? percent(before.share) : '', ...counts];
    });
    console.log(`\n${what}\n${table([HEAD, ...cells])}`);
    known[maker] = [...known[maker].filter(k => !mixes.some(m => m.label === k.label)), ...mixes];
  }
  if (values.write) {
    const lines = (mixes: readonly Mix[]) => `[\n${mixes.map(m => `    ${JSON.stringify(m)}`).join(',\n')}\n  ]`;
    writeFileSync(FILE, `{\n  "amd": ${lines(known.amd)},\n  "nvidia": ${lines(known.nvidia)}\n}\n`);
  }
} catch (error) {
  const { code, name, message } = error as Error & { readonly code?: string };
  const isUsage = code?.startsWith('ERR_PARSE_ARGS') || name === 'SyntaxError';
  console.error(isUsage ? `${message.split('. ')[0]}; give a pattern of labels, --write or nothing` : message);
  process.exitCode = 1;
}
