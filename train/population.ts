import { Graph, type Tensor } from '../engine/graph.ts';
import { Program, type Memory } from '../engine/program.ts';
import { joinMoments } from '../shaders/norm.ts';
import type { DeviceData } from './data.ts';
import type { TrainerOptions } from './graphs.ts';
import { readTensors } from './state.ts';

/** Puts the training images in file order; what it returns puts them back as they were. */
export function inFileOrder(data: DeviceData, memory: Memory, g: Graph): () => void {
  const { by } = data;
  data.shuffle(memory, g);
  return () => data.shuffle(memory, g, by);
}

/** Of one batch norm: its running statistics, how fast they move, and how many values of a channel a batch has. */
interface Norm {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly momentum: number;
  readonly count: number;
}

const norms = (g: Graph): Norm[] =>
  g.ops
    .filter(op => op.kernel === (joinMoments as unknown) && op.tensors.running_mean)
    .map(({ params, tensors }) => ({
      mean: tensors.running_mean!,
      variance: tensors.running_var!,
      momentum: params.momentum,
      count: params.n * params.hw,
    }));

/**
 * Population statistics (Ioffe & Szegedy 2015, algorithm 2; SWA needs them too): replaces the running statistics of every batch norm by
 * mean and unbiased variance over all whole batches of the training images, or the first `most` (in file order, not augmented), each batch
 * normalised by its own while it passes. The parameters must lie in `memory`, as after Trainer.create.
 */
export async function populationStatistics(
  o: Pick<TrainerOptions, 'device' | 'model' | 'data' | 'batchSize' | 'seed'>,
  memory: Memory,
  most = Infinity,
): Promise<void> {
  const g = new Graph({ training: true, profile: o.device.profile, seed: o.seed });
  o.model(g, o.data.source(g, 'train', o.batchSize, []).x);
  const all = norms(g);
  const batches = Math.min(most, Math.floor(o.data.size('train') / o.batchSize));
  if (!all.length) return;
  const program = await Program.compile(memory, g);
  const totals = all.map(n => ({ mean: new Float64Array(n.mean.size), squares: new Float64Array(n.mean.size) }));
  o.data.upload(memory, g, 'train'); // a trainer that only judges has not
  const restore = inFileOrder(o.data, memory, g);
  try {
    for (let b = 0; b < batches; b++) {
      for (const n of all) for (const t of [n.mean, n.variance]) memory.write(t, new Float32Array(t.size));
      await o.data.feed(memory, 'train', b * o.batchSize);
      program.run({ offset: b * o.batchSize, valid: o.batchSize, seed: g.seed, step: b + 1 });
      const seen = await readTensors(
        memory,
        all.flatMap(n => [n.mean, n.variance]),
      );
      for (const [i, n] of all.entries()) {
        // from 0 a running statistic has moved to momentum times the batch's
        const mean = seen[n.mean.name]!.data;
        const variance = seen[n.variance.name]!.data;
        const { mean: m, squares } = totals[i]!;
        for (let c = 0; c < m.length; c++) {
          const off = mean[c]! / n.momentum - m[c]!;
          m[c]! += off / (b + 1);
          squares[c]! += (variance[c]! / n.momentum) * (n.count - 1) + (off * off * n.count * b) / (b + 1);
        }
      }
    }
    for (const [i, n] of all.entries()) {
      memory.write(n.mean, Float32Array.from(totals[i]!.mean));
      memory.write(
        n.variance,
        Float32Array.from(totals[i]!.squares, s => s / (n.count * batches - 1)),
      );
    }
  } finally {
    restore();
    program.destroy();
  }
}
