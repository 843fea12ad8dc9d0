/**
 * Products by subgroup matrices, which no adapter here has: Dawn's null backend, which has the feature and computes nothing, checks the
 * WGSL, and with the matrix functions written out in WGSL the rest of the kernel is run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { create, globals } from 'webgpu';
import { Device } from '../../engine/device.ts';
import { fitting, type Kernel, type MatrixConfig } from '../../shaders/kernel/kernel.ts';
import type { CallRow } from '../../shaders/kernel/row.ts';
import { calls } from '../../shaders/calls.ts';
import { close, deviceFor } from '../support/check.ts';
import { runCall } from '../support/variants.ts';

const test = suite('matrix');
const products = calls.filter(c => c.kernel.variants.some(v => v.name === 'matrix 64x64'));
const nameOf = ({ kernel, why }: CallRow) => `${kernel.name}, ${why}`;
const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
Object.assign(globalThis, globals, { descentKeepsNull: gpu }); // see engine/node/adapters.ts

/** The backend's subgroups have 4 to 128 threads. */
const LARGEST = 128;
const configs: readonly [MatrixConfig, tile: string][] = [
  [{ type: 'f32', m: 8, n: 8, k: 8, subgroup: 32, largest: LARGEST }, 'matrix 64x64'],
  [{ type: 'f16', m: 16, n: 16, k: 16, subgroup: 32, largest: LARGEST }, 'matrix 128x128'],
  [{ type: 'f16', m: 8, n: 16, k: 16, subgroup: 16, largest: LARGEST }, 'matrix 64x128'],
  [{ type: 'f16', m: 8, n: 8, k: 16, subgroup: 8, largest: LARGEST }, 'matrix 128x128'],
];

for (const [config, tile] of configs) {
  test(`${config.type} ${config.m}x${config.n}x${config.k}, ${config.subgroup} threads, is valid WGSL for every product of ${tile}`, async () => {
    const adapter = (await gpu.requestAdapter())!;
    const device = await Device.open(adapter, { lanes: 0, half: config.type === 'f16', matrices: [config], prefer: { '*': tile } });
    const compiled = new Set<string>();
    for (const { kernel, params, tensors } of products) {
      if (!fitting(kernel, params, device.profile).length) continue; // it records more columns than this adapter's tiles have
      const given = tensors(params);
      const bound = Object.keys(kernel.bindings).filter(name => name in given);
      const { variant } = await device.pipeline(kernel, params, bound);
      if (variant.name === tile) compiled.add(kernel.name);
    }
    assert.is(compiled.size, 4);
    device.close();
  });
}

/**
 * The kernel with the matrix functions in plain WGSL: a thread has a row of sums, and left and right matrices stay where they lie in the
 * stage. For matrices of as many rows as threads; large ones, since a software adapter takes minutes to compile many barriers.
 */
function emulated(kernel: Kernel<any>, { type, m, n, k }: MatrixConfig): Kernel<any> {
  const fours = Array.from({ length: n / 4 }, (_, i) => i);
  const helpers = `
var<private> emulatedRow : u32;
struct Place { start : u32, stride : u32 }
struct Sums { ${fours.map(i => `v${i} : vec4f`).join(', ')} }
fn four(at : u32, stride : u32) -> vec4f {
  return vec4f(f32(stage[at]), f32(stage[at + stride]), f32(stage[at + 2u * stride]), f32(stage[at + 3u * stride]));
}
fn multiplied(left : Place, right : Place, before : Sums) -> Sums {
  var s = before;
  for (var e = 0u; e < ${k}u; e++) {
    let x = f32(stage[left.start + emulatedRow * left.stride + e]);
    ${fours.map(i => `s.v${i} += x * four(right.start + ${4 * i}u * right.stride + e, right.stride);`).join(' ')}
  }
  return s;
}
fn stored(start : u32, s : Sums, stride : u32) {
  let at = start + emulatedRow * stride;
  ${fours.map(i => [0, 1, 2, 3].map(e => `sums[at + ${4 * i + e}u] = s.v${i}[${e}];`).join(' ')).join('\n  ')}
}
`;
  const size = (columns: number, rows: number) => (_: string, c: string, r: string) => {
    assert.equal([Number(c), Number(r)], [columns, rows]);
    return 'Place(';
  };
  return {
    ...kernel,
    variants: kernel.variants.map(v =>
      !v.name.startsWith('matrix')
        ? v
        : {
            ...v,
            needs: type === 'f16' ? ['f16'] : [],
            code: async (p, d) =>
              helpers +
              (await v.code(p, d))
                .replace('batch = product', `emulatedRow = index % ${m}u; batch = product`)
                .replaceAll(`subgroup_matrix_result<f32, ${n}, ${m}>`, 'Sums')
                .replaceAll(/subgroupMatrixLoad<subgroup_matrix_left<f\d\d, (\d+), (\d+)>, row_major>\(&stage, /g, size(k, m))
                .replaceAll(/subgroupMatrixLoad<subgroup_matrix_right<f\d\d, (\d+), (\d+)>, col_major>\(&stage, /g, size(n, k))
                .replaceAll('subgroupMatrixMultiplyAccumulate', 'multiplied')
                .replaceAll('subgroupMatrixStore<row_major>(&sums, ', 'stored('),
          },
    ),
  };
}

const emulations: readonly [MatrixConfig, tile: string, calls: readonly string[]][] = [
  [
    { type: 'f32', m: 16, n: 32, k: 16, subgroup: 16, largest: 16 },
    'matrix 64x64',
    ['matmul, nothing divides', 'matmul, all four at a time, bias and residual', 'conv, 3x3', 'conv_backward_weight, in slices, 8x8'],
  ],
  [{ type: 'f16', m: 32, n: 16, k: 16, subgroup: 32, largest: 32 }, 'matrix 64x64', ['conv, 3x3']],
  [{ type: 'f16', m: 16, n: 32, k: 16, subgroup: 16, largest: 16 }, 'matrix 128x128', ['matmul, nothing divides']],
];
for (const [config, tile, names] of emulations) {
  for (const call of products.filter(call => names.includes(nameOf(call)))) {
    test(`${tile} of ${config.type} ${config.m}x${config.n}x${config.k}, ${nameOf(call)}`, async () => {
      const device = (await deviceFor('gpu')).withProfile({ half: config.type === 'f16', matrices: [config] });
      const got = await runCall(device, { ...call, kernel: emulated(call.kernel, config) }, tile);
      const want = await runCall(device, call, 'plain');
      for (const [name, values] of Object.entries(got)) close(name, values, want[name]!, config.type === 'f16' ? 2e-3 : 1e-5);
    });
  }
}

test.run();
