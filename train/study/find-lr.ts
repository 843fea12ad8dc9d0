/** The learning-rate range test (Smith 2017): a few steps at rates that grow, and the rate that the losses propose. */
import type { Schedule } from '../../optim/schedule.ts';
import { Diverged } from '../step/divergence.ts';
import type { Fitted } from '../run/loop.ts';

export interface RangePoint {
  readonly lr: number;
  readonly loss: number;
  /** Mean of the losses so far, weighed by 0.9^age. */
  readonly smooth: number;
}

export interface RangeTest {
  readonly points: readonly RangePoint[];
  /** Where the smoothed loss falls fastest with log lr; none if it never falls. */
  readonly proposed: number | undefined;
}

export interface RangeOptions {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
}

/** The rate of step `t`, from 0: from `from` to `to` in equal factors. */
export const rangeRate = (t: number, { from, to, steps }: RangeOptions): number => from * (to / from) ** (t / Math.max(1, steps - 1));

/** The rates of a test as those of a run. */
export const rangeRates = (range: RangeOptions): Schedule => ({ at: t => ({ lr: rangeRate(t, range) }) });

/** The test on a trainer whose rates are those of the range; `onLoss` is told the loss of each step. */
export function rangeTestOf(
  trainer: Pick<Fitted, 'step' | 'settle'>,
  range: RangeOptions,
  onLoss?: (loss: number) => void,
): Promise<RangeTest> {
  return rangeTest(async () => {
    try {
      await trainer.step(true);
      const { loss } = (await trainer.settle())[0]!;
      onLoss?.(loss);
      return loss;
    } catch (error) {
      if (error instanceof Diverged) return NaN; // the end of the test, not of the command
      throw error;
    }
  }, range);
}

/** Takes steps until the loss is four times its least, or not finite. `step` does the next one and returns its loss. */
export async function rangeTest(step: () => Promise<number>, o: RangeOptions): Promise<RangeTest> {
  const points: RangePoint[] = [];
  let mean = 0;
  let least = Infinity;
  for (let t = 0; t < o.steps; t++) {
    const loss = await step();
    if (!Number.isFinite(loss)) break;
    mean = 0.9 * mean + 0.1 * loss;
    const smooth = mean / (1 - 0.9 ** (t + 1));
    least = Math.min(least, smooth);
    points.push({ lr: rangeRate(t, o), loss, smooth });
    if (smooth > 4 * least) break;
  }
  return { points, proposed: propose(points) };
}

/** The rate of the steepest fall of the smoothed loss, over five points each way, before its minimum. */
export function propose(points: readonly RangePoint[]): number | undefined {
  const lowest = points.reduce((best, p, i) => (p.smooth < points[best]!.smooth ? i : best), 0);
  const reach = 5;
  let steepest = 0;
  let at: number | undefined;
  for (let i = reach; i <= lowest - 1; i++) {
    const a = points[i - reach]!;
    const b = points[Math.min(points.length - 1, i + reach)]!;
    const slope = (b.smooth - a.smooth) / Math.log(b.lr / a.lr);
    if (slope < steepest) {
      steepest = slope;
      at = i;
    }
  }
  return at === undefined ? undefined : points[at]!.lr;
}
