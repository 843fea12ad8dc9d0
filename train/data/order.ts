/** In which order an epoch takes the images of a part. */
import { numbers, UNLABELLED } from '../../datasets/dataset.ts';
import { byClass } from '../../datasets/by-class.ts';
import { permutation, STREAMS, uniforms } from '../../shaders/kernel/random.ts';

/** Shuffled by (seed, epoch); with `scores`, the difficulty of each image, from easy to hard (see curriculum). */
export interface Order {
  readonly seed: number;
  readonly epoch: number;
  readonly scores?: ArrayLike<number> | undefined;
  /** The labels of the images, where they are drawn with replacement so that each class comes as often as any other. */
  readonly balanced?: ArrayLike<number> | undefined;
  /** Whether the images stay as in the file. */
  readonly inFile?: boolean;
  /** Of each batch of so many images only those from `start` to `end`, batch after batch. */
  readonly part?: BatchPart | undefined;
}

/** Of each `batch` images those from number `start` to before `end`. */
export interface BatchPart {
  readonly batch: number;
  readonly start: number;
  readonly end: number;
}

/** The images `indices` in an order; without one they stay as in the file. */
export function inOrder(indices: Uint32Array, order: Order | undefined): Uint32Array {
  if (!order) return indices;
  const { seed, epoch, scores, balanced, inFile, part } = order;
  const whole = (): Uint32Array => {
    if (inFile) return indices;
    if (balanced) return drawn(balanced, seed, epoch).map(place => indices[place]!);
    const places = scores ? curriculum(scores, seed, epoch) : permutation(indices.length, seed, STREAMS.shuffle, epoch);
    return places.map(place => indices[place]!);
  };
  return part ? partOf(whole(), part) : whole();
}

/** A part of each whole batch. */
const partOf = (images: Uint32Array, { batch, start, end }: BatchPart): Uint32Array =>
  images.filter((_, i) => i % batch >= start && i % batch < end && i - (i % batch) + batch <= images.length);

export const isSameOrder = (a: Order | undefined, b: Order | undefined): boolean =>
  a?.seed === b?.seed &&
  a?.epoch === b?.epoch &&
  a?.scores === b?.scores &&
  a?.balanced === b?.balanced &&
  a?.inFile === b?.inFile &&
  a?.part === b?.part;

/**
 * As many positions as there are labels, drawn with replacement, each with a probability of one over the images of its class: as
 * torch.utils.data.WeightedRandomSampler with such weights. What has no label is not drawn.
 */
export function drawn(labels: ArrayLike<number>, seed: number, epoch: number): Uint32Array {
  const classes = byClass(
    labels,
    numbers(0, labels.length).filter(i => labels[i] !== UNLABELLED),
  );
  const next = uniforms(seed, STREAMS.sample, epoch);
  const one = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)]!;
  return Uint32Array.from({ length: labels.length }, () => one(one(classes)));
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
  const out = new Float32Array(scores.length);
  for (const group of byClass(labels, numbers(0, scores.length))) {
    group.sort((a, b) => scores[a]! - scores[b]! || a - b);
    for (const [rank, i] of group.entries()) out[i] = rank / group.length;
  }
  return out;
}

/** Softmax cross-entropy of logits [n, classes] and class numbers: the score of each image. */
export function lossOf(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Float64Array {
  return Float64Array.from({ length: labels.length }, (_, i) => {
    if (labels[i] === UNLABELLED) return 0;
    let most = -Infinity;
    let sum = 0;
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[i * classes + k]!);
    for (let k = 0; k < classes; k++) sum += Math.exp(logits[i * classes + k]! - most);
    return Math.log(sum) + most - logits[i * classes + labels[i]!]!;
  });
}
