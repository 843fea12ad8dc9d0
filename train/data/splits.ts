/** Which images a run learns from, which it is tuned on, and in which order they come. */
import { check, named, say } from '../../engine/check.ts';
import { permutation, STREAMS } from '../../shaders/kernel/random.ts';

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
  if (!held) return { train: Uint32Array.from({ length: n }, (_, i) => i), val: new Uint32Array() };
  const mixed = permutation(n, seed, STREAMS.split);
  return {
    train: Uint32Array.from([...mixed.subarray(0, from), ...mixed.subarray(from + held)]).sort(),
    val: mixed.slice(from, from + held).sort(),
  };
}

/** Bands of like difficulty. */
const BANDS = 10;

/**
 * Positions 0 … n-1 from easy to hard by `scores` (low is easy: the loss of each image), for a curriculum (Bengio et al. 2009). Within each
 * tenth the order is shuffled by (seed, epoch), so that epochs do not repeat the same batches.
 */
export function curriculum(scores: ArrayLike<number>, seed: number, epoch: number): Uint32Array {
  const n = scores.length;
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]! || a - b);
  const out = new Uint32Array(n);
  const place = permutation(n, seed, STREAMS.shuffle, epoch);
  const bandOf = (rank: number) => Math.floor((rank * BANDS) / n);
  let done = 0;
  for (let band = 0; band < BANDS; band++) {
    for (const rank of place) if (bandOf(rank) === band) out[done++] = order[rank]!;
  }
  return out;
}

/** Rank of each score among those of its label, in [0, 1): scores of untrained weights tell classes apart, and batches should not. */
export function rankWithin(scores: ArrayLike<number>, labels: ArrayLike<number>): Float32Array {
  const groups = new Map<number, number[]>();
  const out = new Float32Array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    const group = groups.get(labels[i]!);
    if (group) group.push(i);
    else groups.set(labels[i]!, [i]);
  }
  for (const group of groups.values()) {
    group.sort((a, b) => scores[a]! - scores[b]! || a - b);
    for (const [rank, i] of group.entries()) out[i] = rank / group.length;
  }
  return out;
}

/** Softmax cross-entropy of logits [n, classes] and class numbers: the score of each image. */
export function lossOf(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Float64Array {
  return Float64Array.from({ length: labels.length }, (_, i) => {
    let most = -Infinity;
    let sum = 0;
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[i * classes + k]!);
    for (let k = 0; k < classes; k++) sum += Math.exp(logits[i * classes + k]! - most);
    return Math.log(sum) + most - logits[i * classes + labels[i]!]!;
  });
}
