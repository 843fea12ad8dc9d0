/** Which samples of Teach are learned from, and which are held out. */

/** Most parts into which samples are divided: each takes a training of its own. */
const FOLDS = 5;

/** The places of each label. */
function byLabel(labels: ArrayLike<number>): number[][] {
  const places: number[][] = [];
  for (let i = 0; i < labels.length; i++) (places[labels[i]!] ??= []).push(i);
  return places.filter(Boolean);
}

/**
 * The part with which each sample is held out; -1 for the only one of its class, which must be learned from. The samples of a class are cut
 * where they lie: pictures that a camera took one after the other are nearly the same, and a net that has seen one knows the next.
 */
export function foldsOf(labels: ArrayLike<number>): Int8Array {
  const folds = new Int8Array(labels.length);
  for (const places of byLabel(labels)) {
    const parts = Math.min(FOLDS, places.length);
    for (const [at, i] of places.entries()) folds[i] = parts > 1 ? Math.floor((at * parts) / places.length) : -1;
  }
  return folds;
}

/** Places of samples so that each class comes as often as the largest: a button is held longer for one thing than for another. */
export function balanced(labels: ArrayLike<number>): number[] {
  const all = byLabel(labels);
  const most = Math.max(...all.map(places => places.length));
  return all.flatMap(places => Array.from({ length: most }, (_, at) => places[at % places.length]!));
}
