/** Dropout at test time (Gal & Ghahramani 2016): each pass draws masks as in training, and passes differ as nets would. */
import { check } from '../../../engine/check.ts';
import { Graph } from '../../../engine/graph.ts';
import { BatchProgram } from '../../data/batch-program.ts';
import { gatherBatch } from '../../data/batch.ts';
import { logitsOf } from '../../evaluate/evaluation-graph.ts';
import type { Trainer } from '../../step/trainer.ts';
import { softmaxRows } from '../probabilities.ts';

/**
 * Class probabilities [n, classes] of the test images under each of `draws` draws of what is random in the net while it trains; all images
 * of a batch see other masks. Throws where the net has running statistics, which passes of this kind would move.
 */
export async function mcDropout(trainer: Trainer, draws: number, seed: number): Promise<Float32Array[]> {
  const { data, memory, model } = trainer;
  const g = new Graph({ training: true, profile: memory.device.profile, seed, frozen: memory.layout.frozen });
  const batch = gatherBatch(g, data, 'test', []);
  const { dataset } = data.run;
  const logits = logitsOf(model, g, batch.x, dataset);
  check(
    g.layers.every(layer => !layer.running),
    'mcDropout: the net has batch norm, whose statistics its passes would move',
    'take a net without it',
  );
  g.kept.add(logits);
  const program = await BatchProgram.compile(batch);
  const { n } = batch.images;
  const classes = dataset.classes.length;
  try {
    const predictions: Float32Array[] = [];
    for (let draw = 0, step = 1; draw < draws; draw++) {
      const all = new Float32Array(n * classes);
      for (let at = 0; at < n; at += data.n, step++) {
        const valid = Math.min(data.n, n - at);
        await program.run({ offset: at, valid, seed: g.seed, step });
        all.set((await program.read(logits)).subarray(0, valid * classes), at * classes);
      }
      predictions.push(softmaxRows(all, classes));
    }
    return predictions;
  } finally {
    program.destroy();
  }
}
