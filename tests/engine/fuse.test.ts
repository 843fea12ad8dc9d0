/** What fusion does to a plan, and that it changes no value beyond rounding. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compute } from '../../engine/compute.ts';
import { fuse } from '../../engine/passes/fuse.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { relu } from '../../layers/activation.ts';
import { named, residual, sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { dropout } from '../../layers/noise.ts';
import { batchNorm, groupNorm } from '../../layers/norm.ts';
import { layer } from '../../shaders/conv/calls.ts';
import { convBackwardWeight } from '../../shaders/conv/conv.ts';
import { kernel } from '../../shaders/kernel/define.ts';
import { elementwise } from '../../shaders/kernel/elementwise.ts';
import { values } from '../../shaders/kernel/loops.ts';
import { sumSlices } from '../../shaders/kernel/sum-slices.ts';
import { close, deviceFor, random, runLayer, WAYS, type CheckOptions } from '../support/check.ts';
import { isLongRun } from '../support/long.ts';
import { DEFAULT_PROFILE, type Profile } from '../../shaders/kernel/kernel.ts';

const test = suite('fuse');
const PROFILE = { ...DEFAULT_PROFILE, lanes: 8, subgroups: true };

/** Names of the kernels of a layer's plan, forward and (in training) backward. */
function kernels(layer: Layer, shape: Shape, training: boolean, profile = PROFILE): string[] {
  const g = new Graph({ training, profile });
  const x = g.record([], g.tensor(shape, 'input', 'x'), () => []);
  const y = layer(g, x);
  g.kept.add(y);
  if (training) g.backward(y, g.tensor(y.shape, 'input', 'dy'));
  return fuse(g.ops, g.kept, g.profile).map(op => op.kernel.name);
}
const count = (names: readonly string[], name: string) => names.filter(n => n === name).length;

const block = sequential({
  conv1: conv2d(8, 3, { pad: 1, bias: false }),
  bn1: batchNorm(),
  act1: relu(),
  block: residual(sequential({ conv: conv2d(8, 3, { pad: 1 }), bn: batchNorm({ affine: false }) })),
  act2: relu(),
});
const spread = (n: number, seed: number) => random(n, seed).map(v => 0.75 + 0.5 * v);
const block4: CheckOptions = {
  training: false,
  params: {
    'conv1.weight': random(8 * 3 * 9, 3),
    'bn1.weight': spread(8, 4),
    'bn1.bias': random(8, 5),
    'bn1.running_mean': random(8, 6),
    'bn1.running_var': spread(8, 7),
    'block.conv.weight': random(8 * 8 * 9, 8),
    'block.conv.bias': random(8, 9),
    'block.bn.running_mean': random(8, 10),
    'block.bn.running_var': spread(8, 11),
  },
};

test('evaluation folds batch norm into the weights before it; relu and the residual sum follow into the convolution', async () => {
  assert.equal(kernels(block, [2, 3, 8, 8], false), ['fold_batch_norm', 'conv', 'fold_batch_norm', 'conv']);
  for (const way of ['own', 'plain'] as const) {
    const folded = await runLayer(way, block, [2, 3, 8, 8], block4);
    const plain = await runLayer(way, block, [2, 3, 8, 8], { ...block4, fuse: false });
    close(`${way} folded`, folded.y, plain.y, 1e-5);
    close(`${way} gradient of x`, folded.dx!, plain.dx!, 1e-5);
  }
});

test('what another layer reads too, and training, is not folded', () => {
  assert.is(count(kernels(block, [2, 3, 8, 8], true), 'fold_batch_norm'), 0);
  const forked: Layer = (g, x) => {
    const y = conv2d(4, 3)(g, x);
    return g.map('v + a', named('bn', batchNorm())(g, y), y);
  };
  assert.is(count(kernels(forked, [2, 3, 8, 8], false), 'fold_batch_norm'), 0);
});

/** Several tiles of pixels and a tile that is not full of channels, with a mean far from 0 against which sums of squares would cancel. */
const normalised = sequential({ conv: conv2d(24, 3, { pad: 1 }), bn: batchNorm(), act: relu() });
const far: CheckOptions = {
  params: {
    'conv.weight': random(24 * 3 * 9, 3),
    'conv.bias': random(24, 4).map(v => 30 + v),
    'bn.weight': spread(24, 5),
    'bn.bias': random(24, 6),
    'bn.running_mean': random(24, 7),
    'bn.running_var': spread(24, 8),
  },
};

test('an elementwise op stays where several calls write its input, and where its output is used before it', async () => {
  const shifted = kernel({
    name: 'shifted',
    bindings: { x: 'read', y: 'write' },
    epilogue: 'y',
    over: (p: { n: number; to: number }, d) => values(p.n, d),
    body: ({ to }) => `    y[i + ${to}u] = finish(x[i], i + ${to}u);`,
  });
  const build = (g: Graph) => {
    const x = g.persistent('input', 'x', [4]);
    const [both, one] = [g.tensor([8]), g.tensor([4])];
    for (const to of [0, 4]) g.run(shifted, { n: 4, to }, { x, y: both });
    g.run(shifted, { n: 4, to: 0 }, { x, y: one });
    const state = g.persistent('state', 'state', [4]);
    const before = g.map('v', state);
    g.run(elementwise, { n: 4, f: 'v + one' }, { v: one, y: state });
    return { squares: g.map('v * v', both), before, state };
  };
  const inputs = { x: Float32Array.of(1, 2, 3, 4), state: Float32Array.of(10, 20, 30, 40) };
  const got = await compute(await deviceFor(), build, inputs);
  assert.equal([...got.squares], [1, 4, 9, 16, 1, 4, 9, 16]);
  assert.equal([...got.before], [10, 20, 30, 40]);
  assert.equal([...got.state], [2, 3, 4, 5]);
});

test('on a GPU the moments of batch norm come from the convolution before it', async () => {
  const gpu = { ...PROFILE, lanes: 0 };
  assert.is(count(kernels(normalised, [2, 3, 16, 16], true, { ...PROFILE, maxBindings: 8 }), 'moments'), 1, 'not on a software adapter');
  assert.is(count(kernels(normalised, [2, 3, 16, 16], true, gpu), 'moments'), 0);
  assert.is(count(kernels(normalised, [2, 3, 5, 5], true, gpu), 'moments'), 1, '50 values are no runs of 16');
  assert.is(
    count(kernels(sequential({ conv: conv2d(4, 3, { pad: 1 }), gn: groupNorm(2) }), [2, 3, 8, 8], true, gpu), 'moments'),
    1,
    'those of groups are others',
  );
  const fused = await runLayer('gpu', normalised, [10, 3, 16, 16], far);
  const plain = await runLayer('own', normalised, [10, 3, 16, 16], { ...far, fuse: false });
  close('output', fused.y, plain.y, 2e-5);
  for (const name of ['bn.running_mean', 'bn.running_var']) close(name, fused.buffers[name]!, plain.buffers[name]!, 1e-5);
  for (const name of ['conv.weight', 'bn.weight', 'bn.bias']) {
    close(`gradient of ${name}`, fused.gradients[name]!, plain.gradients[name]!, 1e-4);
  }
});

/** A gradient that comes to a batch norm from a convolution, through a relu and joined by that of a shortcut. */
const between = sequential({
  bn1: batchNorm(),
  act1: relu(),
  block: residual(sequential({ conv: conv2d(8, 3, { pad: 1 }) })),
});

test('on a GPU the sums of the gradient of batch norm come from the convolution before it', async () => {
  const gpu = { ...PROFILE, lanes: 0 };
  const names = kernels(between, [2, 8, 16, 16], true, gpu);
  assert.is(count(names, 'batch_norm_sums'), 0);
  assert.is(count(kernels(between, [2, 8, 6, 6], true, gpu), 'batch_norm_sums'), 1, '72 values are no runs of 16');
  assert.is(count(kernels(between, [2, 8, 5, 5], true, gpu), 'batch_norm_sums'), 1, 'nor are 50');
  const fused = await runLayer('gpu', between, [10, 8, 16, 16]);
  const plain = await runLayer('own', between, [10, 8, 16, 16], { fuse: false });
  close('gradient of x', fused.dx!, plain.dx!, 2e-5);
  for (const name of ['bn1.weight', 'bn1.bias', 'block.conv.weight', 'block.conv.bias']) {
    close(`gradient of ${name}`, fused.gradients[name]!, plain.gradients[name]!, 1e-4);
  }
});

const dropping = sequential({ fc1: dense(16), drop1: dropout(0.4), fc2: dense(9), act: relu(), drop2: dropout(0.3), fc3: dense(3) });

test('dropout joins its neighbours; the same values are dropped, forward and backward', async () => {
  const names = kernels(dropping, [6, 20], true);
  assert.is(count(names, 'elementwise'), 1, 'relu keeps its output for its derivative, so that the dropout after it stays alone');
  for (const way of isLongRun ? WAYS : (['own'] as const)) {
    const fused = await runLayer(way, dropping, [6, 20]);
    const plain = await runLayer(way, dropping, [6, 20], { fuse: false });
    close(`${way} output`, fused.y, plain.y, 1e-6);
    close(`${way} gradient of x`, fused.dx!, plain.dx!, 1e-6);
    for (const [name, gradient] of Object.entries(fused.gradients)) {
      close(`${way} gradient of ${name}`, gradient, plain.gradients[name]!, 1e-6);
    }
  }
});

test('dropout stays out of convolutions, whose code would draw its words in every store', () => {
  assert.is(count(kernels(sequential({ conv: conv2d(4, 3), drop: dropout(0.5) }), [2, 3, 8, 8], true), 'elementwise'), 2);
});

test('on a GPU a weight gradient in one slice is written where it belongs, and added to that of micro-batches before', async () => {
  const p = layer(2, 3, 8, 4, 3);
  const size = 4 * 3 * 9;
  const build = (g: Graph) => {
    const slices = g.tensor([1, size]);
    const out = g.persistent('state', 'gradient', [size]);
    const [x, dy] = [g.persistent('input', 'x', [2 * 3 * 64]), g.persistent('input', 'dy', [2 * 4 * 64])];
    g.run(convBackwardWeight, { ...p, split: 1 }, { x, dy, dweight: slices });
    g.run(sumSlices, { size, count: 1, gradient: 'first' }, { slices, out });
    return { out };
  };
  const g = new Graph({ training: true, profile: DEFAULT_PROFILE });
  build(g);
  const names = (profile: Profile) => fuse(g.ops, g.kept, profile).map(op => op.kernel.name);
  assert.equal(names(DEFAULT_PROFILE), ['conv_backward_weight']);
  assert.equal(names(PROFILE), ['conv_backward_weight', 'sum_slices']);

  const inputs = { x: Float32Array.from(random(2 * 3 * 64, 1)), dy: Float32Array.from(random(2 * 4 * 64, 2)) };
  const want = await compute(await deviceFor(), build, inputs, { accumulate: 0 }, { fuse: false });
  for (const way of ['tiled 16x16 / 16', 'plain', 'winograd 4x4']) {
    const device = (await deviceFor('gpu')).withProfile({ prefer: { conv_backward_weight: way } });
    const { out } = await compute(device, build, inputs, [{ accumulate: 1 }, { accumulate: 0 }, { accumulate: 1 }]);
    const twice = want.out.map(v => 2 * v);
    close(way, out, twice, 1e-5);
  }
});

test.run();
