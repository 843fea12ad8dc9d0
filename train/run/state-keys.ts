/**
 * The keys of state.safetensors, as they are written and read: changing one makes older run folders unreadable. Tensors are
 * `adam.m.conv1.weight`, `gradient.conv1.weight`, `phase 2.s0`, `swag.mean.conv1.weight`, `together.z`, `own.x`, `curriculum.scores` and
 * `loss scale`; numbers stand in the file's metadata, as `counter.steps`.
 */

/** Values by name that lie in a table of others, each under the same prefix and its name. */
export interface Section {
  key(name: string): string;
  write<T>(values: Readonly<Record<string, T>>): Record<string, T>;
  read<T>(table: Readonly<Record<string, T>>): Record<string, T>;
}

const section = (prefix: string): Section => ({
  key: name => prefix + name,
  write: values => Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value])),
  read: table => {
    const own = Object.entries(table).filter(([key]) => key.startsWith(prefix));
    return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
  },
});

/** One state of an update rule, by parameter. */
export const ruleState = (rule: string, state: string): Section => section(`${rule}.${state}.`);
/** Gradients that wait for an update, by parameter. */
export const gradients = section('gradient.');
/** What phase number `number`, from 1, knows of the curvature. */
export const phaseState = (number: number): Section => section(`phase ${number}.`);
/** The running mean (`mean`), the mean square (`square`) or one deviation (`deviation0`, …) of SWAG, by weight. */
export const swagPart = (part: string): Section => section(`swag.${part}.`);
/** What the ranks of a job hold together beside the weights, and what one holds beside its trainer's state. */
export const together = section('together.');
export const own = section('own.');
const BESIDE = 'checkpoint ';
/** In a checkpoint that is one file, beside the weights: all the state of a run, and the weights of its best evaluation. */
export const checkpointState = section(`${BESIDE}state.`);
export const best = section(`${BESIDE}best.`);
/** Whether a tensor of such a file is none of the weights. */
export const isBesideWeights = (name: string): boolean => name.startsWith(BESIDE);
/** The numbers of a run: steps done; of batches that grow see Accumulation; samples that SWAG has taken in. */
export interface Counters {
  readonly steps: number;
  readonly held?: number;
  readonly without?: number;
  readonly swag?: number;
}
const numbers = section('counter.');

/** Counters for the metadata of a file, where the steps stand as `step` too. */
export const writeCounters = (counters: Counters): Record<string, string> => ({
  ...numbers.write(Object.fromEntries(Object.entries(counters).map(([name, n]) => [name, String(n)]))),
  step: String(counters.steps),
});

/** What `writeCounters` gave. */
export const readCounters = (metadata: Readonly<Record<string, string>>): Counters => ({
  steps: Number(metadata.step),
  ...Object.fromEntries(Object.entries(numbers.read(metadata)).map(([name, text]) => [name, Number(text)])),
});

/** The difficulty of each training image. */
export const SCORES = 'curriculum.scores';
/** The state of dynamic loss scaling. */
export const LOSS_SCALE = 'loss scale';
