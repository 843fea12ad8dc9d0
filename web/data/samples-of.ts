/** Which images of a set stand for its classes. */

/** How many labels are of each class; those that are of none count nowhere. */
export function countsOf(labels: Uint16Array, classes: number): Uint32Array {
  const counts = new Uint32Array(classes);
  for (const label of labels) if (label < classes) counts[label]!++;
  return counts;
}

/** The numbers of the first `each` images of each of the first `classes` classes. */
export function firstOfEach(labels: Uint16Array, classes: number, each: number): Uint32Array[] {
  const found = Array.from({ length: classes }, (): number[] => []);
  let missing = classes * each;
  for (let i = 0; i < labels.length && missing > 0; i++) {
    const of = found[labels[i]!];
    if (!of || of.length === each) continue;
    of.push(i);
    missing--;
  }
  return found.map(of => Uint32Array.from(of));
}
