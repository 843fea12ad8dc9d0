/** Work that is done once: a graph on given inputs, a kernel on given buffers. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compute, Dispatcher } from '../../engine/compute.ts';
import type { Graph } from '../../engine/graph.ts';
import { Owner } from '../../engine/owner.ts';
import { addNormal } from '../../shaders/move/noise.ts';
import { flatMap } from '../../shaders/update/flat.ts';
import { deviceFor } from '../support/check.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('compute');

const square = (g: Graph) => ({ y: g.map('v * v', g.persistent('input', 'x', [3])), none: undefined });

test('gives what the named tensors hold', async () => {
  const { y, none } = await compute(await deviceFor(), square, { x: Float32Array.of(1, 2, -3) });
  assert.equal([...y], [1, 4, 9]);
  assert.is(none, undefined);
});

test('runs once for each of the steps, on what the one before left', async () => {
  const grow = (g: Graph) => {
    const w = g.persistent('state', 'w', [2]);
    g.run(addNormal, { n: 2, std: 0, layer: 0, fixed: false, add: true }, { x: g.map('v + one', w), y: w });
    return { w };
  };
  const steps = [1, 2, 3].map(step => ({ seed: 0, step }));
  assert.equal([...(await compute(await deviceFor(), grow, { w: Float32Array.of(0, 5) }, steps)).w], [3, 8]);
});

test('an input that the graph has not is an error that lists those it has', async () => {
  const device = await deviceFor();
  assert.is(await refusal(() => compute(device, square, { z: Float32Array.of(1) })), "unknown tensor of the graph 'z'; known: x");
  const x = Float32Array.of(1);
  assert.is(await refusal(() => compute(undefined as never, square, { x })), 'device: undefined is none; give what openDevice() returned');
  assert.match(
    await refusal(() => compute(device, square, { x }, {}, { debgu: true } as object)),
    /^unknown option of compute 'debgu'; did you mean 'debug'\?/,
  );
});

test('a kernel runs on whole buffers', async () => {
  const owner = new Owner(await deviceFor());
  const [y, a] = ['y', 'a'].map(name => owner.buffer(name, 16)) as [GPUBuffer, GPUBuffer];
  owner.upload(a, 0, Float32Array.of(1, 2, 3, 4));
  const calls = new Dispatcher(owner);
  for (const [beta, want] of [
    [1, [3, 5, 7, 9]],
    [0, [2, 4, 6, 8]],
  ] as const) {
    await calls.run(flatMap, { n: 4, f: 'a * op.alpha + op.beta' }, { y, a }, { alpha: 2, beta });
    assert.equal([...new Float32Array(await owner.download(y, 0, 16))], want);
  }
  owner.destroy();
});

test.run();
