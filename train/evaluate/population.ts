/** Batch-norm statistics of all training images, in place of running averages. */
import { Graph } from '../../engine/graph.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { gatherBatch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import type { EvaluationOptions } from './evaluation-options.ts';
import { readTensors } from './weights.ts';

/**
 * Population statistics (Ioffe & Szegedy 2015, algorithm 2; SWA needs them too): replaces the running statistics of every batch norm by
 * mean and unbiased variance over all whole batches of the training images, or the first `most` (in file order, not augmented), each batch
 * normalised by its own while it passes. The weights are those on the memory of `data`.
 */
export async function populationStatistics(
  { model, seed }: Pick<EvaluationOptions, 'model' | 'seed'>,
  data: DeviceData,
  most = Infinity,
): Promise<void> {
  const { memory, n: size } = data;
  const g = new Graph({ training: true, profile: memory.device.profile, seed, momentum: 1, frozen: memory.layout.frozen });
  const batch = gatherBatch(g, data, 'train', []);
  model(g, batch.x);
  const all = g.layers.flatMap(({ running }) => running ?? []);
  const batches = Math.min(most, Math.floor(batch.images.n / size));
  if (!all.length) return;
  const program = await BatchProgram.compile(batch);
  const running = all.flatMap(n => [n.mean, n.variance]);
  /** The mean over all batches so far, and the sum of squared deviations from it (Chan et al. 1983). */
  const totals = all.map(n => ({ mean: new Float64Array(n.mean.size), squares: new Float64Array(n.mean.size) }));
  await program
    .inFileOrder(async () => {
      for (const t of running) memory.write(t, new Float32Array(t.size)); // what is not finite would stay
      for (let b = 0; b < batches; b++) {
        await program.run({ offset: b * size, valid: size, seed: g.seed, step: b + 1 });
        const seen = await readTensors(memory, running);
        for (const [i, n] of all.entries()) {
          // by a momentum of 1 the running statistics are those of the batch
          const batchMean = seen[n.mean.name]!.data;
          const batchVariance = seen[n.variance.name]!.data;
          const { mean, squares } = totals[i]!;
          for (let c = 0; c < mean.length; c++) {
            const off = batchMean[c]! - mean[c]!;
            mean[c]! += off / (b + 1);
            squares[c]! += batchVariance[c]! * (n.count - 1) + (off * off * n.count * b) / (b + 1);
          }
        }
      }
      for (const [i, n] of all.entries()) {
        const { mean, squares } = totals[i]!;
        const variance = squares.map(s => s / (n.count * batches - 1));
        memory.write(n.mean, Float32Array.from(mean));
        memory.write(n.variance, Float32Array.from(variance));
      }
    })
    .finally(() => program.destroy());
}
