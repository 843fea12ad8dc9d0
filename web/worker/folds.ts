/** Samples in parts, each of which is held out once: what a net says of samples that it has not learned from. */

/** Most parts: each takes a training of its own. */
const FOLDS = 5;

/**
 * The part that each sample is held out with; -1 for the only one of its class, which must be learned from. The samples of a class are cut
 * where they lie: pictures that a camera took one after the other are nearly the same, and a net that has seen one knows the next.
 */
export function foldsOf(labels: ArrayLike<number>): Int8Array {
  const folds = new Int8Array(labels.length);
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) byClass.set(labels[i]!, [...(byClass.get(labels[i]!) ?? []), i]);
  for (const members of byClass.values()) {
    for (const [at, i] of members.entries())
      folds[i] = members.length > 1 ? Math.floor((at * Math.min(FOLDS, members.length)) / members.length) : -1;
  }
  return folds;
}
