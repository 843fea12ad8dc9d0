/** The curves of a run as they grow, by measure and by what lies across. */
import type { EvalMetrics, StepMetrics } from '../../../train/step/metrics.ts';
import { overfitting } from '../curves/gap.ts';
import type { Curve, Gap } from '../curves/line.ts';
import { Track } from '../curves/track.ts';
import type { Run, Timed } from '../runs.ts';

/** What a curve shows. */
export const MEASURES = ['loss', 'accuracy', 'rmse'] as const;
export type Measure = (typeof MEASURES)[number];
export const ACROSS = ['step', 'epoch', 'seconds'] as const;
export type Across = (typeof ACROSS)[number];

export interface Drawing {
  readonly across: Across;
  /** The share of a curve over which its trend is taken; 0 for the values themselves. */
  readonly smoothing: number;
  readonly zoom?: readonly [from: number, to: number] | undefined;
}

interface Pair {
  readonly training: Track<Timed<StepMetrics>>;
  readonly held: Track<Timed<EvalMetrics>>;
}

export class RunTracks {
  #pairs = new Map<string, Pair>();

  /** The curves of a run and what lies between them; `label` stands at the end of the training curve. */
  of(run: Run, name: string, measure: Measure, drawing: Drawing, label: string | undefined): { curves: Curve[]; gap: Gap } {
    const { across, smoothing, zoom } = drawing;
    const key = `${measure} ${across}`;
    let pair = this.#pairs.get(key);
    if (!pair) {
      const make = <L extends StepMetrics | EvalMetrics>() =>
        new Track<Timed<L>>(
          line => line[across],
          line => line[measure],
        );
      this.#pairs.set(key, (pair = { training: make<StepMetrics>(), held: make<EvalMetrics>() }));
    }
    pair.training.follow(run.steps);
    pair.held.follow(run.validation);
    const { points, trend } = pair.training.shown(smoothing, zoom);
    const held = pair.held.shown(0, zoom).points;
    const { id: group, colour } = run;
    const curves: Curve[] = [
      ...(smoothing ? [{ name: `${name}, training as it was`, colour, points, faint: true, group }] : []),
      { name: `${name}, training`, of: name, colour, points: smoothing ? trend : points, label, group },
      { name: `${name}, validation`, of: name, colour, points: held, dashed: true, group },
    ];
    return { curves, gap: { colour, ...overfitting(trend, held, measure === 'accuracy' ? -1 : 1) } };
  }
}
