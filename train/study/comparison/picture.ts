/** What is drawn of configurations trained side by side. */
import type { Panel, Series } from '../../../plots/panel.ts';
import type { StepMetrics } from '../../step/metrics.ts';
import type { Outcome } from '../experiment.ts';
import type { Trial } from '../trial.ts';

export interface Result {
  readonly variant: string;
  readonly result: Trial;
}

export interface PictureOptions {
  readonly epochs: number;
  /** Whether the curve of the rate is drawn too. */
  readonly rates?: boolean | undefined;
}

const stepsOf = (lines: Trial['lines']): StepMetrics[] => lines.filter((l): l is StepMetrics => !('split' in l));

/** The smoothed training loss over the epochs. */
function curve({ variant, result }: Result): Series {
  let mean: number | undefined;
  const points = stepsOf(result.lines).map(({ epoch, loss }) => {
    mean = mean === undefined ? loss : 0.8 * mean + 0.2 * loss;
    return [epoch, mean] as const;
  });
  return { name: variant, points };
}

/** Lines to a panel. */
const LINES = 6;

/** Accuracies as bars, then the curves of the training loss, some to a panel. Those that diverged are named in the bars, at 0. */
export function picture(results: readonly Result[], { epochs, rates }: PictureOptions): Pick<Outcome, 'panels' | 'layout'> {
  const x = { label: 'epoch', min: 0, max: epochs };
  const firsts = results.flatMap(r => curve(r).points[0]?.[1] ?? []).sort((a, b) => a - b);
  const typical = firsts[Math.floor(firsts.length / 2)] ?? 0;
  const top = Math.ceil(Math.max(0.5, typical) * 2.4) / 2; // one that diverges would flatten all others
  const panels: Panel[] = [
    {
      kind: 'bar',
      title: 'Accuracy',
      y: { label: 'correct', percent: true, min: 0, max: 1 },
      categories: results.map(r => `${r.variant}${r.result.test ? '' : ' (diverged)'}`),
      series: [
        { name: 'test', values: results.map(r => r.result.test?.accuracy ?? 0) },
        { name: 'training', values: results.map(r => r.result.train?.accuracy ?? NaN) },
      ],
    },
  ];
  for (let i = 0; i < results.length; i += LINES) {
    const series = results.slice(i, i + LINES).map(curve);
    panels.push({ kind: 'line', title: 'Training loss', x, y: { label: 'cross-entropy', min: 0, max: top }, series });
  }
  if (rates) {
    const series = results.map(({ variant, result }) => ({
      name: variant,
      points: stepsOf(result.lines).map(l => [l.epoch, l.lr] as const),
    }));
    panels.push({ kind: 'line', title: 'Learning rate', x, y: { label: 'rate', min: 0 }, series });
  }
  return { panels, layout: { height: Math.max(260, results.length * 30), columns: panels.length > 4 ? 3 : 2 } };
}
