/** Where tests run experiments: the device of all tests, seed 0 unless another one is given, nobody told of progress. */
import { openDataset } from '../../datasets/node/open.ts';
import type { Lab, Outcome } from '../../train/study/experiment.ts';
import { planned } from '../../train/study/experiments.ts';
import { deviceFor } from './check.ts';

const lab = (seed: number): Lab => ({
  seed,
  device: () => deviceFor(),
  dataset: (name, limits) => openDataset(name, { quiet: true, ...limits }),
  progress() {},
  stopped: false,
});

/** What comes of an experiment, as `descent compare` is asked for it. */
export const outcomeOf = (text: string, seed = 0): Promise<Outcome> => planned(text).run(lab(seed));

/** The rows of its table by their first cells. */
export const rowsBy = ({ rows }: Outcome): Readonly<Record<string, Outcome['rows'][number]>> =>
  Object.fromEntries(rows.map(row => [String(Object.values(row)[0]), row]));
