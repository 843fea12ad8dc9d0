/** Which images a run learns from, which it is tuned on, and which it is tested on. */
import { numbers, type Dataset, type Split } from '../../datasets/dataset.ts';
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
  /** Their numbers in that split, in file order, and their class numbers. */
  readonly indices: Uint32Array;
  readonly labels: Uint16Array;
  readonly n: number;
}

/** Which of the training images are held out for validation; none without it. */
export interface SplitOptions {
  /** Share of the training images held out for validation, at random. */
  readonly valSplit?: number;
  /** k-fold cross-validation: fold number `fold` of `folds`, from 0, is held out; each image is in one fold. */
  readonly folds?: number;
  readonly fold?: number;
  readonly seed?: number;
}

/** Training and validation images out of `n`, both in file order. */
export function splitIndices(
  n: number,
  { valSplit = 0, folds, fold = 0, seed = 0 }: SplitOptions,
): { train: Uint32Array; val: Uint32Array } {
  check(typeof valSplit === 'number' && valSplit >= 0, say`${named('valSplit')}: it is ${kindOf(valSplit)}`, 'give a share of 0 to 1');
  check(Number.isInteger(seed), `seed: it is ${kindOf(seed)}`, 'give a whole number');
  let from = 0;
  let held = Math.round(valSplit * n);
  if (folds !== undefined) {
    check(
      Number.isInteger(folds) && folds >= 2 && folds <= n,
      `folds: ${folds} for ${n} training images`,
      `give a whole number of 2 to ${n}`,
    );
    check(Number.isInteger(fold) && fold >= 0 && fold < folds, `fold: ${fold} of ${folds} folds`, `give 0 to ${folds - 1}`);
    from = Math.floor((n * fold) / folds);
    held = Math.floor((n * (fold + 1)) / folds) - from;
  }
  check(held < n, say`${named('valSplit')}: ${valSplit} holds out all ${n} training images`, 'give a smaller share');
  if (!held) return { train: numbers(0, n), val: new Uint32Array() };
  const mixed = permutation(n, seed, STREAMS.split);
  return {
    train: Uint32Array.from([...mixed.subarray(0, from), ...mixed.subarray(from + held)]).sort(),
    val: mixed.slice(from, from + held).sort(),
  };
}

/** The parts of a data set. */
export function partsOf({ train, test }: Dataset, options: SplitOptions): Readonly<Record<Part, PartImages>> {
  const indices = splitIndices(train.n, options);
  const images = (part: Part, source: 'train' | 'test', from: Split, indices: Uint32Array): PartImages => ({
    part,
    source,
    from,
    indices,
    labels: Uint16Array.from(indices, i => from.labels[i]!),
    n: indices.length,
  });
  return {
    train: images('train', 'train', train, indices.train),
    val: images('val', 'train', train, indices.val),
    test: images('test', 'test', test, numbers(0, test.n)),
  };
}
