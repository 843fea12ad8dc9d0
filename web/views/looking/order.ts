/** In which order answers are looked at, and which are confused most. */
import { mistakesOf, type Verdict } from '../../../train/evaluate/report.ts';

export const ORDERS = {
  worst: { label: 'worst mistakes: most sure, and wrong', of: mistakesOf },
  unsure: { label: 'least sure', of: (all: readonly Verdict[]) => [...all].sort((a, b) => a.probability - b.probability) },
  first: { label: 'the first ones', of: (all: readonly Verdict[]) => all },
} as const;
export type Order = keyof typeof ORDERS;

export interface Pair {
  readonly label: number;
  readonly answer: number;
  readonly images: number;
}

/** The wrong answers of counts [label, answer], those that are given most first. */
export function confusedMost(counts: ArrayLike<number>, classes: number, most: number): Pair[] {
  return Array.from({ length: classes ** 2 }, (_, at) => ({
    label: Math.floor(at / classes),
    answer: at % classes,
    images: counts[at]!,
  }))
    .filter(({ label, answer, images }) => label !== answer && images > 0)
    .sort((a, b) => b.images - a.images)
    .slice(0, most);
}
