/** Nets that are trained one after another on one device, and what they say of the test images. */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Device } from '../../../engine/device.ts';
import { parseConfig } from '../../config/config.ts';
import { recipeOf } from '../../config/recipe-of.ts';
import { openTrainer } from '../../run/open.ts';
import type { StepMetrics } from '../../step/metrics.ts';
import { score, softmaxRows } from '../probabilities.ts';

/** Options of a run, as texts of the command line. */
export type Given = Parameters<typeof parseConfig>[1];

/** Lines of metrics of a run, about. */
const LINES = 60;

export interface Member {
  readonly lines: readonly StepMetrics[];
  /** Probabilities [n, classes] of the test images, after each cycle of the run. */
  readonly predictions: readonly Float32Array[];
  readonly steps: number;
}

/** Trains a net to its end; `cycles` are the equal parts of the run after each of which it is asked. Undefined where the user stopped it. */
export async function trained(
  model: string,
  given: Given,
  dataset: Dataset,
  device: Device,
  { cycles = 1, stopped }: { cycles?: number; stopped: () => boolean },
): Promise<Member | undefined> {
  const recipe = recipeOf(parseConfig(model, { dataset: dataset.name, valSplit: '0', ...given }));
  const { trainer, total } = await openTrainer(recipe, dataset, device);
  const logEvery = Math.max(1, Math.floor(total / LINES));
  const predictions: Float32Array[] = [];
  const lines: StepMetrics[] = [];
  try {
    for (let step = 1; step <= total; step++) {
      if (stopped()) return undefined;
      await trainer.step(step % logEvery === 0 || step === total);
      lines.push(...trainer.arrived());
      if ((step * cycles) % total < cycles) predictions.push(softmaxRows(await trainer.logits('test'), dataset.classes.length));
    }
    lines.push(...(await trainer.settle()));
    return { lines, predictions, steps: total };
  } finally {
    await device.idle();
    trainer.destroy();
  }
}

/** Loss and accuracy on the test images of the mean of several predictions. */
export function together(predictions: readonly Float32Array[], { test, classes }: Dataset): { loss: number; accuracy: number } {
  const mean = new Float32Array(predictions[0]!.length);
  for (const p of predictions) for (const [i, v] of p.entries()) mean[i]! += v / predictions.length;
  return score(mean, test.labels, classes.length);
}
