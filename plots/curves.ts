/** The course of a run: loss and accuracy of training and validation over the epochs. */
import type { MetricsLine } from '../train/metrics.ts';
import { draw, type Series } from './chart.ts';

const MOST = 200; // points of a curve

/** The curves of a run from the lines of its metrics.jsonl, as SVG. */
export function curves(lines: readonly MetricsLine[], title?: string): string {
  const series = (field: 'loss' | 'accuracy'): Series[] =>
    [
      {
        name: 'training',
        points: means(lines.flatMap(l => ('split' in l ? [] : [{ step: l.step, at: l.epoch, value: l[field] }]))),
      },
      ...(['val', 'test'] as const).map(split => ({
        name: split === 'val' ? 'validation' : 'test',
        dots: true,
        dashed: split === 'test',
        points: lines.flatMap(l => ('split' in l && l.split === split ? [[l.epoch, l[field]] as const] : [])),
      })),
    ].filter(s => s.points.length);
  return draw(
    [
      {
        kind: 'line',
        title: 'Loss',
        x: { label: 'epoch' },
        y: { label: 'cross-entropy', min: 0 },
        series: series('loss'),
      },
      {
        kind: 'line',
        title: 'Accuracy',
        x: { label: 'epoch' },
        y: { label: 'correct', percent: true, max: 1 },
        series: series('accuracy'),
      },
    ],
    { title },
  );
}

/**
 * Means of neighbours by their steps: at most MOST points, none over fewer steps than the longest line of metrics (that after an epoch's
 * end is short, and noisy).
 */
function means(lines: readonly { step: number; at: number; value: number }[]): (readonly [number, number])[] {
  const weighed = lines.map((l, i) => ({ ...l, steps: Math.max(1, l.step - (lines[i - 1]?.step ?? 0)) }));
  const least = weighed.reduce((most, l) => Math.max(most, l.steps), (lines.at(-1)?.step ?? 0) / MOST);
  const points: (readonly [number, number])[] = [];
  let steps = 0;
  let at = 0;
  let value = 0;
  for (const [i, l] of weighed.entries()) {
    steps += l.steps;
    at += l.steps * l.at;
    value += l.steps * l.value;
    if (steps < least && !(i === weighed.length - 1 && steps >= least / 2)) continue;
    points.push([at / steps, value / steps]);
    steps = at = value = 0;
  }
  return points;
}
