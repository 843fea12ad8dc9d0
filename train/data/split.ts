/** Which images a run learns from, which it is tuned on, and which it is tested on. */
import { numbers, targetsAt, UNLABELLED, type Dataset, type Split } from '../../datasets/dataset.ts';
import { byClass } from '../../datasets/by-class.ts';
import { check, kindOf, named, say } from '../../engine/check.ts';
import { permutation, STREAMS } from '../../shaders/kernel/random.ts';

/** Images to train on, those held out of them for validation, and those to test on. */
export type Part = 'train' | 'val' | 'test';

/** The images of one part. */
export interface PartImages {
  readonly part: Part;
  /** The split of the data set that they are chosen from: the training images and those held out for validation come from the same one. */
  readonly source: 'train' | 'test';
  readonly from: Split;
  /** Their numbers in that split, in file order, and their class numbers; of a regression there are none, but targets [n, outputs]. */
  readonly indices: Uint32Array;
  readonly labels: Uint16Array;
  readonly targets?: Float32Array;
  /** Mean squared deviation of the targets from the means of their outputs. */
  readonly variance?: number;
  readonly n: number;
}

/** Which of the training images are held out for validation; none without it. */
export interface SplitOptions {
  /** Share of the training images held out for validation, at random. */
  readonly valSplit?: number;
  /** Whether each class is held out of by the same share; so it is then with folds. */
  readonly stratify?: boolean;
  /** k-fold cross-validation: fold number `fold` of `folds`, from 0, is held out; each image is in one fold. */
  readonly folds?: number;
  readonly fold?: number;
  readonly seed?: number;
}

/** A recipe, as to what it holds out. */
interface Held extends Pick<SplitOptions, 'valSplit' | 'seed'> {
  readonly stratify?: 'class' | 'none' | undefined;
}

/** What a recipe holds out. */
export const heldOut = ({ valSplit, stratify, seed }: Held): SplitOptions => ({
  valSplit,
  stratify: stratify === 'class',
  seed,
});

/** Training and validation images out of `n`, both in file order; `labels` are those to stratify by. */
export function splitIndices(
  n: number,
  { valSplit = 0, stratify = false, folds, fold = 0, seed = 0 }: SplitOptions,
  labels?: Uint16Array,
): { train: Uint32Array; val: Uint32Array } {
  check(typeof valSplit === 'number' && valSplit >= 0, say`${named('valSplit')}: it is ${kindOf(valSplit)}`, 'give a share of 0 to 1');
  check(Number.isInteger(seed), `seed: it is ${kindOf(seed)}`, 'give a whole number');
  let from = 0;
  let held = Math.round(valSplit * n);
  if (folds !== undefined) {
    check(
      Number.isInteger(folds) && folds >= 2 && folds <= n,
      say`${named('folds')}: ${folds} for ${n} training images`,
      `give a whole number of 2 to ${n}`,
    );
    check(Number.isInteger(fold) && fold >= 0 && fold < folds, `fold: ${fold} of ${folds} folds`, `give 0 to ${folds - 1}`);
    from = Math.floor((n * fold) / folds);
    held = Math.floor((n * (fold + 1)) / folds) - from;
  }
  check(held < n, say`${named('valSplit')}: ${valSplit} holds out all ${n} training images`, 'give a smaller share');
  if (!held) return { train: numbers(0, n), val: new Uint32Array() };
  const mixed = permutation(n, seed, STREAMS.split);
  if (stratify && labels?.length) return stratified(mixed, labels, held, folds === undefined ? undefined : { folds, fold });
  return {
    train: Uint32Array.from([...mixed.subarray(0, from), ...mixed.subarray(from + held)]).sort(),
    val: mixed.slice(from, from + held).sort(),
  };
}

/**
 * Holds `held` images out, or those of a fold: of the images class after class, each class in the order of `mixed`, those at even distances.
 * Of each class they are its share, rounded up or down. The only image of a class is trained on.
 */
function stratified(
  mixed: Uint32Array,
  labels: Uint16Array,
  held: number,
  folded?: { folds: number; fold: number },
): { train: Uint32Array; val: Uint32Array } {
  const several = byClass(labels, mixed).flatMap(own => (own.length > 1 || folded ? own : []));
  const m = several.length;
  const isHeld = (place: number) =>
    folded ? place % folded.folds === folded.fold : Math.floor(((place + 1) * held) / m) > Math.floor((place * held) / m);
  const val = Uint32Array.from(several.filter((_, place) => isHeld(place))).sort();
  const out = new Set(val);
  return { train: mixed.filter(i => !out.has(i)).sort(), val };
}

/** The mean over outputs of the variances of targets [n, outputs]. */
function varianceOf(targets: Float32Array, n: number): number {
  const outputs = targets.length / n;
  const means = new Float64Array(outputs || 0);
  for (const [i, t] of targets.entries()) means[i % outputs]! += t / n;
  return targets.reduce((sum, t, i) => sum + (t - means[i % outputs]!) ** 2, 0) / targets.length;
}

/** The parts of a data set; folds are of its own images for validation too. Images without a label are trained on alone. */
export function partsOf({ train, validation, test }: Dataset, options: SplitOptions): Readonly<Record<Part, PartImages>> {
  const indices =
    validation && !options.folds
      ? { train: numbers(validation, train.n), val: numbers(0, validation) }
      : splitLabelled(train, labelledIn(train), options);
  return {
    train: partImages('train', train, indices.train),
    val: partImages('val', train, indices.val),
    test: partImages('test', test, labelledIn(test)),
  };
}

/** A part that is the images `indices` of a split. */
export function partImages(part: Part, from: Split, indices: Uint32Array): PartImages {
  const targets = targetsAt(from, indices);
  return {
    part,
    source: part === 'test' ? 'test' : 'train',
    from,
    indices,
    labels: targets ? new Uint16Array() : Uint16Array.from(indices, i => from.labels[i]!),
    n: indices.length,
    ...(targets && { targets, variance: varianceOf(targets, indices.length) }),
  };
}

const labelledIn = ({ n, labels }: Split): Uint32Array => numbers(0, n).filter(i => labels[i] !== UNLABELLED);

function splitLabelled({ n, labels }: Split, labelled: Uint32Array, options: SplitOptions): { train: Uint32Array; val: Uint32Array } {
  const own = Uint16Array.from(labels.length ? labelled : [], i => labels[i]!);
  const val = splitIndices(labelled.length, options, own).val.map(place => labelled[place]!);
  const held = new Set(val);
  return { train: numbers(0, n).filter(i => !held.has(i)), val };
}
