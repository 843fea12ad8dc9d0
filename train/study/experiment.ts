/** What an experiment of the courses is: it computes on whatever device is at hand, and returns a table, panels and values. */
import type { Dataset, Limits } from '../../datasets/dataset.ts';
import { datasets } from '../../datasets/index.ts';
import type { Device } from '../../engine/device.ts';
import { neededList, number, type Defaulted, type Parameters, type Values } from '../../engine/parameter.ts';
import { COUNT, type Range } from '../../engine/range.ts';
import type { ChartOptions } from '../../plots/chart.ts';
import type { Panel } from '../../plots/panel.ts';

/** Where a lab keeps parts of one experiment with the options that it has, by their names. */
export interface Kept {
  read(name: string): Promise<Uint8Array | undefined>;
  write(name: string, bytes: Uint8Array): Promise<void>;
}

/** What an experiment finds where it runs: the command line, the page, a test. */
export interface Lab {
  /** Decides all that is random. */
  readonly seed: number;
  /** The device, opened when it is first asked for: some experiments are computed by the host alone. */
  device(): Promise<Device>;
  /** A data set by its name, or the first images of it; of a table `target` is the column to predict. */
  dataset(name: string, limits?: Limits & { readonly target?: string | undefined }): Promise<Dataset>;
  /** Where parts of the work outlast a stop, so that the same experiment goes on where it was; without it they do not. */
  readonly kept?: Kept;
  /** Told before each part of the work, and after the last. */
  progress(done: number, of: number, what: string): void;
  /** Told of a result that is complete, in words and for programs, where results are worth it by themselves. */
  tell?(words: string, facts: unknown): void;
  /** Whether the user wants to see what there is by now. */
  readonly stopped: boolean;
}

/** A value of a table: a number, shown with as many digits as say something, or words. */
export type Cell = string | number | undefined;

/** A figure that is published, that theory gives, or that came of other code, beside the one that came out. */
export interface Expected {
  readonly what: string;
  readonly expected: number;
  readonly found: number;
  /** Who says so: authors and year, the formula, or the other code and how much it ran. */
  readonly source: string;
}

/** What came of an experiment. */
export interface Outcome {
  readonly title: string;
  /** One for each thing that is compared; its keys are the heads of the columns. */
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** Heads of columns whose numbers are shares, and read as percent. */
  readonly shares?: readonly string[];
  readonly expected?: readonly Expected[];
  /** The picture. */
  readonly panels: readonly Panel[];
  readonly layout?: Omit<ChartOptions, 'title'>;
  /** Further pictures as SVG, by what their names add to that of the first. */
  readonly pictures?: Readonly<Record<string, string>>;
  /** All that was measured and has no place in the table, for programs: what JSON can say. */
  readonly values?: unknown;
}

/** An experiment, by the name under which `compare` has it. Its options follow the name: `born-dead:nets=200`. */
export interface Experiment {
  /** What it shows, in one line. */
  readonly about: string;
  /** Authors and year, or the lecture. */
  readonly source: string;
  readonly options: Parameters;
  run(lab: Lab, options: Readonly<Record<string, any>>): Promise<Outcome>;
}

/** What a count of an experiment may be at most where its option says nothing of it: beyond, no machine would come to an end. */
const MOST = 1_000_000;

/** The same options, with counts that have no upper bound of their own up to MOST. */
const bounded = (options: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(options).map(([key, option]) => {
      const { range, about, default: usual } = option;
      const isOpen = range?.integer && range.max === undefined && range.below === undefined;
      return [key, isOpen ? number(usual, about, { ...range, max: MOST }) : option];
    }),
  );

/** How many of a data set's images an experiment may take: no more than there are, since its title says how many it was. */
export const imageCount = (name: 'fashion-mnist' | 'cifar10', min: number, part: 'train' | 'test' = 'train'): Range => ({
  ...COUNT,
  min,
  max: datasets[name]![part],
});

/** How many images of Fashion-MNIST are trained on, of which there are to be `least` at least. */
export const trainingImages = (usual: number, least: number) =>
  number(usual, 'training images of Fashion-MNIST', imageCount('fashion-mnist', least));

/** Different whole numbers: what is done for each would be done twice. */
export function distinct(usual: readonly number[], about: string, range: Range): Defaulted<readonly number[]> {
  const list = neededList(usual, '-', about, { ...COUNT, ...range });
  const read = (given: unknown) => {
    const numbers = list.read(given);
    return numbers?.length === new Set(numbers).size ? numbers : undefined;
  };
  return { ...list, default: usual, accepts: `different ${list.accepts}`, read };
}

/** Deviations of noise whose squares float32 adds up beside what a few samples say. */
export const NOISE: Range = { min: 0, max: 1000 };

/** Infers the names and types of the options for `run`. Whole numbers among them are at most MOST where they have no bound of their own. */
export const experiment = <P extends Parameters>(
  e: Omit<Experiment, 'options' | 'run'> & { options: P; run(lab: Lab, options: Values<P>): Promise<Outcome> },
): Experiment => ({ ...e, options: bounded(e.options) }) as Experiment;

/** Thrown out of a part of the work that is not complete when the user asks to stop: what there is of it says nothing. */
export class Stopped extends Error {}

/** Lets other events come to their turn, Ctrl-C among them. Throws where the user asked to stop. */
export async function giveWay(lab: Lab): Promise<void> {
  await new Promise(resolve => setTimeout(resolve));
  if (lab.stopped) throw new Stopped();
}

/** Milliseconds for which the host may compute before others come to their turn. */
const WITHOUT_WAY = 50;

/** To be awaited between pieces of work of the host that are short: gives way, as giveWay does, once they have taken a while together. */
export function breaks(lab: Lab): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < WITHOUT_WAY) return undefined;
    return giveWay(lab).then(() => {
      since = performance.now();
    });
  };
}

/** What comes of each of `count` such pieces of work, one after another. Throws where the user asked to stop. */
export async function repeated<R>(lab: Lab, count: number, work: (k: number) => R): Promise<R[]> {
  const pause = breaks(lab);
  const results: R[] = [];
  for (let k = 0; k < count; k++) {
    await pause();
    results.push(work(k));
  }
  return results;
}

/**
 * Does `work` on each of `items`, one after another, and tells how far it is. What is returned ends before the item at which the user asked
 * to stop.
 */
export async function inTurn<T, R>(lab: Lab, items: readonly T[], name: (item: T) => string, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  try {
    for (const item of items) {
      lab.progress(results.length, items.length, name(item));
      await giveWay(lab);
      results.push(await work(item));
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  lab.progress(results.length, items.length, '');
  return results;
}

/** A part of the work of an experiment. */
export interface Task<R = unknown> {
  readonly name: string;
  work(): Promise<R>;
}

/** As inTurn, of parts that have work of their own. */
export const tasksInTurn = <R>(lab: Lab, tasks: readonly Task<R>[]): Promise<R[]> =>
  inTurn(
    lab,
    tasks,
    ({ name }) => name,
    ({ work }) => work(),
  );
