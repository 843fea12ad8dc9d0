/** The WGSL shown in comments of shaders/, and in docs/kernels.md, is what the code makes. */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { conv, convBackwardInput, convBackwardWeight } from '../../shaders/conv/conv.ts';
import type { Conv } from '../../shaders/conv/shape.ts';
import { DEFAULT_PROFILE, fitting, type Kernel, type Profile } from '../../shaders/kernel/kernel.ts';
import { elementwise } from '../../shaders/kernel/elementwise.ts';
import { source } from '../../shaders/kernel/source.ts';
import { winogradInput } from '../../shaders/conv/winograd/kernels.ts';
import { dropElements } from '../../shaders/move/noise.ts';
import { moments } from '../../shaders/norm/moments.ts';
import { channelSum } from '../../shaders/norm/reduce.ts';
import { planeMean } from '../../shaders/pool/plane-mean.ts';
import { poolForward } from '../../shaders/pool/pool.ts';
import { matmul } from '../../shaders/product/matmul.ts';
import { fusedUpdate } from '../../shaders/update/update.ts';
import { adam } from '../../optim/adaptive.ts';

const test = suite('samples');

const matrices: Profile['matrices'] = [{ type: 'f32', m: 8, n: 8, k: 8, subgroup: 32, largest: 32 }];
const small: Conv = { n: 8, c: 1, h: 4, w: 4, o: 1, oh: 4, ow: 4, k: [3, 3], stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 };

/** What a sample is made from. */
type Made = readonly [Kernel<any>, variant: string, params: object];

/** Those of each file, in its order. */
const SAMPLES: Readonly<Record<string, readonly Made[]>> = {
  'conv/lanes-code/forward.ts': [[conv, 'lanes shuffle', { ...small, c: 4, o: 4, h: 1, oh: 1 }]],
  'conv/lanes-code/input.ts': [[convBackwardInput, 'lanes vec4', { ...small, h: 2, w: 8, oh: 1, stride: [2, 2] }]],
  'conv/lanes-code/products.ts': [[conv, 'lanes 1x1 x4 y4', { ...small, c: 24, o: 4, k: [1, 1], pad: [0, 0] }]],
  'conv/lanes-code/images.ts': [[conv, 'lanes images', { ...small, h: 2, w: 2, pad: [2, 2] }]],
  'conv/lanes-code/columns.ts': [[convBackwardWeight, 'lanes columns vec4', { ...small, k: [2, 2], split: 1 }]],
  'conv/lanes-code/pixels.ts': [[convBackwardWeight, 'lanes pixels', { ...small, split: 1 }]],
  'conv/lanes-code/1x1.ts': [[convBackwardWeight, 'lanes 1x1 vec4', { ...small, k: [1, 1], pad: [0, 0], split: 1 }]],
  'conv/lanes-code/planes.ts': [
    [conv, 'lanes planes whole', { ...small, c: 8, o: 8, groups: 8, h: 2, w: 2, oh: 2, ow: 2 }],
    [conv, 'lanes planes vec4', { ...small, c: 8, o: 8, groups: 8, h: 12, w: 12, oh: 12, ow: 12 }],
  ],
  'conv/lanes-code/image.ts': [[convBackwardWeight, 'lanes image vec4', { ...small, c: 8, h: 2, w: 2, oh: 2, ow: 2, split: 1 }]],
  'conv/lanes-code/3x3.ts': [[convBackwardWeight, 'lanes rows vec4', { ...small, c: 8, split: 1 }]],
  'conv/lanes-code/channels.ts': [[convBackwardWeight, 'lanes channels vec4', { ...small, c: 8, w: 12, ow: 12, split: 1 }]],
  'conv/lanes-code/filters.ts': [[convBackwardWeight, 'lanes filters', { ...small, c: 2, o: 8, w: 2, ow: 2, split: 1 }]],
  'pool/lanes-code.ts': [
    [poolForward, 'lanes', { max: true, planes: 8, h: 8, w: 8, oh: 8, ow: 8, k: [3, 3], stride: [1, 1], pad: [1, 1] }],
  ],
  'product/lanes-code.ts': [[matmul, 'lanes a4 b4 y4', { m: 4, n: 32, k: 8 }]],
  'product/matrix-code.ts': [[matmul, 'matrix 64x64', { m: 64, n: 64, k: 64 }]],
  'product/stage.ts': [[matmul, 'tiled 64x64', { m: 64, n: 64, k: 16 }]],
  'product/tiled-code.ts': [
    [matmul, 'tiled 16x16 / 16', { m: 16, n: 16, k: 128 }],
    [conv, 'tiled 64x64', { ...small, o: 64, recorded: { of: 'moments', columns: 64 } }],
  ],
};

const large = { m: 1024, n: 1024, k: 1024 };
const channels = { n: 32, c: 64, hw: 1024 };
const tiles = { m: 2, first: 0, tiles: 32, down: 4, across: 4, columns: 32, c: 64, h: 8, w: 8, top: 1, left: 1 };
const added = [{ f: 'max(v, zero)' }, { f: 'v + a', operand: 'e0' }];
const update = fusedUpdate({
  name: 'adam',
  arrays: { w: 'write', g: 'read', m: 'write', v: 'write' },
  fields: ['rate'],
  body: adam.update,
});

/** Those of the guide. */
const GUIDE: readonly Made[] = [
  [planeMean, 'vec4', { planes: 640, size: 64 }],
  [matmul, 'plain', large],
  [matmul, 'tiled 64x64', large],
  [matmul, 'tiled 128x128', { m: 1000, n: 1024, k: 1020 }],
  [matmul, 'lanes a4 b4 y4', { m: 512, n: 512, k: 512 }],
  [conv, 'tiled 64x64', { ...small, c: 64, h: 32, w: 32, o: 64, oh: 32, ow: 32 }],
  [winogradInput, 'plain', tiles],
  [moments, 'vec4', { ...channels, split: 8 }],
  [channelSum, 'tree', { ...channels, gradient: 'first' }],
  [matmul, 'tiled 64x64', { ...large, epilogue: added }],
  [elementwise, 'plain', dropElements(4096, 0.5, 3, 2)],
  [update, 'plain', { n: 4096, page: 0 }],
];

/** A line that ends in … is the beginning of one, … alone stands for any number of lines. */
function shows(sample: string, wgsl: string): string | undefined {
  const lines = wgsl.split('\n').map(line => line.trim());
  let at = 0;
  let anywhere = true;
  for (const line of sample.split('\n').map(line => line.replace(/^ \* ?/, '').trim())) {
    const [whole, more] = line.endsWith('…') ? [line.slice(0, -1).trim(), true] : [line, false];
    if (!whole) {
      anywhere = true;
      continue;
    }
    const is = (other: string) => (more ? other.startsWith(whole) : other === whole);
    const next = anywhere ? lines.findIndex((other, i) => i >= at && is(other)) : is(lines[at] ?? '') ? at : -1;
    if (next < 0) return `'${line}' is not made; in its place stands '${lines[at]}'`;
    at = next + 1;
    anywhere = false;
  }
  return undefined;
}

/** The WGSL of a call by one variant, without empty lines. */
async function made([kernel, name, params]: Made): Promise<string> {
  const d = { ...DEFAULT_PROFILE, lanes: name.startsWith('lanes') ? 8 : 0, subgroups: true, matrices };
  const variant = fitting(kernel, params, d).find(v => v.name === name);
  assert.ok(variant, `${name} does not fit its sample`);
  return (await source(kernel, variant, params, d, Object.keys(kernel.bindings))).replace(/\n\s*\n/g, '\n');
}

for (const file of readdirSync('shaders', { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.ts')) continue;
  const samples = [...readFileSync(`shaders/${file}`, 'utf8').matchAll(/ \* ```wgsl\n(.*?)\n \* ```/gs)].map(m => m[1]!);
  if (!samples.length && !SAMPLES[file]) continue;
  test(file, async () => {
    assert.is(samples.length, SAMPLES[file]?.length, 'samples, and calls to make them from');
    for (const [i, call] of SAMPLES[file]!.entries())
      assert.is(shows(samples[i]!, await made(call)), undefined, `${call[0].name}, ${call[1]}`);
  });
}

test('the guide', async () => {
  const guide = readFileSync('docs/kernels.md', 'utf8');
  const samples = [...guide.matchAll(/```wgsl\n(.*?)\n```/gs)].map(m => m[1]!);
  assert.is(samples.length, GUIDE.length, 'samples, and calls to make them from');
  for (const [i, call] of GUIDE.entries()) assert.is(shows(samples[i]!, await made(call)), undefined, `${call[0].name}, ${call[1]}`);
  const [, kernel] = /```ts\n(.*?)\n```/s.exec(guide)!;
  assert.ok(readFileSync('shaders/pool/plane-mean.ts', 'utf8').includes(kernel!), 'the kernel shown is in its file');
});

test.run();
