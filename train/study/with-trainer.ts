/** Nets that experiments train by options of the command line, on all training samples. */
import type { Dataset } from '../../datasets/dataset.ts';
import { parseConfig } from '../config/config.ts';
import { recipeOf } from '../config/recipe-of.ts';
import { openTrainer, type Opened } from '../run/open.ts';
import type { Tensors } from '../run/safetensors.ts';
import type { Score } from '../evaluate/score.ts';
import type { StepMetrics } from '../step/metrics.ts';
import type { Trainer } from '../step/trainer.ts';
import { Stopped, type Lab } from './experiment.ts';

/** Options of a run, as texts of the command line. */
export type Given = Parameters<typeof parseConfig>[1];

/** A net before its first step, without samples held out. Whoever asks destroys the trainer. */
export const openNet = async (lab: Lab, model: string, given: Given, dataset: Dataset): Promise<Opened> =>
  openTrainer(recipeOf(parseConfig(model, { valSplit: '0', ...given })), dataset, await lab.device());

/** What `work` makes of a net, whose trainer is destroyed after it; `total` are the steps that its options ask for. */
export async function withTrainer<T>(
  lab: Lab,
  model: string,
  given: Given,
  dataset: Dataset,
  work: (trainer: Trainer, total: number) => Promise<T>,
): Promise<T> {
  const { trainer, total } = await openNet(lab, model, given, dataset);
  try {
    return await work(trainer, total);
  } finally {
    await (await lab.device()).idle();
    trainer.destroy();
  }
}

/** Weights with 0 in place of all values of those that `where` names. */
export const zeroed = (weights: Tensors, where: (name: string, tensor: Tensors[string]) => boolean = () => true): Tensors =>
  Object.fromEntries(
    Object.entries(weights).map(([name, t]) => [name, where(name, t) ? { ...t, data: new Float32Array(t.data.length) } : t]),
  );

/** Loss and accuracy on the images that a net was trained on, as they are, and on the test images. */
export interface Scores {
  readonly train: Score;
  readonly test: Score;
}

/** The scores of the weights that a trainer has. */
export const scoresOf = async (trainer: Trainer): Promise<Scores> => ({
  train: await trainer.evaluate('train'),
  test: await trainer.evaluate('test'),
});

/** Trains up to step `until`; the last step's metrics are read unless `log` says which are. Throws where the user asked to stop. */
export async function trainTo(
  lab: Lab,
  trainer: Trainer,
  until: number,
  { log = step => step === until, onMetrics }: { log?: (step: number) => boolean; onMetrics?: (line: StepMetrics) => void } = {},
): Promise<void> {
  const tell = (lines: readonly StepMetrics[]) => lines.forEach(line => onMetrics?.(line));
  while (trainer.steps < until) {
    if (lab.stopped) throw new Stopped();
    await trainer.step(log(trainer.steps + 1));
    tell(trainer.arrived());
  }
  tell(await trainer.settle());
}
