/** Kernels and graphs of one's own: what is wrong with them is one line, and nobody else's fault. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compute, Graph, kernel, learningRate, Memory, Net, Program, rule, values } from '../../engine.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { beside, conv2d, dense, named, optimizer, residual, sequential, type Layer } from '../../index.ts';
import { range } from '../../shaders/kernel/wgsl.ts';
import { deviceFor } from '../support/check.ts';

const test = suite('own kernels');

/** What comes of work that fails: its error, on one line. */
async function saidBy(work: Promise<unknown>): Promise<string> {
  const said = await work.then(
    () => 'no error',
    (e: Error) => e.message,
  );
  assert.not.match(said, '\n');
  return said;
}

test('what the adapter cannot compile is said in one line, and the device goes on', async () => {
  const device = await deviceFor();
  const count = device.gpu.limits.maxStorageBuffersPerShaderStage + 1;
  const names = range(count).map(i => `b${i}`);
  const many = kernel({
    name: 'many',
    bindings: Object.fromEntries(names.map((name, i) => [name, i ? 'read' : 'write'] as const)),
    grid: () => [1, 1, 1],
    code: () =>
      `@compute @workgroup_size(1) fn main() { b0[0] = ${names
        .slice(1)
        .map(name => `${name}[0]`)
        .join(' + ')}; }`,
  });
  const wide = kernel({
    name: 'wide',
    bindings: { y: 'write' },
    grid: () => [1, 1, 1],
    code: () => '@compute @workgroup_size(65535) fn main() { return; y[0] = 1.0; }', // a warning, which is not what is wrong
  });
  const ofMany = (g: Graph) => {
    const [y, ...others] = names.map((name, i) => (i ? g.persistent('input', name, [1]) : g.tensor([1])));
    g.run(many, {}, Object.fromEntries([y, ...others].map((t, i) => [names[i], t!])));
    return { y };
  };
  assert.match(await saidBy(compute(device, ofMany)), new RegExp(`^kernel many .*storage buffers \\(${count}\\)`));
  const ofWide = (g: Graph) => {
    const y = g.tensor([1]);
    g.run(wide, {}, { y });
    return { y };
  };
  assert.match(await saidBy(compute(device, ofWide)), /^kernel wide .*workgroup_size\(65535/);
  const { y } = await compute(device, g => ({ y: g.map('v + one', g.persistent('input', 'x', [2])) }), { x: Float32Array.of(1, 2) });
  assert.equal([...y], [2, 3]);
});

test('a name that two layers give parameters of different shapes is refused, with what tells them apart', async () => {
  const device = await deviceFor();
  const refused = async (model: Layer) => saidBy(Net.build(device, model, { shape: [1, 4, 4], batch: 2 }));
  const same = residual(conv2d(2, 3, { pad: 1 }), conv2d(2, 1));
  assert.is(
    await refused(sequential({ block: same, fc: dense(2) })),
    'block.weight: its shape is [2, 1, 3, 3] in one layer and [2, 1, 1, 1] in another; give each a name of its own, by sequential or named',
  );
  assert.match(await refused(beside(dense(4), dense(6))), /^weight: its shape is \[4, 16\] in one layer and \[6, 16\]/);
  assert.match(await refused((g, x) => dense(2)(g, dense(3)(g, x))), /^weight: its shape is \[3, 16\] in one layer and \[2, 3\]/);
  assert.is(await refused(residual(conv2d(2, 3, { pad: 1 }), named('shortcut', conv2d(2, 1)))), 'no error');
});

test('sizes that do not go together are refused where they are given', async () => {
  const device = await deviceFor();
  const of = (build: (g: Graph, x: Tensor, b: Tensor) => Tensor) =>
    saidBy(compute(device, g => ({ y: build(g, g.persistent('input', 'x', [4]), g.persistent('input', 'b', [2])) })));
  assert.is(await of((g, x, b) => g.map('v * a', x, b)), 'v * a: [4] and [2] hold different numbers of values');
  assert.is(await of((g, x, b) => g.sum(b, x)), 'v + a: [2] and [4] hold different numbers of values');
  assert.is(await of((g, x) => g.view(x, [3, 3])), 'view: [4] and [3, 3] hold different numbers of values');
});

test('a layer gives each input a gradient of its size, and an output that is none of them', async () => {
  const device = await deviceFor();
  const gradients = async (middle: Layer) => {
    const net = await Net.build(device, sequential({ a: dense(3), middle, b: dense(2) }), { shape: [3], batch: 2 });
    try {
      await net.backward(Float32Array.of(1, 2, 3, 4, 5, 6), Uint32Array.of(0, 1));
      return [...(await net.gradients())['a.weight']!.data];
    } finally {
      net.destroy();
    }
  };
  const short: Layer = (g, x) => g.record([x], g.map('v', x), () => [g.tensor([2, 2])]);
  assert.is(await saidBy(gradients(short)), 'gradient middle: [2, 3] and [2, 2] hold different numbers of values');
  const same: Layer = (g, x) => g.record([x], x, dy => [dy]);
  assert.match(await saidBy(gradients(same)), 'record middle: the output is an input; give g.view(x, x.shape)');
  assert.equal(await gradients((g, x) => g.record([x], g.view(x, x.shape), dy => [dy])), await gradients((_, x) => x));
});

test('what nothing wrote is not read, nor what others have written over', async () => {
  const device = await deviceFor();
  assert.is(
    await saidBy(compute(device, g => ({ y: g.map('v * v', g.tensor([4])) }))),
    'model forward: t0 is read before any op writes it; what the host writes is persistent',
  );
  const memory = new Memory(device);
  const g = new Graph({ training: false, profile: device.profile });
  const copy = kernel({
    name: 'copy_all',
    bindings: { x: 'read', y: 'write' },
    over: (p: { n: number }, d) => values(p.n, d),
    body: () => '    y[i] = x[i];',
  });
  const all = [g.persistent('input', 'x', [4])];
  for (const i of range(3)) g.run(copy, { n: 4 }, { x: all[i]!, y: (all[i + 1] = g.tensor([4])) });
  const [x, first, , last] = all as [Tensor, Tensor, Tensor, Tensor];
  const refusal = async (use: () => unknown) => saidBy((async () => use())());
  assert.match(await refusal(() => memory.write(x, new Float32Array(4))), /^x: it has no place on the device; compile a program/);
  g.kept.add(last);
  const program = await Program.compile(memory, g);
  memory.write(x, Float32Array.of(1, 2, 3, 4));
  program.run();
  assert.equal([...(await program.read(g.view(last, [2, 2])))], [1, 2, 3, 4]);
  assert.match(await saidBy(program.read(first)), `${first.name}: no op writes it, or others write over it; add it to the kept`);
  assert.match(await saidBy(program.read(g.tensor([4]))), 'no op writes it');
  assert.match(await refusal(() => memory.write(last, new Float32Array(4))), `${last.name}: it has no place on the device`);
  const unused = (g: Graph) => ({ y: g.map('v', g.persistent('input', 'x', [1])), z: void g.persistent('input', 'z', [1]) });
  assert.match(await saidBy(compute(device, unused, { z: Float32Array.of(1) })), /^z: it has no place on the device/);
  memory.destroy();
});

test('a grid is of whole numbers of workgroups, one at least', async () => {
  const device = await deviceFor();
  const copy = kernel({
    name: 'copy_100',
    bindings: { x: 'read', y: 'write' },
    grid: (p: { n: number }) => [p.n, 1, 1],
    code: () => `@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) i : vec3u) { if (i.x < 100u) { y[i.x] = x[i.x]; } }`,
  });
  const of = (n: number) => {
    const build = (g: Graph) => {
      const y = g.tensor([100]);
      g.run(copy, { n }, { x: g.persistent('input', 'x', [100]), y });
      return { y };
    };
    return compute(device, build, { x: new Float32Array(100).fill(1) });
  };
  for (const n of [100 / 64, 0, NaN])
    assert.is(await saidBy(of(n)), `model forward: copy_100 needs ${n} x 1 x 1 workgroups; give whole numbers of at least 1`);
  assert.match(await saidBy(of(65536)), /needs 65536 x 1 x 1 workgroups, WebGPU allows 65535 in a direction; use a smaller batchSize$/);
  assert.equal([...(await of(2)).y], Array(100).fill(1));
});

test('a layer that returns no output, and one whose vjp returns no list of gradients, are told so by name', async () => {
  const device = await deviceFor();
  const trained = async (middle: unknown) => {
    const net = await Net.build(device, sequential({ a: dense(3), middle: middle as Layer, b: dense(2) }), { shape: [3], batch: 2 });
    return net.backward(new Float32Array(6), Uint32Array.of(0, 1)).finally(() => net.destroy());
  };
  assert.is(await saidBy(trained(() => undefined)), "sequential: 'middle' returned undefined, no output; give a layer, as relu()");
  assert.match(await saidBy(trained(async (_: Graph, x: Tensor) => x)), "'middle' returned of the class Promise");
  const record = (vjp: unknown) => (g: Graph, x: Tensor) => g.record([x], g.map('v', x), vjp as () => []);
  const advice = 'give an array of 1 gradients, one for each input';
  assert.is(await saidBy(trained(record(() => undefined))), `record middle: its vjp returned undefined; ${advice}`);
  assert.match(await saidBy(trained(record((dy: Tensor) => dy))), /^record middle: its vjp returned an object of /);
  assert.match(await saidBy(trained(record((dy: Tensor) => [dy, dy]))), `record middle: its vjp returned of the class Array; ${advice}`);
});

test('a state of a rule may not have the name of the weight or of the gradient, which would hide these', async () => {
  for (const name of ['w', 'g']) {
    const own = { name: 'mine', about: '', formula: '', state: ['m', name], hyper: { lr: learningRate(1) }, update: 'w -= op.lr * g;' };
    assert.is(await saidBy((async () => optimizer(rule(own)))()), `mine: a state is called ${name}; w is the weight, and g its gradient`);
  }
});

test.run();
