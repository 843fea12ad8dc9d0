/** How well a model does, from the sums that programs gather on the device. */
import type { PartImages } from '../data/split.ts';

/** Means over some images. Of a classification `accuracy` is there, of a regression what follows it. */
export interface Score {
  readonly loss: number;
  /** Share of right answers, 0 to 1. */
  readonly accuracy?: number;
  /** Root of the mean squared error, and the mean absolute error, over all outputs. */
  readonly rmse?: number;
  readonly mae?: number;
  /**
   * The coefficient of determination: 1 less the sum of squared errors over that of the targets' squared deviations from their means. The
   * first is summed in float32 on the device in a fixed order, the second in float64 on the host, once.
   */
  readonly r2?: number;
}

/** Sums over images: of the loss and of correct answers, or of a regression of squared and of absolute errors, means over its outputs. */
export interface Totals {
  readonly loss: number;
  readonly correct?: number;
  readonly squared?: number;
  readonly absolute?: number;
}

/** Sums that a program holds for each part. */
export const TOTALS = { classes: ['loss', 'correct'], numbers: ['loss', 'squared', 'absolute'] } as const;

/** The score of so many images of a part. */
export function scoreOf({ loss, correct, squared, absolute }: Totals, images: number, { variance }: Pick<PartImages, 'variance'>): Score {
  if (squared === undefined || absolute === undefined) return { loss: loss / images, accuracy: correct! / images };
  const error = squared / images;
  const r2 = variance ? 1 - error / variance : Number(error === 0); // of targets that are all the same scikit-learn says so too
  return { loss: loss / images, rmse: Math.sqrt(error), mae: absolute / images, r2 };
}

/** The mean of scores, each of so many steps. */
export function meanScore(): { add(score: Score, steps: number): void; mean(): Score | undefined } {
  const NAMES = ['loss', 'accuracy', 'mse', 'mae', 'r2'] as const;
  const sums: Partial<Record<(typeof NAMES)[number], number>> = {};
  let total = 0;
  return {
    add(score, steps) {
      total += steps;
      const mse = score.rmse === undefined ? undefined : score.rmse ** 2; // roots have no mean
      for (const name of NAMES) {
        const value = name === 'mse' ? mse : score[name];
        if (value !== undefined) sums[name] = (sums[name] ?? 0) + steps * value;
      }
    },
    mean() {
      if (!total) return undefined;
      const { mse, ...means } = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / total])) as {
        loss: number;
      } & typeof sums;
      return mse === undefined ? means : { ...means, rmse: Math.sqrt(mse) };
    },
  };
}

const four = (v: number): string => (Math.abs(v) >= 1e-3 || v === 0 ? v.toFixed(4) : v.toExponential(2));

const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

/** What is told of a score beside its loss: names and texts, shares as `written`. */
export function figuresOf({ accuracy, rmse, mae, r2 }: Score, written = percent): [name: string, text: string][] {
  if (accuracy !== undefined) return [['accuracy', written(accuracy)]];
  return [
    ['RMSE', four(rmse!)],
    ['MAE', four(mae!)],
    ['R\u00b2', r2!.toFixed(4)],
  ];
}

/** `loss 0.2911  accuracy 89.3%`, or `loss 0.0123  RMSE 0.1109  MAE 0.0812  R² 0.9754`. */
export const scoreWords = (score: Score): string => {
  const loss = score.accuracy === undefined ? four(score.loss) : score.loss.toFixed(4);
  return [['loss', loss], ...figuresOf(score)].map(([name, text]) => `${name} ${text}`).join('  ');
};
