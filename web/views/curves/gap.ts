/** The overfitting gap: where the validation curve is worse than the training curve. */
import { heightAt, type Point } from './line.ts';

/** Most points of the outline: it is drawn many times a second. */
const MOST = 600;

/**
 * The outline between the two curves over the steps that both have, as two lines over the same steps: `from` is the training curve, `to`
 * the worse of the two. `worse` is 1 where more is worse (loss), -1 where less is (accuracy). Where they cross a point is put in, so that
 * nothing is shaded elsewhere.
 */
export function overfitting(train: readonly Point[], validation: readonly Point[], worse: 1 | -1): { from: Point[]; to: Point[] } {
  const from: Point[] = [];
  const to: Point[] = [];
  if (train.length < 2 || validation.length < 2) return { from, to };
  const first = Math.max(train[0]![0], validation[0]![0]);
  const last = Math.min(train.at(-1)![0], validation.at(-1)![0]);
  if (last <= first) return { from, to };
  const every = Math.ceil(train.length / MOST);
  const steps = [...train.filter((_, i) => i % every === 0), ...validation].map(p => p[0]).filter(x => x > first && x < last);
  let before: { x: number; t: number; gap: number } | undefined;
  for (const x of [first, ...[...new Set(steps)].sort((a, b) => a - b), last]) {
    const t = heightAt(train, x);
    const gap = worse * (heightAt(validation, x) - t);
    if (before && before.gap * gap < 0) {
      const share = before.gap / (before.gap - gap);
      const crossing: Point = [before.x + share * (x - before.x), before.t + share * (t - before.t)];
      from.push(crossing);
      to.push(crossing);
    }
    from.push([x, t]);
    to.push([x, t + worse * Math.max(0, gap)]);
    before = { x, t, gap };
  }
  return { from, to };
}
