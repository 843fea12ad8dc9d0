/** The curves of a run: loss and accuracy, of a regression the RMSE, of training and validation over the epochs. */
import type { MetricsLine } from '../step/metrics.ts';
import { draw } from '../../plots/chart.ts';
import type { Axis, Series } from '../../plots/panel.ts';

/** Points of a curve. */
const MOST = 200;

/** The curves of a run from the lines of its metrics.jsonl, as SVG; `lossName` is what the loss is called. */
export function curves(lines: readonly MetricsLine[], title?: string, lossName = 'cross-entropy'): string {
  const x = { label: 'epoch' };
  const loss: Axis = { label: lossName, min: 0 };
  const accuracy: Axis = { label: 'correct', percent: true, max: 1 };
  const isRegression = lines.some(line => line.rmse !== undefined);
  return draw(
    [
      { kind: 'line', title: 'Loss', x, y: loss, series: seriesOf(lines, 'loss') },
      isRegression
        ? { kind: 'line', title: 'Root mean squared error', x, y: { label: 'RMSE', min: 0 }, series: seriesOf(lines, 'rmse') }
        : { kind: 'line', title: 'Accuracy', x, y: accuracy, series: seriesOf(lines, 'accuracy') },
    ],
    { title },
  );
}

/** Training as a line, evaluations as dots; what a run does not have is left out. */
function seriesOf(lines: readonly MetricsLine[], field: 'loss' | 'accuracy' | 'rmse'): Series[] {
  const steps = lines.flatMap(l => ('split' in l ? [] : [{ step: l.step, at: l.epoch, value: l[field]! }]));
  const evaluations = (split: 'val' | 'test') =>
    lines.flatMap(l => ('split' in l && l.split === split ? [[l.epoch, l[field]!] as const] : []));
  const all: Series[] = [
    { name: 'training', points: means(steps) },
    { name: 'validation', dots: true, points: evaluations('val') },
    { name: 'test', dots: true, dashed: true, points: evaluations('test') },
  ];
  return all.filter(s => s.points.length);
}

/**
 * Means of neighbours by their steps: at most MOST points, none over fewer steps than the longest line of metrics (the one after an
 * epoch's end is short, and noisy).
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
