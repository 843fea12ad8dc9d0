/** A network with generated weights in one pass on real images, against PyTorch's numbers in models.json. */
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { withProgram } from '../../engine/compute.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Program } from '../../engine/program.ts';
import { crossEntropy, lossesOf } from '../../layers/loss.ts';
import { openModel } from '../../models/index.ts';
import { parseSpec } from '../../engine/spec.ts';
import { close, deviceFor } from './check.ts';
import { zoomed } from './zoomed.ts';
import { readJson } from '../vectors/read.ts';
import { vectorWeights } from '../vectors/weights.ts';

export interface Case {
  name: string;
  stem: string | null;
  /** Further options, as on the command line. */
  options?: string;
  /** Of how many images, where these are not 8. */
  images?: number;
  input: [number, number, number];
  parameters: number;
  logits64: number[][];
  train_logits64: number[][];
  train_loss64: number;
  gradient_norms64: Record<string, number>;
  /** How far PyTorch's own float32 norms leave these, where that is more than half of what is allowed. */
  gradient_drift?: number;
  running_norms64: Record<string, number>;
}
const { labels, models } = readJson<{ labels: number[]; models: Case[] }>('models.json');
export const cases = models;

/** The first test images as x/255, each pixel `times` times in both directions. */
export async function images(dataset: string, n: number, times = 1): Promise<Float32Array> {
  const { test } = zoomed(await openDataset(dataset, { limitTrain: 1, limitTest: n, quiet: true }), times);
  return Float32Array.from(test.images, v => v / 255);
}

const norm = (v: ArrayLike<number>): number => {
  let s = 0;
  for (let i = 0; i < v.length; i++) s += v[i]! * v[i]!;
  return Math.sqrt(s);
};

/** One pass of a model with generated weights: logits, and in training the loss, the norms of gradients and of running statistics. */
export async function pass(spec: string, x: Float32Array, shape: readonly [number, number, number, number], training: boolean) {
  const [n, c, h, w] = shape;
  const build = (g: Graph) => {
    const input = g.persistent('input', 'images', shape);
    const target = g.persistent('input', 'labels', [n]);
    const logits = openModel(parseSpec('model', spec), { classes: 10, shape: [c, h, w] })(g, input);
    const totals = g.persistent('state', 'totals', [2]);
    const [own, ...others] = lossesOf(g, crossEntropy, logits, target, totals);
    g.kept.add(logits);
    if (own) g.backward(...own, undefined, others);
    for (const t of g.init.keys()) g.init.set(t, () => vectorWeights(t.name, t.shape));
    return { g, input, target, logits, totals };
  };
  const run = async (program: Program, { g, input, target, logits, totals }: ReturnType<typeof build>) => {
    program.memory.write(input, x);
    program.memory.write(target, Uint32Array.from(labels.slice(0, n)));
    program.run({ accumulate: 0, seed: 0, step: 1, valid: n });
    const norms = async (tensors: readonly (readonly [string, Tensor])[]) => {
      const out: Record<string, number> = {};
      for (const [name, t] of tensors) out[name] = norm(await program.read(t));
      return out;
    };
    const buffers = [...g.init.keys()].filter(t => t.role === 'buffer');
    return {
      logits: await program.read(logits),
      loss: (await program.read(totals))[0]! / n,
      parameters: [...g.params.values()].reduce((sum, p) => sum + p.value.size, 0),
      gradients: await norms(training ? [...g.params].map(([name, p]) => [name, p.grad] as const) : []),
      running: await norms(buffers.map(t => [t.name, t] as const)),
    };
  };
  return withProgram(await deviceFor(), build, run, { training });
}

/** The model's spec on the command line. */
export const specOf = ({ name, stem, options }: Case): string => {
  const all = [...(stem ? [`stem=${stem}`] : []), ...(options ? [options] : [])];
  return all.length ? `${name}:${all.join(',')}` : name;
};

/** Logits in both modes, the loss, the norms of all gradients and running statistics. */
export async function matches({ input, ...want }: Case): Promise<void> {
  const spec = specOf({ input, ...want });
  const n = want.images ?? 8;
  const few = Math.min(n, 4);
  const x = await images('cifar10', n, input[1] / 32);
  const evaluated = await pass(spec, x.subarray(0, (few * x.length) / n), [few, ...input], false);
  assert.is(evaluated.parameters, want.parameters);
  close('logits in evaluation', evaluated.logits, want.logits64.flat(), 1e-4);
  const trained = await pass(spec, x, [n, ...input], true);
  close('logits in training', trained.logits, want.train_logits64.flat(), 1e-3);
  close('loss', [trained.loss / want.train_loss64], [1], 1e-4);
  const names = Object.keys(want.gradient_norms64);
  const most = Math.max(...Object.values(want.gradient_norms64));
  assert.equal(Object.keys(trained.gradients), names, 'the same parameters in the same order');
  for (const key of names) {
    // the gradient of a bias before a batch norm is nothing but rounding
    const error = Math.abs(trained.gradients[key]! - want.gradient_norms64[key]!) / Math.max(want.gradient_norms64[key]!, 1e-3 * most);
    assert.ok(
      error < Math.max(1e-2, 3 * (want.gradient_drift ?? 0)),
      `gradient of ${key}: norm ${trained.gradients[key]}, expected ${want.gradient_norms64[key]}`,
    );
  }
  const running = Object.keys(want.running_norms64);
  assert.equal(
    Object.keys(trained.running).filter(key => !key.endsWith('num_batches_tracked')),
    running,
    'the same running statistics',
  );
  close(
    'running statistics',
    running.map(key => trained.running[key]! / want.running_norms64[key]!),
    running.map(() => 1),
    1e-4,
  );
}

/** Whether a case takes long on a software adapter: then it runs in models.long.ts. */
export const isLong = (c: Case): boolean => LONG.includes(c.name);
const LONG = ['alexnet-cifar', 'resnet18', 'resnet50', 'vgg11-bn', 'inception-v3', 'densenet121', 'efficientnet-b0', 'mobilenet-v2'];
