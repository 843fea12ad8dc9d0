/** The course of a run: loss and accuracy of training and validation over the epochs. */
import type { MetricsLine } from '../train/metrics.ts';
import { draw, type Series } from './chart.ts';

const MOST = 200; // points of a curve; more is noise to the eye and weight to the file

/** The curves of a run from the lines of its metrics.jsonl, as SVG. */
export function curves(lines: readonly MetricsLine[], title?: string): string {
  const series = (field: 'loss' | 'accuracy'): Series[] => [
    { name: 'training', points: thin(lines.flatMap(l => 'split' in l ? [] : [[l.epoch, l[field]] as const])) },
    ...(['val', 'test'] as const).map(split => ({
      name: split === 'val' ? 'validation' : 'test', dots: true, dashed: split === 'test',
      points: lines.flatMap(l => 'split' in l && l.split === split ? [[l.epoch, l[field]] as const] : []),
    })),
  ].filter(s => s.points.length);
  return draw([
    { kind: 'line', title: 'Loss', x: { label: 'epoch' }, y: { label: 'cross-entropy', min: 0 }, series: series('loss') },
    { kind: 'line', title: 'Accuracy', x: { label: 'epoch' }, y: { label: 'correct', percent: true, max: 1 }, series: series('accuracy') },
  ], { title });
}

/** Means of neighbours, so that at most MOST points remain. */
function thin(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const run = Math.ceil(points.length / MOST);
  if (run <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / run) }, (_, i) => {
    const some = points.slice(i * run, (i + 1) * run), mean = (k: 0 | 1) => some.reduce((sum, p) => sum + p[k], 0) / some.length;
    return [mean(0), mean(1)] as const;
  });
}
