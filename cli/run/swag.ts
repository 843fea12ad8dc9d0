/** What a run with --swag says at its end: the predictive distribution on the test images, and intervals of some of them as a picture. */
import { draw } from '../../plots/chart.ts';
import type { Panel, Series } from '../../plots/panel.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import type { RunFolder } from '../../train/run/node/run-folder.ts';
import { score } from '../../train/study/probabilities.ts';
import { predictive, type Swag } from '../../train/run/swag.ts';
import type { Session } from './session.ts';

/** Draws of the weights. */
const SAMPLES = 20;
/** Images of the picture. */
const SHOWN = 24;

/** Loss and accuracy of the mean over draws. swag.svg shows the first test images: the predicted class with its 90 % interval. */
export async function reportSwag(
  run: RunFolder,
  recipe: Recipe,
  { trainer, data }: Session,
  swag: Swag,
): Promise<{ loss: number; accuracy: number; samples: number }> {
  const { mean, low, high } = await predictive(trainer, swag, 'test', { samples: SAMPLES, seed: recipe.seed });
  const classes = trainer.classes;
  const labels = data.parts.test.labels;
  const shown = Array.from({ length: Math.min(SHOWN, labels.length) }, (_, i): Shown => {
    const row = mean.subarray(i * classes, (i + 1) * classes);
    const guess = row.indexOf(Math.max(...row));
    const at = i * classes + guess;
    return { i: i + 1, right: guess === labels[i], mean: mean[at]!, low: low[at]!, high: high[at]! };
  });
  run.write('swag.svg', drawIntervals(shown, `SWAG: ${recipe.config.model} on ${recipe.dataset}, ${SAMPLES} draws`));
  return { ...score(mean, labels, classes), samples: SAMPLES };
}

/** What is shown of one image, number `i` from 1: whether it was recognised, and the probability of the predicted class. */
interface Shown {
  readonly i: number;
  readonly right: boolean;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

function drawIntervals(shown: readonly Shown[], title: string): string {
  const intervals = shown.map((s): Series => {
    const points = [
      [s.i, s.low],
      [s.i, s.high],
    ] as const;
    return { name: `interval ${s.i}`, muted: true, points };
  });
  const dots = (right: boolean): Series => {
    const some = shown.filter(s => s.right === right);
    // images are no sequence: no line joins them
    const points = some.flatMap(
      s =>
        [
          [s.i, s.mean],
          [s.i + 0.5, NaN],
        ] as const,
    );
    return { name: right ? 'right' : 'wrong', points, dots: true, dashed: !right };
  };
  const panel: Panel = {
    kind: 'line',
    title: 'Probability of the predicted class, with the central 90 % of the draws',
    x: { label: 'test image', min: 0, max: shown.length + 1 },
    y: { label: 'probability', min: 0, max: 1, percent: true },
    series: [...intervals, ...[dots(true), dots(false)].filter(s => s.points.length)],
  };
  return draw([panel], { title, width: 720, height: 320 });
}
