/** Nets that are trained one after another on one device, and what they say of the test images. */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Series } from '../../../plots/panel.ts';
import type { StepMetrics } from '../../step/metrics.ts';
import type { Trainer } from '../../step/trainer.ts';
import type { Lab } from '../experiment.ts';
import { score, softmaxRows } from '../probabilities.ts';
import { scoresOf, trainTo, withTrainer, type Given, type Scores } from '../with-trainer.ts';

/** Lines of metrics of a run, about. */
const LINES = 60;

export interface Member {
  readonly lines: readonly StepMetrics[];
  /** Probabilities [n, classes] of the test images, after each cycle of the run. */
  readonly predictions: readonly Float32Array[];
}

/** Trains a net to its end; `cycles` are the equal parts of the run after each of which it is asked. */
export const trained = (lab: Lab, model: string, given: Given, dataset: Dataset, cycles = 1): Promise<Member> =>
  withTrainer(lab, model, given, dataset, (trainer, total) => trainOn(lab, trainer, total, dataset, cycles));

/** Trains a net to step `total`, and asks it `cycles` times. */
export async function trainOn(lab: Lab, trainer: Trainer, total: number, dataset: Dataset, cycles: number): Promise<Member> {
  const logEvery = Math.max(1, Math.floor(total / LINES));
  const log = (step: number) => step % logEvery === 0 || step === total;
  const predictions: Float32Array[] = [];
  const lines: StepMetrics[] = [];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await trainTo(lab, trainer, Math.ceil((cycle * total) / cycles), { log, onMetrics: line => lines.push(line) });
    predictions.push(softmaxRows(await trainer.logits('test'), dataset.classes.length));
  }
  return { lines, predictions };
}

/** A value of the lines of each run by epochs. */
export const curvesOf = (
  runs: readonly { readonly name: string; readonly lines: readonly StepMetrics[] }[],
  value: (line: StepMetrics) => number,
): Series[] => runs.map(({ name, lines }) => ({ name, points: lines.map(line => [line.epoch, value(line)] as const) }));

/** The scores of a net trained to its end. */
export const scored = (lab: Lab, model: string, given: Given, dataset: Dataset): Promise<Scores> =>
  withTrainer(lab, model, given, dataset, async (trainer, total) => {
    await trainTo(lab, trainer, total);
    return scoresOf(trainer);
  });

/** The mean of several predictions. */
export function meanOf(predictions: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(predictions[0]!.length);
  for (const p of predictions) for (const [i, v] of p.entries()) mean[i]! += v / predictions.length;
  return mean;
}

/** Loss and accuracy on the test images of the mean of several predictions. */
export const together = (predictions: readonly Float32Array[], { test, classes }: Dataset): { loss: number; accuracy: number } =>
  score(meanOf(predictions), test.labels, classes.length);
