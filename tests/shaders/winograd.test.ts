/** Winograd's tiles: their error beside that of direct convolutions, and a trajectory beside PyTorch's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { compute } from '../../engine/compute.ts';
import { Graph } from '../../engine/graph.ts';
import { stage } from '../../engine/passes/stage.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { openData } from '../../train/data/data.ts';
import { openModel } from '../../models/index.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { layer } from '../../shaders/conv/calls.ts';
import { conv, convBackwardWeight } from '../../shaders/conv/conv.ts';
import type { Conv } from '../../shaders/conv/shape.ts';
import { DEFAULT_PROFILE, stagesOf, type Profile } from '../../shaders/kernel/kernel.ts';
import { sumSlices } from '../../shaders/kernel/sum-slices.ts';
import { deviceFor, random } from '../support/check.ts';
import { isLongRun } from '../support/long.ts';
import { torchOptimizer } from '../support/torch-optimizer.ts';
import { readJson } from '../vectors/read.ts';
import { vectorWeights } from '../vectors/weights.ts';

const test = suite('winograd');

/** Calls `each` with the value of a padded input and its place in y, in the channels of both, and in the taps. */
function eachProduct({ n, c, h, w, o, oh, ow, pad }: Conv, each: (x: number, weight: number, y: number) => void): void {
  for (let image = 0; image < n; image++)
    for (let k = 0; k < o; k++)
      for (let i = 0; i < oh; i++)
        for (let j = 0; j < ow; j++)
          for (let channel = 0; channel < c; channel++)
            for (let tap = 0; tap < 9; tap++) {
              const row = i - pad[0] + Math.floor(tap / 3);
              const column = j - pad[1] + (tap % 3);
              if (row < 0 || row >= h || column < 0 || column >= w) continue;
              const x = ((image * c + channel) * h + row) * w + column;
              each(x, (k * c + channel) * 9 + tap, ((image * o + k) * oh + i) * ow + j);
            }
}

test('of a weight gradient in slices the first alone is written and summed', () => {
  const profile: Profile = { ...DEFAULT_PROFILE, prefer: { conv_backward_weight: 'winograd 4x4' } };
  const g = new Graph({ training: true, profile });
  const p = layer(8, 4, 8, 6, 3);
  const [slices, out] = [g.tensor([3, 6, 4, 3, 3]), g.tensor([6, 4, 3, 3])];
  const [others, sum] = [g.tensor([2, 5]), g.tensor([5])];
  g.run(convBackwardWeight, { ...p, split: 3 }, { x: g.tensor([8, 4, 8, 8]), dy: g.tensor([8, 6, 8, 8]), dweight: slices });
  const more = [{ size: out.size, count: 3 }];
  g.run(sumSlices, { size: 5, count: 2, more }, { slices: others, out: sum, slices1: slices, out1: out });
  const staged = (ops = g.ops, kept: readonly Tensor[] = []) => stage(ops, new Set(kept), () => profile);
  const ops = staged();
  assert.is(ops.at(-2)!.params.split, 1);
  assert.equal(ops.at(-1)!.params, { size: 5, count: 2, more: [{ ...more[0], count: 1 }] });
  assert.is(staged(g.ops.slice(0, 1)).at(-1)!.params.split, 3, 'nothing sums them');
  assert.is(staged(g.ops, [slices]).at(-2)!.params.split, 3, 'the host may read them');
  assert.equal(staged(g.ops, [slices]).at(-1)!.params.more, more);
});

/** The root of the mean square of the differences from `want`, as a share of that of `want`. */
function error(got: ArrayLike<number>, want: Float64Array): number {
  let off = 0;
  let all = 0;
  want.forEach((v, i) => {
    off += (got[i]! - v) ** 2;
    all += v * v;
  });
  return Math.sqrt(off / all);
}

/** Largest error of each way as a multiple of that of a direct convolution; measured: 0.6 to 1.2 (2x2), 2.0 to 2.8 (4x4). */
const MOST: Readonly<Record<string, number>> = { 'winograd 2x2': 2, 'winograd 4x4': 4 };

for (const { images, channels, size, maxBinding } of [
  { images: 2, channels: 16, size: 8 },
  { images: 2, channels: 48, size: 7 },
  { images: 5, channels: 8, size: 3, maxBinding: 10_000 }, // two images at a time, and the last alone: rows of fewer tiles follow on longer ones
]) {
  test(`errors against float64, ${channels} channels of ${images} images of ${size}x${size}`, async () => {
    const p = layer(images, channels, size, channels, 3);
    const x = Float32Array.from(random(p.n * p.c * size * size, 1));
    const weight = Float32Array.from(random(p.o * p.c * 9, 2));
    const dy = Float32Array.from(random(p.n * p.o * size * size, 3));
    const y64 = new Float64Array(dy.length);
    const dweight64 = new Float64Array(weight.length);
    eachProduct(p, (at, tap, out) => {
      y64[out]! += x[at]! * weight[tap]!;
      dweight64[tap]! += x[at]! * dy[out]!;
    });
    const build = (g: Graph) => {
      const given = (name: string, shape: number[]) => g.persistent('input', name, shape);
      const [images, w, gradient] = [given('x', [x.length]), given('weight', [weight.length]), given('dy', [dy.length])];
      const [y, dweight] = [g.tensor([dy.length]), g.tensor([weight.length])];
      g.run(conv, p, { x: images, weight: w, y });
      g.run(convBackwardWeight, { ...p, split: 1 }, { x: images, dy: gradient, dweight });
      return { y, dweight };
    };
    const errors = async (way: string) => {
      const device = (await deviceFor()).withProfile({ prefer: { '*': way }, ...(maxBinding && { maxBinding }) });
      const staged = stagesOf(conv, p, device.profile)?.gives({ kernel: conv, params: p, tensors: {} }, device.profile, (_, shape) => ({
        shape,
        size: 0,
      }));
      if (staged && maxBinding) assert.is(staged.filter(({ kernel }) => kernel.name === 'winograd_output').length, 3);
      const { y, dweight } = await compute(device, build, { x, weight, dy });
      return [error(y, y64), error(dweight, dweight64)];
    };
    const direct = await errors('plain');
    for (const [way, most] of Object.entries(MOST)) {
      const found = await errors(way);
      found.forEach((e, i) => assert.ok(e < most * direct[i]!, `${way}: ${e}, directly ${direct[i]!}`));
    }
  });
}

const want = readJson<{ model: string; lr: number; momentum: number; batch: number; losses64: number[] }>('winograd.json');

test('20 steps stay within 1e-4 of PyTorch, as those of direct convolutions do', async () => {
  const steps = want.losses64.length;
  const dataset = await openDataset('cifar10', { limitTrain: steps * want.batch, limitTest: 4, quiet: true });
  for (const way of isLongRun ? ['lanes scalar', 'winograd 4x4'] : ['winograd 4x4']) {
    const device = (await deviceFor()).withProfile({ prefer: { conv: way, conv_backward_weight: way } });
    const trainer = await Trainer.create({
      device,
      model: openModel({ name: want.model, options: {} }, { classes: 10, shape: dataset.shape }),
      batchSize: want.batch,
      shuffle: false,
      data: await openData(dataset, { normalize: 'none' }),
      optimizer: torchOptimizer('momentum', { lr: want.lr, momentum: want.momentum }),
    });
    try {
      const staged = trainer.program.commands.filter(c => c.op.kernel.name === 'winograd_output').length;
      assert.is(staged > 0, way.startsWith('winograd'));
      for (const t of trainer.graph.init.keys()) trainer.memory.write(t, vectorWeights(t.name, t.shape));
      for (let step = 0; step < steps; step++) await trainer.step(true);
      for (const [step, { loss }] of (await trainer.settle()).entries()) {
        assert.ok(
          Math.abs(loss / want.losses64[step]! - 1) < 1e-4,
          `${way}, step ${step + 1}: loss ${loss}, PyTorch ${want.losses64[step]}`,
        );
      }
    } finally {
      trainer.destroy();
    }
  }
});

test.run();
