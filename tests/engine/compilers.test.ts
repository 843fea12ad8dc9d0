/** Who compiles what: devices that are driven by hand, and one that compiles. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { layoutOf, type Compiled } from '../../engine/compiled.ts';
import { compilersOn } from '../../engine/compilers.ts';
import { openDevice } from '../../engine/open.ts';
import { usePlatform } from '../../engine/platform.ts';
import { nodePlatform } from '../../train/run/node/platform.ts';
import { deviceFor } from '../support/check.ts';

const test = suite('compilers');

/** A device that notes which pipelines it is given, and is done with one when `finish` is called. */
function scripted(gpu: GPUDevice) {
  const compiled: GPUObjectBase[] = [];
  const waits: (() => void)[] = [];
  const pass = { setPipeline: (p: GPUObjectBase) => compiled.push(p), setBindGroup() {}, dispatchWorkgroupsIndirect() {}, end() {} };
  const device = {
    limits: gpu.limits,
    createBuffer: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createBindGroup: () => ({}),
    createShaderModule: ({ label }: GPUObjectBase) => ({ label }),
    createComputePipelineAsync: async ({ label }: GPUObjectBase) => ({ label }),
    createCommandEncoder: () => ({ beginComputePass: () => pass, finish: () => ({}) }),
    queue: { submit() {}, onSubmittedWorkDone: () => new Promise<void>(done => waits.push(done)) },
    destroyed: false,
    destroy() {
      this.destroyed = true;
    },
  };
  return { device, compiled: () => compiled.map(p => p.label), finish: () => waits.shift()!() };
}

const text = (label: string, length: number) => ({ label, code: ' '.repeat(length), types: [] });
const madeOf = (label: string) => ({ pipeline: { label }, layout: {} }) as unknown as Compiled;
const later = (ms = 5) => new Promise(done => setTimeout(done, ms));
const asGpu = (device: object) => device as GPUDevice;

test('another device takes a share where the first takes long, the longest texts first, and each text is compiled once', async () => {
  const { gpu } = await deviceFor();
  const first = scripted(gpu);
  const second = scripted(gpu);
  let opened = 0;
  const compilers = compilersOn(asGpu(first.device), 1, async () => {
    opened++;
    return asGpu(second.device);
  });
  const all = ['a', 'b', 'c', 'd'].map((label, i) => compilers.compile(text(label, [10, 20, 40, 30][i]!), madeOf(label)));
  await later();
  assert.equal([first.compiled(), second.compiled(), opened], [['a'], [], 0]);
  await later(100);
  assert.equal([first.compiled(), second.compiled(), opened], [['a'], ['c'], 1]);
  second.finish();
  await later();
  assert.equal(second.compiled(), ['c', 'd']);
  first.finish();
  await later();
  assert.equal(first.compiled(), ['a', 'b']);
  first.finish();
  second.finish();
  await Promise.all(all);
  compilers.close();
  await later();
  assert.ok(second.device.destroyed);
});

test('no other device is opened where the driver has all in its cache, nor after the end; one that does not open is done without', async () => {
  const { gpu } = await deviceFor();
  const first = scripted(gpu);
  let opened = 0;
  const compilers = compilersOn(asGpu(first.device), 3, async () => {
    opened++;
    throw new Error('no more devices');
  });
  const quick = compilers.compile(text('a', 1), madeOf('a'));
  first.finish();
  await quick;
  await later(100);
  assert.is(opened, 0);
  const slow = [compilers.compile(text('b', 1), madeOf('b')), compilers.compile(text('c', 1), madeOf('c'))];
  await later(100);
  assert.is(opened, 3);
  first.finish();
  await later();
  first.finish();
  await Promise.all(slow);
  assert.equal(first.compiled(), ['a', 'b', 'c']);

  const closed = compilersOn(asGpu(first.device), 1, async () => asGpu(scripted(gpu).device));
  void closed.compile(text('d', 1), madeOf('d'));
  closed.close();
  await later(100);
  assert.equal(first.compiled(), ['a', 'b', 'c', 'd']);
});

test('a pipeline of any bindings is dispatched on no workgroups, which writes nothing', async () => {
  const { gpu } = await deviceFor();
  const types = ['storage', 'read-only-storage', 'storage', 'uniform'] as const;
  const code = `
@group(0) @binding(0) var<storage, read_write> y : array<vec4f>;
@group(0) @binding(1) var<storage, read> x : array<vec4f>;
@group(0) @binding(2) var<storage, read_write> z : array<f32>;
@group(0) @binding(3) var<uniform> op : vec4u;
@compute @workgroup_size(1) fn main() { for (var i = 0u; i <= op.x; i += op.y) { y[i] = x[i]; z[i] = x[i].x; } }`;
  const layout = layoutOf(gpu, types);
  const module = gpu.createShaderModule({ code });
  gpu.pushErrorScope('validation');
  const pipeline = gpu.createComputePipeline({ layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }), compute: { module } });
  const compilers = compilersOn(gpu, 0, () => Promise.reject(new Error('none was asked for')));
  await compilers.compile({ label: 'any', code, types }, { pipeline, layout }); // with a workgroup its loop would not end
  assert.is(await gpu.popErrorScope(), null);
});

test('devices of lavapipe have it under Node alone', async () => {
  usePlatform(nodePlatform);
  const device = await openDevice({ tune: false });
  assert.is(device.compilers !== undefined, /llvmpipe/.test(device.report.description) && nodePlatform.cores > 1);
  device.close();
  usePlatform({ ...nodePlatform, cores: 1 });
  const alone = await openDevice({ tune: false });
  assert.is(alone.compilers, undefined);
  alone.close();
});

test.after(() => usePlatform(nodePlatform));
test.run();
