/** Where tests run experiments: the device of all tests, seed 0 unless another one is given, nobody told of progress. */
import { openDataset } from '../../datasets/node/open.ts';
import type { Lab, Outcome } from '../../train/study/experiment.ts';
import { planned } from '../../train/study/experiments.ts';
import { deviceFor } from './check.ts';

/** `images` stands for every data set that is asked for, where it is given: computed ones in place of those that are fetched. */
export interface LabOptions {
  readonly seed?: number;
  readonly images?: string;
  readonly limitTest?: number;
}

export const labOf = ({ seed = 0, images, ...fewer }: LabOptions = {}): Lab => ({
  seed,
  device: () => deviceFor(),
  dataset: (name, limits) => openDataset(images ?? name, { quiet: true, ...limits, ...fewer }),
  progress() {},
  stopped: false,
});

/** What comes of an experiment, as `descent compare` is asked for it. */
export const outcomeOf = (text: string, options?: LabOptions): Promise<Outcome> => planned(text).run(labOf(options));

/** The rows of its table by their first cells. */
export const rowsBy = ({ rows }: Outcome): Readonly<Record<string, Outcome['rows'][number]>> =>
  Object.fromEntries(rows.map(row => [String(Object.values(row)[0]), row]));
