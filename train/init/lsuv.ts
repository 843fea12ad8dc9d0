/** Layer-sequential unit variance: first weights that give every layer outputs of variance 1. */
import { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { orthogonal } from '../../layers/init.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { gatherBatch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import type { EvaluationOptions } from '../evaluate/evaluation-options.ts';

/**
 * The weights of convolutions and dense layers in the order in which they run, each with the first output it gives. One that is
 * standardised has no scale and is skipped.
 */
function outputsByWeight(g: Graph): Map<Tensor, Tensor> {
  const found = new Map<Tensor, Tensor>();
  for (const { weight, used, output } of g.layers) {
    if (weight && used === weight.value && !found.has(used)) found.set(used, output);
  }
  return found;
}

const variance = (x: Float32Array): number => {
  let mean = 0;
  let sum = 0;
  for (const v of x) mean += v / x.length;
  for (const v of x) sum += (v - mean) ** 2;
  return sum / x.length;
};

/**
 * Layer-sequential unit variance (Mishkin & Matas 2016): weights orthonormal, then layer by layer divided by the deviation of the layer's
 * outputs on the first batch (in file order), until their variance is 1 within `tolerance` (at most `rounds` times). The weights are those
 * on the memory of `data`. Returns the variances.
 */
export async function lsuv(
  { model, seed }: Pick<EvaluationOptions, 'model' | 'seed'>,
  data: DeviceData,
  { tolerance = 0.1, rounds = 10 } = {},
): Promise<Record<string, number>> {
  const { memory, n } = data;
  const g = new Graph({ training: false, profile: memory.device.profile, seed });
  const batch = gatherBatch(g, data, 'train', []);
  model(g, batch.x);
  const outputs = outputsByWeight(g);
  const variances: Record<string, number> = {};
  for (const output of outputs.values()) g.kept.add(output);
  const program = await BatchProgram.compile(batch, { fuse: false });
  await program
    .inFileOrder(async () => {
      for (const weight of outputs.keys()) memory.write(weight, orthogonal(weight.shape, weight.name, g.seed));
      for (const [weight, output] of outputs) {
        for (let round = 0; round <= rounds; round++) {
          await program.run({ offset: 0, valid: n, seed: g.seed, step: 1 });
          const v = variance(await program.read(output));
          variances[weight.name] = v;
          if (Math.abs(v - 1) <= tolerance || v === 0 || round === rounds) break;
          const factor = 1 / Math.sqrt(v);
          const now = await memory.read(weight);
          memory.write(
            weight,
            now.map(w => w * factor),
          );
        }
      }
    })
    .finally(() => program.destroy());
  return variances;
}
