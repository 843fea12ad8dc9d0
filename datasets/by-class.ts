/** Images by what they show. Apart from labels.ts, which reads what a program gives: every run takes this, and few that. */

/** The images of each class that is among them, classes by their numbers, images in the order of `images`. */
export function byClass(labels: ArrayLike<number>, images: Iterable<number>): number[][] {
  const members = new Map<number, number[]>();
  for (const i of images) {
    const own = members.get(labels[i]!);
    if (own) own.push(i);
    else members.set(labels[i]!, [i]);
  }
  return [...members].sort(([a], [b]) => a - b).map(([, own]) => own);
}
