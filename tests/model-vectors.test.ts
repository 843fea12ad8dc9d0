/** Whole networks with generated weights on real images: logits, gradients, running statistics and training steps against PyTorch's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync } from 'node:fs';
import { openDataset } from '../datasets/node/open.ts';
import { Graph, type Tensor } from '../engine/graph.ts';
import { Memory, Program } from '../engine/program.ts';
import { crossEntropy } from '../layers/loss.ts';
import { openModel } from '../models/index.ts';
import { momentum } from '../optim/first-order.ts';
import { optimizer } from '../optim/optimizer.ts';
import { DeviceData } from '../train/data.ts';
import { parseSpec } from '../train/spec.ts';
import { Trainer } from '../train/trainer.ts';
import { close, deviceFor } from './check.ts';
import { vectorWeights } from './vectors/weights.ts';

const test = suite('model vectors');
const read = (file: string) => JSON.parse(readFileSync(new URL(`./vectors/${file}`, import.meta.url), 'utf8'));

interface Case {
  name: string; stem: string | null; input: [number, number, number]; parameters: number; logits64: number[][];
  train_logits64: number[][]; train_loss64: number; gradient_norms64: Record<string, number>; running_norms64: Record<string, number>;
}
interface Run {
  options: { momentum: number; weight_decay: number }; lr: number; batch: number; gains: { 'conv': number; 'fc.weight': number };
  losses: number[]; losses64: number[]; logits_after: number[][]; logits_after64: number[][];
}
const { labels, models: cases, runs } = read('models.json') as { labels: number[]; models: Case[]; runs: Run[] };
const lenet5 = read('lenet5.json') as { logits64: number[][] };

/** The first test images as x/255, each pixel `times` times in both directions. */
async function images(dataset: string, n: number, times = 1): Promise<Float32Array> {
  const { shape: [c, h, w], test } = await openDataset(dataset, { limitTrain: 1, limitTest: n, quiet: true });
  const wide = w * times, out = new Float32Array(n * c * h * times * wide);
  for (let i = 0; i < out.length; i++) {
    const column = i % wide, row = Math.floor(i / wide) % (h * times), plane = Math.floor(i / wide / h / times);
    out[i] = test.images[(plane * h + Math.floor(row / times)) * w + Math.floor(column / times)]! / 255;
  }
  return out;
}

const norm = (v: ArrayLike<number>): number => { let s = 0; for (let i = 0; i < v.length; i++) s += v[i]! * v[i]!; return Math.sqrt(s); };

/** One pass of a model with generated weights: logits, and in training the loss, the norms of gradients and of running statistics. */
async function pass(spec: string, x: Float32Array, shape: readonly [number, number, number, number], training: boolean) {
  const device = await deviceFor(), memory = new Memory(device), g = new Graph({ training, profile: device.profile });
  const [n, c, h, w] = shape;
  const input = g.lasting('input', 'images', shape), target = g.lasting('input', 'labels', [n]);
  const logits = openModel(parseSpec('model', spec), { classes: 10, shape: [c, h, w] })(g, input);
  const totals = g.lasting('state', 'totals', [2]), dlogits = crossEntropy(g, logits, target, totals);
  g.kept.add(logits);
  if (dlogits) g.backward(logits, dlogits);
  memory.reserve(g);
  for (const t of g.init.keys()) g.init.set(t, () => vectorWeights(t.name, t.shape));
  const program = await Program.compile(memory, g);
  memory.write(input, x);
  memory.write(target, Uint32Array.from(labels.slice(0, n)));
  program.run({ accumulate: 0, seed: 0, step: 1, valid: n });
  const norms = async (tensors: Iterable<[string, Tensor]>) => {
    const out: Record<string, number> = {};
    for (const [name, t] of tensors) out[name] = norm(await program.read(t));
    return out;
  };
  const result = {
    logits: await program.read(logits), loss: (await program.read(totals))[0]! / n, parameters: [...g.params.values()].reduce((sum, p) => sum + p.value.size, 0),
    gradients: await norms(training ? [...g.params].map(([name, p]): [string, Tensor] => [name, p.grad]) : []),
    running: await norms([...g.init.keys()].filter(t => t.role === 'buffer').map((t): [string, Tensor] => [t.name, t])),
  };
  program.destroy();
  memory.destroy();
  return result;
}

test('lenet5 in evaluation mode', async () => {
  const { logits } = await pass('lenet5', await images('fashion-mnist', 4), [4, 1, 28, 28], false);
  close('logits', logits, lenet5.logits64.flat(), 1e-5);
});

for (const { name, stem, input, ...want } of cases) {
  const spec = stem ? `${name}:stem=${stem}` : name;
  test(`${spec} on ${input.join('x')}: logits, loss, gradients, running statistics`, async () => {
    const x = await images('cifar10', 8, input[1] / 32), size = x.length / 8;
    const evaluated = await pass(spec, x.subarray(0, 4 * size), [4, ...input], false);
    assert.is(evaluated.parameters, want.parameters);
    close('logits in evaluation', evaluated.logits, want.logits64.flat(), 1e-4);
    const trained = await pass(spec, x, [8, ...input], true);
    close('logits in training', trained.logits, want.train_logits64.flat(), 1e-3);
    close('loss', [trained.loss / want.train_loss64], [1], 1e-4);
    const names = Object.keys(want.gradient_norms64), most = Math.max(...Object.values(want.gradient_norms64));
    assert.equal(Object.keys(trained.gradients), names, 'the same parameters in the same order');
    for (const key of names) { // the gradient of a bias before a batch norm is nothing but rounding
      const error = Math.abs(trained.gradients[key]! - want.gradient_norms64[key]!) / Math.max(want.gradient_norms64[key]!, 1e-3 * most);
      assert.ok(error < 1e-2, `gradient of ${key}: norm ${trained.gradients[key]}, expected ${want.gradient_norms64[key]}`);
    }
    const running = Object.keys(want.running_norms64);
    assert.equal(Object.keys(trained.running).filter(key => !key.endsWith('num_batches_tracked')), running, 'the same running statistics');
    close('running statistics', running.map(key => trained.running[key]! / want.running_norms64[key]!), running.map(() => 1), 1e-4);
  });
}

runs.forEach(({ options, lr, batch, gains, ...want }, at) => {
  test(`resnet20 over 8 steps of SGD from weights times ${gains.conv}`, async () => {
    const dataset = await openDataset('cifar10', { limitTrain: 8 * batch, limitTest: 4, quiet: true }), device = await deviceFor();
    const trainer = await Trainer.create({
      device, model: openModel({ name: 'resnet20', options: {} }, { classes: 10, shape: dataset.shape }), batchSize: batch, shuffle: false,
      data: new DeviceData(dataset, { normalize: 'none', maxBinding: device.profile.maxBinding }),
      optimizer: optimizer(momentum, { lr, momentum: options.momentum }, { weightDecay: options.weight_decay }),
    });
    try {
      const gain = (t: Tensor) => t.shape.length === 4 ? gains.conv : t.name === 'fc.weight' ? gains['fc.weight'] : 1;
      for (const t of trainer.graph.init.keys()) trainer.memory.write(t, vectorWeights(t.name, t.shape).map(v => Math.fround(v) * gain(t)));
      for (let step = 0; step < 8; step++) await trainer.step(true);
      const losses = (await trainer.settle()).map(m => m.loss), after = await trainer.logits('test', 4);
      losses.forEach((loss, step) => { // from a usual start batches of 32 at rate 0.1 are chaotic: PyTorch's float32 leaves its float64
        const exact = want.losses64[step]!, rounding = Math.abs(want.losses[step]! / exact - 1);
        const tolerance = at === 0 ? 1e-3 : Math.max(1e-3, 10 * rounding);
        assert.ok(Math.abs(loss / exact - 1) < tolerance, `step ${step + 1}: loss ${loss}, expected ${exact} within ${tolerance}`);
      });
      if (at === 0) close('logits after', after, want.logits_after64.flat(), 1e-3);
    } finally { trainer.destroy(); }
  });
});

test.run();
