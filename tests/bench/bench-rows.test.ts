/** `descent bench kernels`: its rows name calls that exist. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { create, globals } from 'webgpu';
import { benchKernels, type KernelResult } from '../../bench/kernels.ts';
import { rows } from '../../bench/rows.ts';
import { Device } from '../../engine/device.ts';
import { DEFAULT_PROFILE, fitting } from '../../shaders/kernel/kernel.ts';
import { source } from '../../shaders/kernel/source.ts';
import { withDevices } from '../support/changed-devices.ts';
import { called } from '../support/process/called.ts';
import { words } from '../support/process/command.ts';

const test = suite('bench rows');

for (const lanes of [8, 0]) {
  const profile = { ...DEFAULT_PROFILE, lanes, subgroups: true };
  test(`each row binds what its kernel needs, and every variant has its code, ${lanes ? 'on a software adapter' : 'on a GPU'}`, async () => {
    for (const { kernel, params, label, tensors } of rows(profile)) {
      const bound = Object.keys(kernel.bindings).filter(name => name in tensors);
      const what = `${kernel.name} ${label}`;
      for (const name of Object.keys(tensors)) assert.ok(name in kernel.bindings, `${what}: no binding ${name}`);
      for (const [name, access] of Object.entries(kernel.bindings)) {
        assert.ok(access.endsWith('?') || name in tensors, `${what}: ${name} is not bound`);
      }
      const variants = fitting(kernel, params, profile);
      assert.ok(variants.length, what);
      for (const v of variants) assert.match(await source(kernel, v, params, profile, bound), /fn main/, what);
    }
  });
}

test('with activations in f16 it times the variants for these too, on half the bytes', async () => {
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']); // checks all, and computes nothing
  Object.assign(globalThis, globals, { descentKeepsNull: gpu }); // see engine/node/adapters.ts
  const matrices = [{ type: 'f16', m: 16, n: 16, k: 16, subgroup: 32, largest: 32 }] as const;
  const device = await Device.open((await gpu.requestAdapter())!, { lanes: 0, matrices });
  const ceiling = { gbPerSecond: 1, gflopPerSecond: 1, avx2: undefined };
  const [whole, halved] = await Promise.all(
    [false, true].map(half => benchKernels(device, ceiling, { filter: 'matmul 64x120x400', all: true, half, rounds: 1, target: 1 })),
  );
  device.close();
  assert.ok(whole!.every(({ variant }) => !/f16|matrix/.test(variant)));
  for (const name of ['tiled f16 64x64', 'tiled 64x64', 'matrix 64x64', 'plain']) {
    const found = halved!.find(r => r.variant === name);
    assert.ok(found, name);
    const bytes = ({ gbs, ms }: KernelResult) => Math.round(gbs * ms * 1e6);
    assert.is(bytes(found), bytes(whole!.find(r => r.variant === 'plain')!) / 2, name);
  }
});

test('a device that is lost ends it with the kernel that was timed, and with what was timed before', async () => {
  let timed = 0;
  const change = (gpu: GPUDevice) => {
    const queries = gpu.createQuerySet.bind(gpu);
    gpu.createQuerySet = what => {
      if (++timed === 3) gpu.destroy(); // one each for the ceiling and for each variant
      return queries(what);
    };
  };
  const args = words('bench kernels --filter channel_sum --variants --json');
  const { out, refusal } = await withDevices(change, () => called(args, '.'));
  assert.match(refusal, /^device lost on .+ while channel_sum \(.+\) was timed for channel sum$/);
  assert.is((JSON.parse(out) as { kernels: object[] }).kernels.length, 1);
});

test.run();
